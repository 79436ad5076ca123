"""The clean-up makes no model dearer; all models are counted by hand, a few here."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.differential.clean_cost import cost, is_dearer, models

if TYPE_CHECKING:
    from tests.support.image_bench import ImageBench

ROOT = Path(__file__).resolve().parents[2]
RESULT = sorted((ROOT / "benchmarks" / "results").glob("clean-cost-*.json"))[-1]


@pytest.mark.cross
@pytest.mark.qemu
@pytest.mark.image
@pytest.mark.oracle
@pytest.mark.parametrize(
    "name", ["converter_global_mean_int8", "converter_global_mean_float", "residual"]
)
def test_the_cleaned_model_is_cheaper(name: str, image_bench: ImageBench) -> None:
    row = cost(models()[name](), image_bench)
    assert not is_dearer(row)
    before, after = row["instructions"]
    # TFLM does not run "residual" before: its PAD has three dimensions.
    assert (before is None) == (name == "residual")
    assert after is not None
    assert before is None or after < before


def test_committed_result_is_of_these_models_and_none_is_dearer() -> None:
    document = json.loads(RESULT.read_text(encoding="utf-8"))
    assert document["dearer"] == []
    assert set(document["rows"]) == set(models())
    for name, row in document["rows"].items():
        assert row["sha256"] == hashlib.sha256(models()[name]()).hexdigest(), name
        assert not is_dearer(row)
    assert sum(row["instructions"][0] is not None for row in document["rows"].values()) >= 30
