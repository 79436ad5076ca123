"""The committed run of 10,000 configurations per operator: complete, clean, and of these sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.batch import ORACLES, WHEEL
from tests.kernels.random_cases import BUILDERS
from tests.kernels.soak import FIRST_CASES, SCHEMA, first_hash, is_current, machines_of
from tests.kernels.test_differential import GROUPS, cases_of, need

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "compiled-soak.json"
DOCUMENT: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
N_CASES = 10_000
# Generated again by the test: one of each group, and of each way to treat the targets.
AGAIN = ("CONV_2D", "MUL", "LOGISTIC", "STRIDED_SLICE")


def test_every_operator_ran_everywhere_and_nothing_differed() -> None:
    assert DOCUMENT["schema"] == SCHEMA
    assert set(DOCUMENT["runs"]) == set(BUILDERS)
    for op, run in DOCUMENT["runs"].items():
        assert set(run["machines"]) == set(machines_of(op))
        assert run["oracle"] == ORACLES.get(op, WHEEL)
        for machine, entry in run["machines"].items():
            assert entry["failures"] == [], (op, machine)
            assert entry["cases"] >= N_CASES, (op, machine)
            assert entry["cases"] == run["seeds"] - run["refused_by_the_oracle"]


@pytest.mark.parametrize("op", BUILDERS)
def test_kernels_are_those_that_ran(op: str) -> None:
    """If this fails: ``python -m tests.kernels.soak --out`` that file runs the operator again."""
    assert is_current(DOCUMENT["runs"][op])


@pytest.mark.parametrize("op", AGAIN)
def test_generated_c_is_what_ran(op: str) -> None:
    need("host")
    group = next(group for group, ops in GROUPS.items() if op in ops)
    cases = [case for case in cases_of(group) if case.name.rsplit("_", 1)[0] == op]
    assert len(cases) == FIRST_CASES
    assert first_hash(op, cases) == DOCUMENT["runs"][op]["first_cases_sha256"]
