"""The page of the MIT-BIH example quotes its results file, and the model there is the scored one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tflm_gen.model.reader import read_model
from tflm_gen.preprocess.carried import carried_spec
from tflm_gen.preprocess.spec import load_spec, spec_sha256

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "ecg_mitdb"
RESULTS = json.loads((FOLDER / "results.json").read_text())
PAGE = (FOLDER / "README.md").read_text()
RUNS = {run["seed"]: run for run in RESULTS["runs"]}
SHIPPED = RUNS[RESULTS["shipped_seed"]]


def gross(run, model: str, kind: str) -> tuple[float, float]:
    score = run["evaluate"]["models"][model]["ec57"][kind]["gross"]
    return 100 * score["se"], 100 * score["ppv"]


def test_the_model_is_the_scored_one() -> None:
    data = (FOLDER / "ecg_beats.tflite").read_bytes()
    assert hashlib.sha256(data).hexdigest() == SHIPPED["int8_sha256"]
    assert len(data) == SHIPPED["int8_bytes"] <= 32_768
    assert SHIPPED["int8_sha256"] in PAGE


def test_scripts_are_those_of_the_results() -> None:
    for name, digest in RESULTS["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name


def test_nobody_is_on_both_sides_but_the_published_overlap() -> None:
    split = SHIPPED["evaluate"]["split"]
    assert (split["name"], split["known_overlap"]) == ("DS1/DS2", ["201"])
    trained = {p for fold in RESULTS["cross_validation_ds1"]["folds"] for p in fold}
    assert len(trained) == len(split["test"]) == 22
    assert not trained & set(split["test"])


def test_ventricular_beats_reach_the_goal_and_int8_costs_nothing() -> None:
    se, ppv = gross(SHIPPED, "int8", "VEB")
    assert se >= 93
    assert ppv >= 82
    gate = SHIPPED["evaluate"]["gate"]
    assert gate["accepted"]
    assert max(check["drop_points"] for check in gate["checks"]) <= 0.5


def test_page_quotes_every_seed() -> None:
    for seed, run in RUNS.items():
        for model in ("float", "int8"):
            cells = ["{:.2f} / {:.2f}".format(*gross(run, model, kind)) for kind in ("VEB", "SVEB")]
            assert f"| {seed} {model} | {' | '.join(cells)} |" in PAGE, (seed, model)
    assert "No claim of conformity" in PAGE


def test_the_model_carries_its_preprocessing() -> None:
    carried = carried_spec(read_model(FOLDER / "ecg_beats.tflite"))
    assert carried is not None
    assert spec_sha256(carried) == spec_sha256(load_spec(FOLDER / "preprocess.toml"))
