from __future__ import annotations

import cmath
import math
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ecg_records import spec_with
from tflm_gen import resources
from tflm_gen.errors import PreprocessSpecError
from tflm_gen.preprocess import spec_rules as module
from tflm_gen.preprocess.filters import butterworth
from tflm_gen.preprocess.spec import load_spec, parse_spec, spec_sha256

AVERAGE = "[average]\nhistory = 8\nfrom = -10\nto = 15\nlikeness = -1\nunlike_divisor = 8\n"


def gain(sections, hz, rate_hz):
    z = cmath.exp(-2j * math.pi * hz / rate_hz)
    total = 1.0
    for s in sections:
        total *= abs((s.b0 + s.b1 * z + s.b2 * z * z) / (1 + s.a1 * z + s.a2 * z * z))
    return total


@given(
    kind=st.sampled_from(["lowpass", "highpass"]),
    order=st.integers(1, 4),
    cutoff=st.floats(1.0, 150.0),
)
def test_butterworth_has_its_gain_at_three_places(kind, order, cutoff):
    sections = butterworth(kind, order=order, cutoff_hz=cutoff, rate_hz=360)
    assert gain(sections, cutoff, 360) == pytest.approx(math.sqrt(0.5), abs=2e-3)
    low, high = gain(sections, 1e-3, 360), gain(sections, 179.999, 360)
    passed, stopped = (low, high) if kind == "lowpass" else (high, low)
    assert passed == pytest.approx(1.0, abs=2e-3)
    assert stopped < 0.01


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("output_rate_hz = 180", "output_rate_hz = 250"), "does not divide"),
        (("cutoff_hz = 40.0", "cutoff_hz = 120.0"), "low-pass below half"),
        (("cutoff_hz = 40.0", "cutoff_hz = 180.0"), "cutoff 180.0 Hz of 360"),
        (('kind = "lowpass"', 'kind = "filtfilt"'), "needs the future"),
        (("order = 3", "order = 3\nzero_phase = true"), "needs the future"),
        (('trigger = "annotation_triggered"', 'trigger = "magic"'), "trigger 'magic'"),
        (("samples = 128", "samples = 2000"), "window.samples"),
        (("before = 52", "before = 128"), "window.before"),
        (('"pre_ratio"', '"heart_rate"'), "rr.features"),
        (("longest_s = 3.0", "longest_s = 9.0"), "keep more than"),
        (("zero = 1024", ""), "no 'zero'"),
        (("zero = 1024", "zero = 1024.5"), "zero is not a whole number"),
        (('classes = ["N", "S", "V"]', 'classes = ["N", "N"]'), "named twice"),
        (('lead = "MLII"', 'lead = "MLII"\ncolour = 1'), "unknown keys: colour"),
        (("samples = 128", "samples = 128\nsample = 1"), "unknown keys: window.sample"),
        (("order = 3", "order = 3\nq = 2"), "unknown keys: filter.q"),
        (("order = 3", "order = 3\nfiltfilt = true"), "needs the future"),
        (("history = 10", "history = 10\nlong = 20"), "unknown keys: rr.long"),
        (("zero = 1024", "zero = 100000000000000"), "adc.zero is not in 16 bits"),
        (("units_per_mv = 200.0", "units_per_mv = inf"), "units_per_mv is inf"),
        (("units_per_mv = 200.0", "units_per_mv = 0"), "adc.units_per_mv is not 1e-06 to 1e+06"),
        (("scale_mv = 1.0", "scale_mv = 1e-40"), "normalization.scale_mv is not 1e-06"),
        (("scale_mv = 1.0", "scale_mv = nan"), "scale_mv is nan"),
        (("sample_rate_hz = 360", "sample_rate_hz = 360000000000"), "sample_rate_hz is above"),
        (('"N", "S", "V"', '"N", ""'), "classes is not a list of texts with something"),
        (('input = "rr"', 'input = "beat"'), "rr.input and window.input have the same name"),
        (("preprocess/1", "preprocess/9"), "schema is"),
        (('kind = "fixed"', 'kind = "batch"'), "normalization"),
        (('"pre_ratio"', '"p_likeness"'), "p_likeness needs an [average]"),
        (('"pre_ratio"', '"unpredictability"'), "rr.rhythm_history is not 2 to 128"),
        (("history = 10", "history = 10\nrhythm_history = 129"), "rr.rhythm_history"),
        (("history = 10", "history = 10\ngains = [1.0, 2.0]"), "2 rr.gains for 5 rr.features"),
        (("history = 10", "history = 10\ngains = [1, 1, 1, 1, 0]"), "an rr.gains is not above 0"),
        (("history = 10", "history = 10\ngains = [1, 1, 1, 1, nan]"), "gains is nan"),
        (("history = 10", 'history = 10\ngains = "ten"'), "gains is not a list of numbers"),
        (("units_per_mv = 200.0", f"units_per_mv = {'9' * 400}"), "units_per_mv is beyond"),
        (("units_per_mv = 200.0", f"units_per_mv = {'9' * 5000}"), "not TOML"),
        (("sample_rate_hz = 360", f"sample_rate_hz = {'9' * 400}"), "sample_rate_hz is beyond"),
        (("cutoff_hz = 0.5", "cutoff_hz = 1e-30"), "float32 cannot hold that filter"),
        (("cutoff_hz = 0.5", "cutoff_hz = 0.001"), "float32 cannot hold that filter"),
        (("[rr]", f"{AVERAGE.replace('history = 8', 'history = 0')}[rr]"), "average.history is 0"),
        (('"pre_ratio"', '"post_ratio"'), "an rr.features is named twice"),
        (
            ("[rr]", f"{AVERAGE}p_from = -80\np_to = -6\n[rr]"),
            "average.p_from to average.p_to is not inside the window",
        ),
    ],
)
def test_a_specification_that_cannot_be_followed_is_refused(change, says):
    with pytest.raises(PreprocessSpecError, match=re.escape(says)):
        spec_with(change)


def test_text_that_is_no_toml_is_refused():
    with pytest.raises(PreprocessSpecError, match="not TOML"):
        parse_spec("lead = ", "x.toml")


def test_the_hash_is_of_what_it_says_not_of_its_spelling():
    assert spec_sha256(spec_with()) == spec_sha256(spec_with(("zero = 1024", "zero = 0x400")))
    assert spec_sha256(spec_with()) != spec_sha256(spec_with(("zero = 1024", "zero = 1023")))


def test_limits_are_those_of_the_c_code():
    header = (resources.firmware_templates_dir() / "common/include/ecg/preprocess.h").read_text()
    limits = dict(re.findall(r"(kEcgMax\w+|kEcgRing) = (\d+)", header))
    assert {k: int(v) for k, v in limits.items()} == {
        "kEcgMaxSections": module.MAX_SECTIONS,
        "kEcgMaxWindow": module.MAX_WINDOW,
        "kEcgMaxRrFeatures": module.MAX_RR_FEATURES,
        "kEcgMaxRrHistory": module.MAX_RR_HISTORY,
        "kEcgMaxRhythmHistory": module.MAX_RHYTHM_HISTORY,
        "kEcgMaxPendingBeats": 16,
        "kEcgRing": module.RING,
    }


def test_the_examples_specification_loads():
    path = resources.examples_dir() / "ecg" / "preprocess.toml"
    assert load_spec(path).trigger == "annotation_triggered"


def test_specification_that_means_harm(tmp_path):
    with pytest.raises(PreprocessSpecError, match="not TOML"):
        parse_spec("a = " + "[" * 100_000, "x.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(PreprocessSpecError, match="not a regular file"):
        load_spec(tmp_path / "pipe.toml")
