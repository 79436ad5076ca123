"""The committed ablation shows the trap, the gate closes it, and the page quotes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "benchmarks" / "results" / "calibration.json").read_text("utf-8"))
ROWS = {row["calibration"]: row for row in DOCUMENT["rows"]}
TRAP = "first 20 beats of record 101"


def points(name: str, score: str) -> float:
    """How far a score rises (or falls) against the float model."""
    return 100 * (ROWS[name]["scores"][score] - DOCUMENT["float"][score])


def test_a_bad_set_raises_accuracy_while_veb_sensitivity_falls_5_to_15_points() -> None:
    assert points(TRAP, "accuracy") > 0
    assert -15 < points(TRAP, "veb_se") < -5


@pytest.mark.parametrize("name", [TRAP, "first 10 beats of record 101", "1 beat"])
def test_no_preset_accepts_it_and_the_tool_warns_of_the_set(name: str) -> None:
    row = ROWS[name]
    assert points(name, "veb_se") < -5
    assert not any(row["accepted"].values())
    assert any("VEB Se falls by" in reason for reason in row["reasons_advisory"])
    assert any("records only" in warning for warning in row["tool_warnings"])


def test_a_balanced_set_gets_no_warning_and_passes() -> None:
    assert ROWS["200 balanced"]["tool_warnings"] == []
    assert ROWS["200 balanced"]["same_class"] > 0.99
    assert all(ROWS["200 balanced"]["accepted"].values())


def test_other_methods_changed_the_scales() -> None:
    widest = ROWS["200 balanced"]["scales"]
    others = [row for row in DOCUMENT["rows"] if row["method"] != "minmax"]
    assert {row["method"] for row in others} == {"percentile", "mse"}
    for row in others:
        assert row["narrowed_activations"] > 0
        assert min(a / b for a, b in zip(row["scales"], widest, strict=True)) < 0.99
    assert {row["per_channel"] for row in others} == {True, False}


def test_the_page_quotes_the_figures() -> None:
    page = (ROOT / "docs" / "calibration.md").read_text("utf-8")
    for name, row in ROWS.items():
        scores = row["scores"]
        assert f"| {name} | {100 * scores['accuracy']:.2f} |" in page
        assert f"| {100 * scores['veb_se']:.2f} / {100 * scores['veb_ppv']:.2f} |" in page
