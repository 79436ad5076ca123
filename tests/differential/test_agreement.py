"""The verdicts of ``check`` agree with the runtimes; the full set is run by hand."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.differential.agreement import (
    known_from,
    n_different,
    on_image,
    on_wheel,
    readable,
    verdict,
    zoo,
)
from tests.support.requirements import require
from tests.support.wheel_bench import run_on_wheel
from tests.support.zoo_kernels import kernel_cases
from tflm_gen.check.kernel_types import load_kernel_types
from tflm_gen.errors import TflmGenError
from tflm_gen.model.reader import parse_model

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


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(zoo()))
def test_verdict_on_host_is_what_the_wheel_does(name: str) -> None:
    model = readable(name)
    assert model is not None, "the validator refuses a model of the zoo"
    outcome = on_wheel(model)
    assert verdict(model, "host").runs == outcome.ran, (outcome.verdict, outcome.said)


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
    silent = [d for d in document["outputs_differ_between_runtimes"] if not d["check_warns"]]
    assert silent == []
