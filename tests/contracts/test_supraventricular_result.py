"""The committed study of S against N: of the scripts that are there, and as its page quotes it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULT = json.loads((ROOT / "benchmarks/results/supraventricular.json").read_text("utf-8"))
PAGE = (ROOT / "docs/decisions/0008-supraventricular-beats-from-four-figures.md").read_text("utf-8")
AREAS = [entry["area"] for entry in RESULT["s_against_n"]["patients"].values()]
RHYTHM = RESULT["fibrillation_against_bigeminy_and_trigeminy"]


def test_it_is_of_the_example_as_it_is() -> None:
    """If not: python benchmarks/supraventricular.py --mitdb DIR."""
    for name, digest in RESULT["files"].items():
        found = hashlib.sha256((ROOT / "examples" / "ecg" / name).read_bytes()).hexdigest()
        assert found == digest, name


def test_no_patient_is_left_behind() -> None:
    assert len(AREAS) == 8
    assert min(AREAS) > 0.98
    assert RESULT["s_against_n"]["mean_area"] == pytest.approx(sum(AREAS) / 8, abs=1e-4)
    assert RHYTHM["unpredictability"] > 0.95 > 0.5 > RHYTHM["irregularity"]


def test_the_page_quotes_it() -> None:
    quoted = [
        *(f"{RESULT['s_against_n']['mean_area']:.4f}", f"{min(AREAS):.4f}"),
        *(f"{RHYTHM[name]:.2f}" for name in ("irregularity", "unpredictability")),
    ]
    assert [figure for figure in quoted if figure not in PAGE] == []
