"""The example's pages quote its result files, the model there is the scored one, its record is drawn.

Nothing here knows a size or a score of the model but the goals it must meet: another one is swapped
in with ``python -m benchmarks.example``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pages import DEVICE_RESULTS, PAGES, rendered, shipped
from tflm_gen.evaluate.beats import read_record
from tflm_gen.model.reader import read_model
from tflm_gen.preprocess.carried import carried_spec
from tflm_gen.preprocess.spec import load_spec, spec_sha256
from tflm_gen.records.quality import CLEAN, SUBTLE, check_record, grade_beats

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "ecg"
RESULTS = json.loads((FOLDER / "results.json").read_text())
ON_BOARDS = json.loads(DEVICE_RESULTS.read_text())
PAGE = (FOLDER / "README.md").read_text()
MODEL = FOLDER / "ecg.tflite"
SHA256 = hashlib.sha256(MODEL.read_bytes()).hexdigest()
SHIPPED = shipped()


def gross(run, model: str, kind: str) -> tuple[float, float]:
    score = run["evaluate"]["models"][model]["ec57"][kind]["gross"]
    return 100 * score["se"], 100 * score["ppv"]


def test_the_model_is_the_scored_one() -> None:
    assert SHIPPED["int8_sha256"] == SHA256
    assert SHIPPED["int8_bytes"] == MODEL.stat().st_size <= 32_768


def test_scripts_are_those_of_the_results() -> None:
    for name, digest in RESULTS["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name


def test_nobody_is_on_both_sides_but_the_published_overlap() -> None:
    split = SHIPPED["evaluate"]["split"]
    assert (split["name"], split["known_overlap"]) == ("DS1/DS2", ["201"])
    trained = {p for fold in RESULTS["cross_validation_ds1"]["folds"] for p in fold}
    assert len(trained) == len(split["test"]) == 22
    assert not trained & set(split["test"])


@pytest.mark.parametrize("model", ["float", "int8"])
def test_ectopic_beats_are_found_as_well_as_by_the_reference(model: str) -> None:
    for kind, least in {"VEB": (93, 82), "SVEB": (38.00, 38.25)}.items():
        found = gross(SHIPPED, model, kind)
        assert all(score >= bar for score, bar in zip(found, least, strict=True)), (kind, found)


def test_int8_costs_no_more_than_half_a_point() -> None:
    gate = SHIPPED["evaluate"]["gate"]
    assert gate["accepted"]
    assert max(check["drop_points"] for check in gate["checks"]) <= 0.5


def test_the_boards_ran_this_model_and_every_byte_was_equal() -> None:
    assert ON_BOARDS["model_sha256"] == SHA256, "run: python -m benchmarks.example"
    assert set(ON_BOARDS["boards"]) == {"corstone300", "nrf52840"}
    for board in ON_BOARDS["boards"].values():
        assert board["verify"]["equal"]
        assert board["replay"]["is_equal"]
        assert board["replay"]["is_model_run"]
        assert board["bench"]["basis"] == "emulated_instructions"


def test_arena_on_corstone300_is_proven_and_within_the_goal() -> None:
    arena = ON_BOARDS["boards"]["corstone300"]["arena"]
    assert arena["basis"] == "proven"
    assert arena["ran_at"] == arena["bytes"] <= 8192
    assert arena["failed_at"] == arena["bytes"] - 16


@pytest.mark.parametrize("name", PAGES)
def test_pages_quote_the_results(name: str) -> None:
    """If not: python -m benchmarks.example --pages."""
    text = (ROOT / name).read_text()
    assert rendered(text, name) == text


def test_another_figure_in_a_page_is_seen() -> None:
    good = f"{SHIPPED['int8_bytes']:,} bytes"
    assert good in PAGE
    changed = PAGE.replace(good, f"{SHIPPED['int8_bytes'] + 1:,} bytes")
    assert rendered(changed, "README.md") == PAGE
    for page in ("no figures", "<!-- figures:unknown --><!-- /figures -->"):
        with pytest.raises(ValueError, match="blocks of figures"):
            rendered(page, "README.md")


def test_page_says_what_it_is_not() -> None:
    assert "No claim of conformity" in PAGE
    assert "Open Data Commons Attribution License" in PAGE
    assert "**synthetic** ECG" in PAGE


def test_the_model_carries_its_preprocessing() -> None:
    carried = carried_spec(read_model(MODEL))
    assert carried is not None
    assert spec_sha256(carried) == spec_sha256(load_spec(FOLDER / "preprocess.toml"))


def test_the_record_is_small_clean_and_fits_the_preprocessing() -> None:
    (path,) = (FOLDER / "records").iterdir()
    assert path.stat().st_size < 200_000
    spec = carried_spec(read_model(MODEL))
    assert spec is not None
    record = read_record(path.parent, path.stem, spec)
    check_record(record, spec)
    assert record.patient == "nobody"
    assert {"N", "S", "V"} <= set(record.classes)
    assert set(grade_beats(record).grades) <= {CLEAN, SUBTLE}


def test_the_record_is_what_its_script_draws() -> None:
    source = importlib.util.spec_from_file_location("make_record", FOLDER / "make_record.py")
    assert source is not None
    assert source.loader is not None
    script = importlib.util.module_from_spec(source)
    source.loader.exec_module(script)
    with np.load(FOLDER / "records" / f"{script.NAME}.npz") as committed:
        drawn = script.draw_record()
        assert set(committed.files) == set(drawn)
        # Another libm may round a sample to the next step.
        np.testing.assert_allclose(committed["adc"], drawn["adc"], atol=1)
        for name in set(drawn) - {"adc"}:
            np.testing.assert_array_equal(committed[name], drawn[name])
