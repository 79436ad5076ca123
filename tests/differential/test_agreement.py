"""The verdicts of ``check`` agree with the runtimes; the full set is run by hand."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.differential.agreement import (
    is_held_back,
    known_from,
    n_different,
    on_image,
    on_wheel,
    on_wheel_with_other_numbers,
    readable,
    verdict,
    zoo,
)
from tests.support.requirements import require
from tests.support.wheel_bench import run_on_wheel
from tests.support.zoo_kernels import kernel_cases
from tflm_gen.arena_model.offline import reason_not_to_place
from tflm_gen.check.kernel_types import load_kernel_types
from tflm_gen.errors import TflmGenError
from tflm_gen.model.reader import parse_model
from tflm_gen.model.run_checks import reason_not_to_run

if TYPE_CHECKING:
    from tests.support.image_bench import ImageBench

ROOT = Path(__file__).resolve().parents[2]
RESULT = sorted((ROOT / "benchmarks" / "results").glob("check-agreement-*.json"))[-1]
# Every kind of disagreement there could be, seeded, and the ones that once were.
_ALWAYS = (
    "feature_dense_int16_true_true",
    "feature_pad_2_int8",
    "feature_resource_variable",
    "feature_broadcast_greater_int8_4",
    "feature_hybrid_conv_2d",
    "feature_custom_ethos-u",
    "converter_int16x8",
    "converter_static_batch_causal_tcn",
    "converter_attention",
)
CASES = sorted({*random.Random(20261121).sample(sorted(zoo()), 8), *_ALWAYS})
# Positions that a run computes. The reductions look at the range of their axes only: with another
# axis they write as many elements as it leaves, whatever the output's size.
HELD_BACK = frozenset(
    f"feature_second_operand_{op}_{dtype}_runtime"
    for op in (
        *("slice", "space_to_batch_nd", "batch_to_space_nd", "arg_max"),
        *("mean", "sum", "reduce_max"),
    )
    for dtype in ("int8", "float32")
)


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(zoo()))
def test_verdict_on_host_is_what_the_wheel_does(name: str) -> None:
    model = readable(name)
    assert model is not None, "the validator refuses a model of the zoo"
    outcome = on_wheel(model)
    # What runs with zeros as positions, and would crash with others, is refused: listed below.
    runs = outcome.ran and name not in HELD_BACK
    assert verdict(model, "host").runs == runs, (outcome.verdict, outcome.said)


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(zoo()))
def test_check_says_no_if_the_wheel_is_not_given_the_model(name: str) -> None:
    model = readable(name)
    assert model is not None
    reason = reason_not_to_run(model) or reason_not_to_place(model)
    report = verdict(model, "host")
    assert not (reason and report.runs), reason
    assert is_held_back(report) == (name in HELD_BACK)


@pytest.mark.oracle
@pytest.mark.parametrize("op", ["slice", "arg_max", "space_to_batch_nd", "batch_to_space_nd"])
def test_held_back_models_crash_with_other_numbers(op: str) -> None:
    model = readable(f"feature_second_operand_{op}_int8_runtime")
    assert model is not None
    assert on_wheel_with_other_numbers(model).startswith("crashed")


@pytest.mark.cross
@pytest.mark.qemu
@pytest.mark.image
@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_verdict_on_corstone300_is_what_the_image_does(name: str, image_bench: ImageBench) -> None:
    model = readable(name)
    assert model is not None
    report, image, wheel = (
        verdict(model, "corstone300"),
        on_image(model, image_bench),
        on_wheel(model),
    )
    assert report.runs == image.ran, (image.verdict, image.said)
    if image.ran and wheel.ran and n_different(model, wheel, image):
        assert report.warnings, "the bytes differ, and nothing warns of it"


@pytest.mark.oracle
def test_kernel_types_are_what_the_wheel_takes() -> None:
    """A seeded sample of the type matrix, asked again."""
    require("oracle")
    accepted = load_kernel_types("wheel").accepted
    cases = [case for case in kernel_cases() if case.op in accepted]
    for case in random.Random(7).sample(cases, 400):
        try:
            model = parse_model(case.flatbuffer, "case.tflite")
        except TflmGenError:
            continue
        ran = run_on_wheel(model).ran or case.op == "RSQRT"
        assert ran == (case.signature in accepted[case.op]), (case.op, case.signature)


def test_committed_result_is_of_this_zoo() -> None:
    document = json.loads(RESULT.read_text(encoding="utf-8"))
    assert document["models"] == len(zoo()) - len(document["refused_by_the_validator"])
    assert document["models"] >= 100
    # Raises if a model or a runtime is another one.
    assert len(known_from(document).names) == document["models"]
    assert document["disagreements"] == []
    held_back = document["held_back_though_zero_inputs_run"]
    assert {entry["model"] for entry in held_back} == HELD_BACK
    silent = [d for d in document["outputs_differ_between_runtimes"] if not d["check_warns"]]
    assert silent == []
