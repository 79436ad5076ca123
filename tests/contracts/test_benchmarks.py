"""The committed benchmark file is complete, of the model that it names, and meets the goals."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEWEST = sorted((ROOT / "benchmarks" / "results").glob("????-??-??.json"))[-1]
DOCUMENT = json.loads(NEWEST.read_text(encoding="utf-8"))
RESULTS = DOCUMENT["results"]


def test_no_part_is_missing() -> None:
    assert set(RESULTS) == {"start", "model_array", "build", "firmware"}
    assert [name for name, part in RESULTS.items() if "missing" in part] == []


def test_results_are_of_the_current_model() -> None:
    model = (ROOT / "tests" / "fixtures" / "synthetic_ecg" / "ecg.tflite").read_bytes()
    digest = hashlib.sha256(model).hexdigest()
    assert digest == DOCUMENT["model_sha256"] == RESULTS["firmware"]["model"]["sha256"]
    assert RESULTS["firmware"]["basis"] == "emulated_instructions"


@pytest.mark.parametrize(
    ("part", "key", "goal"),
    [
        ("start", "help", "help_s"),
        ("build", "warm_median_s", "warm_build_s"),
        ("model_array", "median_s", "model_array_1_mb_s"),
    ],
)
def test_recorded_times_meet_the_goals(part: str, key: str, goal: str) -> None:
    value = RESULTS[part][key]
    seconds = value["median_s"] if isinstance(value, dict) else value
    assert 0 < seconds < DOCUMENT["goals"][goal]
