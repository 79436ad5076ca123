"""The reference net N1 stays within its instruction goals, and equals the wheel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.n1.model import build_n1
from benchmarks.n1.run import measure
from tests.kernels.test_differential import need
from tflm_gen.model.macs import operator_macs
from tflm_gen.model.reader import parse_model

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "n1.json"
GOALS = {"cortex-m4f": 1_000_000, "cortex-m55": 250_000}


def results_of(core: str) -> dict[str, dict[str, Any]]:
    """Committed results of a core by engine: of each, the build with the fewest instructions."""
    rows = [r for r in json.loads(RESULT.read_text())["results"] if r["core"] == core]
    rows.sort(key=lambda row: -row["instructions"])
    return {row["engine"]: row for row in rows}


def test_n1_is_the_net_it_is_said_to_be() -> None:
    model = parse_model(build_n1(), "n1.tflite")
    macs = sum(operator_macs(op, model.main) or 0 for op in model.main.operators)
    assert macs == 296_720


@pytest.mark.parametrize("core", GOALS)
def test_n1_meets_its_goal(core: str) -> None:
    need(core)
    found = measure(core, parse_model(build_n1(), "n1.tflite"))
    assert found.equal_vectors == found.vectors == 32
    assert found.instructions <= GOALS[core]
    # Emulated instructions repeat, so the committed figure can be exact with one compiler.
    committed = results_of(core)["compiled"]
    if committed["compiler"] == found.compiler:
        assert found.instructions == pytest.approx(committed["instructions"], rel=0.002)


def test_peers_of_the_same_run_are_slower_and_none_differs() -> None:
    m4f, m55 = results_of("cortex-m4f"), results_of("cortex-m55")
    ours = {core: rows.pop("compiled")["instructions"] for core, rows in (("4", m4f), ("55", m55))}
    assert {engine.split(", ")[1] for engine in m4f} == {"portable C", "cmsis-nn"}
    for row in (*m4f.values(), *m55.values()):
        assert row["equal_vectors"] == row["vectors"] == 32
        assert row["basis"] == "emulated_instructions"
    assert min(row["instructions"] for row in m4f.values()) > 3 * ours["4"]
    boards = {board["board"]: board for board in json.loads(RESULT.read_text())["compare"]}
    engines = {e["engine"]: e for e in boards["corstone300"]["engines"]}
    assert engines["tflm"]["kernels"] == "cmsis-nn"
    assert engines["tflm"]["run"]["count"] > 1.8 * engines["compiled"]["run"]["count"]
    for board in boards.values():
        assert {e["run"]["basis"] for e in board["engines"]} == {"emulated_instructions"}
        assert {e["run"]["n_different"] for e in board["engines"]} == {0}
