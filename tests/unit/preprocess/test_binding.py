"""The C code against the same steps written with numpy, number for number."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ecg_records import make_signal, spec_with
from tests.support.programs import check
from tflm_gen.errors import UsageError
from tflm_gen.preprocess import binding
from tflm_gen.preprocess.binding import preprocess_record, quantize_values, source_files

pytestmark = pytest.mark.hostcc
F = np.float32


def filtered(spec, adc):
    """Transposed direct form II, one float32 operation at a time."""
    first = int(adc[0]) if spec.settles_on_first_sample else spec.adc_zero
    values = [F(int(a) - first) * F(1.0 / spec.adc_units_per_mv) for a in adc]
    for s in spec.sections:
        b0, b1, b2, a1, a2 = (F(x) for x in (s.b0, s.b1, s.b2, s.a1, s.a2))
        m1 = m2 = F(0)
        out = []
        for x in values:
            y = b0 * x + m1
            m1 = b1 * x - a1 * y + m2
            m2 = b2 * x - a2 * y
            out.append(y)
        values = out
    return np.array(values[:: spec.decimation], dtype=F)


def expected(spec, adc, beats):
    kept = filtered(spec, adc)
    longest = round(spec.longest_rr_s * spec.sample_rate_hz)
    windows, features, history = [], [], []
    for i, beat in enumerate(beats):
        first = beat // spec.decimation - spec.window_before
        window = np.array(
            [
                kept[k] if 0 <= k < len(kept) else F(0)
                for k in range(first, first + spec.window_samples)
            ],
            dtype=F,
        )
        windows.append(window / F(spec.scale_mv))
        pre = min(beat - beats[i - 1], longest) if i else 0
        if i + 1 < len(beats):
            post = min(beats[i + 1] - beat, longest)
        else:
            post = longest if len(adc) - beat > longest else pre or longest
        if pre:
            history.append(pre)
        recent = history[-spec.rr_history :] or [post]
        pre = pre or post
        second = F(1.0 / spec.sample_rate_hz)
        features.append(
            [
                F(pre) * second,
                F(post) * second,
                F(pre * len(recent)) / F(sum(recent)),
                F(post * len(recent)) / F(sum(recent)),
                F(pre) / F(post),
            ]
        )
    return np.array(windows), np.array(features, dtype=F)


def test_every_float_equals_the_same_steps_in_numpy():
    spec = spec_with()
    adc, beats, _ = make_signal(12.0)
    made = preprocess_record(spec, adc, beats)
    windows, rr = expected(spec, adc, beats)
    assert len(beats) > 12
    np.testing.assert_array_equal(made.windows, windows)
    np.testing.assert_array_equal(made.rr, rr)


@settings(max_examples=25, deadline=None)
@given(
    beats=st.sets(st.integers(0, 2999), min_size=1, max_size=8).map(sorted),
    seed=st.integers(0, 99),
)
def test_beats_anywhere_even_at_the_edges(beats, seed):
    spec = spec_with(("before = 52", "before = 20"), ("longest_s = 3.0", "longest_s = 2.0"))
    adc = np.random.default_rng(seed).integers(0, 2048, 3000).astype(np.int16)
    made = preprocess_record(spec, adc, beats)
    windows, rr = expected(spec, adc, beats)
    np.testing.assert_array_equal(made.windows, windows)
    np.testing.assert_array_equal(made.rr, rr)


def test_the_start_has_no_transient_of_the_baseline():
    spec = spec_with()
    made = preprocess_record(spec, np.full(4000, 1900, dtype=np.int16), [10, 2000])
    assert not made.windows.any()


def test_zscore_windows_have_mean_0_and_deviation_1_and_a_flat_one_stays_flat():
    spec = spec_with(('kind = "fixed"\nscale_mv = 1.0', 'kind = "zscore"\nsmallest_sd_mv = 0.05'))
    adc, beats, _ = make_signal(10.0)
    windows = preprocess_record(spec, adc, beats[1:-1]).windows
    np.testing.assert_allclose(windows.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(windows.std(axis=1), 1, atol=1e-5)
    flat = preprocess_record(spec, np.full(4000, 700, dtype=np.int16), [2000]).windows
    assert not flat.any()


def test_a_later_sample_never_changes_an_earlier_window():
    """Causal: the device has no future."""
    spec = spec_with()
    adc, beats, _ = make_signal(12.0)
    whole = preprocess_record(spec, adc, beats)
    changed = adc.copy()
    changed[beats[6] + 700 :] = 0
    part = preprocess_record(spec, changed, beats)
    np.testing.assert_array_equal(whole.windows[:6], part.windows[:6])


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=20),
    scale=st.floats(0.0009765625, 1.0, width=32),
    zero_point=st.integers(-128, 127),
)
def test_quantizing_rounds_halves_away_from_zero(values, scale, zero_point):
    scaled = np.array(values, dtype=F) / F(scale)
    rounded = np.trunc(np.clip(scaled, -512, 512) + np.copysign(F(0.5), scaled))
    wanted = np.clip(rounded + zero_point, -128, 127).astype(np.int8)
    got = quantize_values(np.array(values, dtype=F), scale=scale, zero_point=zero_point)
    assert got.tolist() == wanted.tolist()


@pytest.mark.parametrize("beats", [[5, 5], [9, 3], [99999]])
def test_beats_out_of_order_or_place_are_refused(beats):
    with pytest.raises(UsageError, match="rising order"):
        preprocess_record(spec_with(), make_signal(5.0)[0], beats)


def test_samples_beyond_16_bits_are_refused():
    with pytest.raises(UsageError, match="16 bits"):
        preprocess_record(spec_with(), np.array([0, 40000]), [0])


def test_python_and_c_agree_on_the_structures(tmp_path):
    program = tmp_path / "sizes.c"
    program.write_text(
        '#include <stdio.h>\n#include "ecg/preprocess.h"\n'
        "int main(void) { printf("
        '"%zu %zu", sizeof(EcgPreprocessConfig), sizeof(EcgPreprocessState)); }\n'
    )
    check("cc", "-std=c11", f"-I{source_files()[1]}", program, "-o", tmp_path / "sizes")
    printed = check(tmp_path / "sizes").split()
    sizes = [ctypes.sizeof(binding.Config), ctypes.sizeof(binding._State)]
    assert [int(x) for x in printed] == sizes
