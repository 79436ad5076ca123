"""The specification inside a model: read, compared with the model, and missed where there is none."""

from __future__ import annotations

import ctypes
import re

import pytest

from tests.support.ecg_records import SPEC_TEXT, spec_text, spec_with
from tests.support.programs import check
from tests.support.projects import spec_for
from tests.support.spec_models import AVERAGE, model_with_spec
from tflm_gen.errors import PreprocessSpecError
from tflm_gen.model.reader import parse_model
from tflm_gen.preprocess.binding import source_files
from tflm_gen.preprocess.carried import carried_spec
from tflm_gen.preprocess.structures import config_of, detector_config
from tflm_gen.project.plan import plan_project
from tflm_gen.project.preprocessing import HEADER, preprocess_files, preprocess_warnings

TWO_CHANNELS = ("[normalization]", f"{AVERAGE}[normalization]")


def model_of(text, **shape):
    return parse_model(model_with_spec(text, **shape), "beats.tflite")


def project_of(model):
    import dataclasses

    return dataclasses.replace(spec_for("host"), model=model)


def test_a_model_s_own_specification_is_read():
    assert carried_spec(model_of(SPEC_TEXT)) == spec_with()
    assert carried_spec(model_of(None)) is None
    # A compiler may have dropped it: then the model before has it.
    assert carried_spec(model_of(None), model_of(SPEC_TEXT)) == spec_with()


@pytest.mark.parametrize(
    ("text", "shape", "says"),
    [
        (spec_text(("samples = 128", "samples = 64")), {}, "64 values for input 'beat'"),
        (spec_text(TWO_CHANNELS), {}, "256 values for input 'beat', which takes 128"),
        (SPEC_TEXT, {"n_rr": 4}, "5 values for input 'rr', which takes 4"),
        (spec_text(('input = "rr"', 'input = "intervals"')), {}, "the model has"),
        (spec_text(('["N", "S", "V"]', '["N", "V"]')), {}, "2 classes"),
        ("schema = 3", {}, "TFLM_GEN_PREPROCESS"),
    ],
)
def test_one_for_another_model_is_refused_when_it_is_loaded(text, shape, says):
    with pytest.raises(PreprocessSpecError, match=says):
        carried_spec(model_of(text, **shape))


def test_a_project_without_one_is_warned_of_and_one_with_it_gets_the_header():
    bare, with_spec = project_of(model_of(None)), project_of(model_of(SPEC_TEXT))
    assert preprocess_files(bare) == {}
    (warning,) = preprocess_warnings(bare)
    for what in ("sampling rate", "lead", "filter", "gain", "place of the beat"):
        assert what in warning
    assert preprocess_warnings(with_spec) == ()
    files = plan_project(with_spec, arena_bytes=4096, arena_basis="a test").files
    assert b'kTrigger[] = "annotation_triggered"' in files[HEADER]


@pytest.mark.hostcc
@pytest.mark.parametrize("text", [SPEC_TEXT, spec_text(TWO_CHANNELS)])
def test_the_header_has_the_host_s_numbers_bit_for_bit(tmp_path, text):
    model = model_of(text, channels=2 if "[average]" in text else 1)
    (tmp_path / "preprocess_config.h").write_bytes(preprocess_files(project_of(model))[HEADER])
    (tmp_path / "print.cc").write_text(PRINT)
    _, include = source_files()
    check(
        *("g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", f"-I{include}"),
        *(tmp_path / "print.cc", "-o", tmp_path / "print"),
    )
    preprocess, detector = check(tmp_path / "print").split()
    spec = carried_spec(model)
    assert preprocess == bytes(config_of(spec)).hex()
    assert detector == bytes(detector_config(spec.sample_rate_hz)).hex()
    assert len(preprocess) == 2 * ctypes.sizeof(config_of(spec))


PRINT = r"""
#include <cstdio>
#include "preprocess_config.h"
template <typename T>
void Print(const T& value) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
  for (std::size_t i = 0; i < sizeof(T); ++i) std::printf("%02x", bytes[i]);
  std::printf("\n");
}
int main() {
  Print(ecg::kPreprocess);
  Print(ecg::kDetector);
}
"""


def test_real_numbers_are_written_without_rounding():
    header = preprocess_files(project_of(model_of(SPEC_TEXT)))[HEADER].decode()
    assert re.search(r"^    0x1\.47ae14p-8F,  // mv_per_unit$", header, re.M)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('kind = "highpass"', 'kind = "filtfilt"'), "needs the future"),
        (("order = 2", "order = 2\nzero_phase = true"), "needs the future"),
        (("[normalization]", AVERAGE.replace("to = 15", "to = 90") + "[normalization]"), "inside"),
        (("[normalization]", AVERAGE.replace("0.9", "1.2") + "[normalization]"), "likeness"),
        (
            ("[normalization]", AVERAGE.replace("= 8\nfrom", "= 0\nfrom") + "[normalization]"),
            "average.history is 0: leave",
        ),
        (('"pre_over_post"', '"pre_long_ratio"'), "long_history is not 2 to 256"),
        (('"pre_over_post"', '"irregularity"'), "irregular_history is not 2 to 255"),
        (
            (
                'trigger = "annotation_triggered"',
                'trigger = "by hand"',
            ),
            "trigger 'by hand'",
        ),
    ],
)
def test_what_a_specification_may_not_say(change, says):
    with pytest.raises(PreprocessSpecError, match=says):
        spec_with(change)
