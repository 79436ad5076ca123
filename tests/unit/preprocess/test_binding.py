"""The C code against the same steps written with numpy, number for number."""

from __future__ import annotations

import ctypes
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ecg_records import make_signal, spec_with
from tests.support.programs import check
from tflm_gen.errors import UsageError
from tflm_gen.preprocess import binding, structures
from tflm_gen.preprocess.binding import (
    code_digest,
    detect_record,
    preprocess_record,
    quantize_values,
    source_files,
)

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
        '#include <stdio.h>\n#include "ecg/beat_detector.h"\n'
        "int main(void) { printf("
        '"%zu %zu %zu %zu", sizeof(EcgPreprocessConfig), sizeof(EcgPreprocessState), '
        "sizeof(EcgDetectorConfig), sizeof(EcgDetectorState)); }\n"
    )
    check("cc", "-std=c11", f"-I{source_files()[1]}", program, "-o", tmp_path / "sizes")
    printed = check(tmp_path / "sizes").split()
    known = (structures.Config, structures.State)
    known += (structures.DetectorConfig, structures.DetectorState)
    assert [int(x) for x in printed] == [ctypes.sizeof(each) for each in known]


AVERAGE = (
    "[normalization]",
    "[average]\nhistory = 6\nfrom = -10\nto = 15\nlikeness = 0.9\nunlike_divisor = 8\n"
    "[normalization]",
)


def with_average(spec, windows, pre_ratio=None):
    """Each beat beside its distance to the average of those before it, step by step."""
    first, end = (spec.window_before + at for at in (spec.average_from, spec.average_to))
    average, count, made, steps = windows[0].copy(), 0, [], []
    for window in windows:
        count = min(count + 1, spec.average_history)
        both = of_window = of_average = F(0)
        for w, t in zip(window[first:end], average[first:end], strict=True):
            both, of_window, of_average = both + w * t, of_window + w * w, of_average + t * t
        like = both / np.sqrt(of_window * of_average + F(1e-6))
        is_early = pre_ratio is not None and made and pre_ratio[len(made)] < F(spec.early_ratio)
        is_usual = like >= F(spec.likeness) and not is_early
        step = F(1) / F(count) if is_usual else F(1) / F(count) / F(8)
        distance = window - average
        average = average + (F(0) if not made else step) * distance
        made.append(np.stack([window, distance], axis=1) / F(spec.scale_mv))
        steps.append(step)
    return np.stack(made), steps


def test_each_beat_is_set_beside_its_distance_to_the_average_so_far():
    adc, beats, _ = make_signal(20.0, seed=4)
    spec = spec_with(AVERAGE)
    made = preprocess_record(spec, adc, beats)
    assert made.windows.shape == (len(beats), 128, 2)
    assert made.tensor is made.windows
    plain = preprocess_record(spec_with(), adc, beats)
    assert plain.tensor.shape == (len(beats), 128, 1)
    expected, steps = with_average(spec, plain.windows)
    np.testing.assert_array_equal(made.windows, expected)
    # Both kinds of step occur: every fifth beat is another shape.
    assert F(1) / F(6) in steps
    assert min(steps) < F(1) / F(40)
    # The first beat is its own average.
    assert not made.windows[0, :, 1].any()
    size = np.abs(made.windows[..., 1]).mean(axis=1)
    assert size[9] > 3 * size[8]


def test_an_early_beat_moves_the_average_less():
    """A record that begins with a ventricular beat: the average goes to the usual shape."""
    adc, beats, symbols = make_signal(30.0, seed=4)
    first = symbols.index("V")
    beats = beats[first:]
    gate = AVERAGE[1].replace("likeness = 0.9", "likeness = -1.0\nearly_ratio = 0.9")
    spec = spec_with((AVERAGE[0], gate))
    made = preprocess_record(spec, adc, beats)
    plain = preprocess_record(spec_with(), adc, beats)
    pre_ratio = plain.rr[:, spec_with().rr_features.index("pre_ratio")]
    expected, steps = with_average(spec, plain.windows, pre_ratio)
    np.testing.assert_array_equal(made.windows, expected)
    assert min(steps) == F(1) / F(6) / F(8)
    # Afterwards the early wide beats are far from the average, the usual ones near.
    size = np.abs(made.windows[..., 1]).mean(axis=1)
    wide = np.array([symbol == "V" for symbol in symbols[first:]])
    assert size[12:][wide[12:]].min() > 2 * size[12:][~wide[12:]].max()


def test_a_longer_history_has_ratios_of_its_own():
    features = '"pre_s", "post_s", "pre_ratio", "post_ratio", "pre_over_post"'
    spec = spec_with(
        (features, '"pre_s", "post_s", "pre_long_ratio", "post_long_ratio", "pre_ratio"'),
        ("history = 10", "history = 2\nlong_history = 4"),
    )
    beats = [100, 300, 600, 1000, 1500, 2100]
    rr = preprocess_record(spec, np.zeros(2400, int) + np.arange(2400) % 7, beats).rr
    # Beat 4 is 500 after beat 3; the last four intervals are 200, 300, 400, 500.
    assert rr[4, 2] == F(500 * 4) / F(1400)
    assert rr[4, 3] == F(600 * 4) / F(1400)
    assert rr[4, 4] == F(500 * 2) / F(900)
    # The first beat has no interval before it: it takes the one after.
    assert rr[0, 2] == rr[0, 3] == F(1)


def test_the_interval_before_and_the_changes_of_the_last_ones():
    features = '"pre_s", "post_s", "pre_ratio", "post_ratio", "pre_over_post"'
    spec = spec_with(
        (features, '"before_ratio", "irregularity", "pre_s", "post_s", "pre_ratio"'),
        ("history = 10", "history = 2\nirregular_history = 3"),
    )
    beats = [100, 300, 600, 1000, 1500, 2100]
    rr = preprocess_record(spec, np.arange(2400) % 7, beats).rr
    assert rr[4, 0] == F(400 * 2) / F(900)
    # Intervals 300, 400, 500, each 100 longer than the one before it.
    assert rr[4, 1] == F(300) / F(1200)
    # The second beat: one interval, nothing before it, no change.
    assert (rr[1, 0], rr[1, 1]) == (F(1), F(0))
    assert rr[2, 1] == F(100) / F(500)
    assert (rr[0, 0], rr[0, 1]) == (F(1), F(0))


RHYTHM = (
    (
        '"pre_s", "post_s", "pre_ratio", "post_ratio", "pre_over_post"',
        '"unpredictability", "pre_s"',
    ),
    ("history = 10", "history = 10\nrhythm_history = 20\ngains = [10, 1]"),
)


def unpredictability(intervals, history=20):
    """Of the last interval given, step by step, in numpy."""
    distances = [
        min(abs(now - before) for before in intervals[max(0, i - 3) : i])
        for i, now in enumerate(intervals)
        if i
    ][-history:]
    if not distances:
        return F(0)
    middle = sorted(distances)[(len(distances) - 1) // 2]
    return F(middle * len(distances)) / F(sum(intervals[-len(distances) :])) * F(10)


@settings(max_examples=40, deadline=None)
@given(intervals=st.lists(st.integers(40, 900), min_size=1, max_size=60))
def test_unpredictability_is_the_median_distance_to_the_nearest_of_three_intervals(intervals):
    beats = np.cumsum([50, *intervals]).tolist()
    adc = np.zeros(beats[-1] + 10, dtype=np.int16)
    rr = preprocess_record(spec_with(*RHYTHM), adc, beats).rr
    assert rr[0, 0] == 0
    for i in range(1, len(beats)):
        assert rr[i, 0] == unpredictability(intervals[:i])


def test_what_repeats_is_predictable_and_fibrillation_is_not():
    rng = np.random.default_rng(3)
    rhythms = {
        "sinus": 300 + rng.integers(-5, 6, 60),
        "bigeminy": np.tile([200, 400], 30) + rng.integers(-5, 6, 60),
        "trigeminy": np.tile([300, 200, 400], 20) + rng.integers(-5, 6, 60),
        "early beats": np.tile([300, 300, 300, 300, 190, 410], 10) + rng.integers(-5, 6, 60),
        "fibrillation": rng.integers(140, 460, 60),
    }
    last = {}
    for name, intervals in rhythms.items():
        beats = np.cumsum([50, *intervals]).tolist()
        rr = preprocess_record(spec_with(*RHYTHM), np.zeros(beats[-1] + 10, int), beats).rr
        last[name] = float(rr[-1, 0])
    assert max(value for name, value in last.items() if name != "fibrillation") < 0.2
    assert last["fibrillation"] > 0.5


def test_p_likeness_is_the_correlation_with_the_average_before_the_beat():
    places = "history = 6\np_from = -40\np_to = -10\n"
    spec = spec_with(
        (AVERAGE[0], AVERAGE[1].replace("history = 6\n", places)),
        ('"pre_s", "post_s", "pre_ratio"', '"pre_s", "p_likeness", "pre_ratio"'),
    )
    adc, beats, _ = make_signal(20.0, seed=4)
    made = preprocess_record(spec, adc, beats)
    first, end = spec.window_before - 40, spec.window_before - 10
    # The window's second channel is the beat less the average.
    window, distance = made.windows[:, first:end, 0], made.windows[:, first:end, 1]
    average = window - distance
    centered = [x - x.mean(axis=1, keepdims=True) for x in (window, average)]
    energy = (centered[0] ** 2).sum(axis=1) * (centered[1] ** 2).sum(axis=1)
    wanted = (centered[0] * centered[1]).sum(axis=1) / np.sqrt(energy + 1e-6)
    np.testing.assert_allclose(made.rr[1:, 1], wanted[1:], atol=2e-4)
    assert made.rr[0, 1] == 1
    assert -1 <= made.rr[:, 1].min() < 0.9 < made.rr[1:, 1].max() <= 1


def test_the_detector_finds_the_beats_of_a_clean_record_near_their_places():
    adc, beats, _ = make_signal(60.0, seed=5)
    found = detect_record(spec_with(), adc)
    later = [at for at in beats if at > 360]
    near = [min(abs(int(f) - at) for f in found.beats) for at in later]
    assert np.mean(np.array(near) <= 3) > 0.7
    assert max(near) <= 54  # 150 ms
    assert abs(len(found.beats) - len(beats)) <= 1
    assert found.windows.shape == (len(found.beats), 128)
    # The windows are those of the same beats, had their places been given.
    again = preprocess_record(spec_with(), adc, found.beats)
    np.testing.assert_array_equal(found.windows, again.windows)


def test_the_detector_sees_no_beat_in_a_flat_line():
    assert not len(detect_record(spec_with(), np.full(3600, 1024)).beats)


def test_a_beat_told_too_late_for_its_window_is_lost_and_not_cut_from_nothing(tmp_path):
    program = tmp_path / "late.c"
    program.write_text(LATE)
    sources, include = source_files()
    check("cc", "-std=c11", f"-I{include}", program, *sources, "-lm", "-o", tmp_path / "late")
    assert check(tmp_path / "late").split() == ["1", "0"]


LATE = """
#include <stdio.h>
#include "ecg/preprocess.h"
static EcgPreprocessState state;
int main(void) {
  const EcgPreprocessConfig config = {.decimation = 1, .window_samples = 8, .window_before = 2,
                                      .scale_mv = 1, .rr_history = 1, .rr_long_history = 1,
                                      .longest_rr = 100};
  for (int i = 0; i < 2000; ++i) EcgPreprocessPushSample(&config, &state, (int16_t)i);
  EcgPreprocessPushBeat(&config, &state, 500);
  printf("%u %u", (unsigned)state.n_lost, (unsigned)state.n_pending);
}
"""


@pytest.mark.parametrize("changed", ["preprocess.c", "ecg/preprocess.h", "ecg/biquad.h"])
def test_every_file_that_is_compiled_decides_what_the_cache_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    sources, include = source_files()
    copies = tuple(Path(shutil.copy(source, tmp_path)) for source in sources)
    shutil.copytree(include / "ecg", tmp_path / "ecg")
    before = code_digest()
    monkeypatch.setattr(binding, "source_files", lambda: (copies, tmp_path))
    assert code_digest() == before
    with (tmp_path / changed).open("a", encoding="utf-8") as file:
        file.write("// another\n")
    assert code_digest() != before
