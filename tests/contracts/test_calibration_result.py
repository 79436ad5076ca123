"""The committed ablation shows the trap, the gate closes it, and the page quotes it."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "benchmarks" / "results" / "calibration.json").read_text("utf-8"))
ROWS = {row["calibration"]: row for row in DOCUMENT["rows"]}
BAD = ("first 200 beats of record 101", "1 beat")


def test_a_bad_set_keeps_accuracy_and_costs_sensitivity_and_no_preset_accepts_it() -> None:
    before = DOCUMENT["float"]
    for name in BAD:
        after = ROWS[name]["scores"]
        lost = max(before[k] - after[k] for k in ("veb_se", "sveb_se"))
        assert lost > 0.04
        assert not any(ROWS[name]["accepted"].values())
        assert any("records only" in warning for warning in ROWS[name]["tool_warnings"])


def test_a_balanced_set_gets_no_warning() -> None:
    assert ROWS["200 balanced"]["tool_warnings"] == []
    assert ROWS["200 balanced"]["same_class"] > 0.99


def test_the_page_quotes_the_figures() -> None:
    page = (ROOT / "docs" / "calibration.md").read_text("utf-8")
    for name, row in ROWS.items():
        scores = row["scores"]
        assert f"| {name} | {100 * scores['accuracy']:.2f} |" in page
        assert f"| {100 * scores['veb_se']:.2f} / {100 * scores['veb_ppv']:.2f} |" in page
