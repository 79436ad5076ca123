"""``quantize --records`` and ``evaluate`` end to end on synthetic records of many patients."""

from __future__ import annotations

import json
import re
import zipfile

import numpy as np
import pytest

from tests.support.command_line import run_tool
from tests.support.ecg_records import SPEC_TEXT, make_signal, spec_with, write_npz
from tflm_gen import cli
from tflm_gen.model.reader import read_model
from tflm_gen.preprocess.binding import preprocess_record

pytestmark = [pytest.mark.tensorflow, pytest.mark.oracle, pytest.mark.hostcc]

TRAIN = ",".join(f"rec{i:02}" for i in range(12))
TEST = "rec12,rec13,rec14,rec15"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixteen records, a specification, and a network trained on twelve of them."""
    import tensorflow as tf

    root = tmp_path_factory.mktemp("evaluate")
    for i in range(16):
        write_npz(root / f"rec{i:02}.npz", seed=100 + i)
    (root / "spec.toml").write_text(SPEC_TEXT)
    beats, rr, labels = [], [], []
    for i in range(12):
        adc, places, symbols = make_signal(seed=100 + i)
        made = preprocess_record(spec_with(), adc, places)
        beats.append(made.windows)
        rr.append(made.rr)
        labels += ["NSV".index(s) for s in symbols]
    tf.keras.utils.set_random_seed(3)
    layers = tf.keras.layers
    beat, intervals = tf.keras.Input((128, 1), name="beat"), tf.keras.Input((5,), name="rr")
    x = layers.Conv1D(8, 7, strides=4, activation="relu")(beat)
    x = layers.Concatenate()([layers.Flatten()(x), intervals])
    network = tf.keras.Model([beat, intervals], layers.Dense(3, activation="softmax")(x))
    network.compile("adam", "sparse_categorical_crossentropy")
    inputs = [np.concatenate(beats)[..., None], np.concatenate(rr)]
    network.fit(inputs, np.array(labels), epochs=12, verbose=0)
    network.save(root / "net.keras")
    assert quantize(root, "--out", root / "net_int8.tflite") == 0
    return root


def quantize(root, *more):
    arguments = ["quantize", root / "net.keras", "--records", root, "--spec", root / "spec.toml"]
    return cli.run([str(a) for a in (*arguments, "--train", TRAIN, "--windows", "120", *more)])


def evaluate(root, *more):
    arguments = ["evaluate", root / "net.keras", root / "net_int8.tflite", "--records", root]
    return cli.run([str(a) for a in (*arguments, "--rounds", "50", *more)])


def test_the_model_carries_its_preprocessing_and_calibration(folder):
    metadata = read_model(folder / "net_int8.tflite").metadata
    assert metadata["TFLM_GEN_PREPROCESS"].decode() == SPEC_TEXT
    carried = json.loads(metadata["TFLM_GEN_CALIBRATION"])
    assert {r["name"] for r in carried["records"]} == set(TRAIN.split(","))
    choice = json.loads((folder / "net_int8.calibration.json").read_text())
    assert len(choice["beats"]) == 120
    assert choice["by_class"] == {"N": 60, "V": 60}


def test_the_best_calibration_is_found_by_measurement_on_patients_kept_apart(
    folder, tmp_path, capsys
):
    out = tmp_path / "best.tflite"
    assert quantize(folder, "--method", "best", "--out", out) == 0
    shown = capsys.readouterr()
    assert "percentile 99.9, per tensor" in shown.out
    assert shown.out.count(" *") == 1
    record = json.loads(out.with_suffix(".calibration.json").read_text())
    choice = record["choice"]
    trials = {trial["name"]: trial for trial in choice["trials"]}
    assert len(trials) == 10
    best = trials[choice["best"]]
    assert best["worst_drop_points"] == min(t["worst_drop_points"] for t in trials.values())
    # Narrower ranges are in the models: another method, other scales.
    widest = trials["minmax, per channel"]
    assert widest["n_narrowed"] == 0
    for name in ("percentile 99, per channel", "percentile 99, per tensor"):
        assert trials[name]["n_narrowed"] > 0
        assert len(trials[name]["scales"]) == len(widest["scales"])
        assert (
            min(a / b for a, b in zip(trials[name]["scales"], widest["scales"], strict=True)) < 0.95
        )
    # Three of twelve training records judge; no window is of one of them, none is of the test.
    assert len(choice["validation_records"]) == 3
    calibrated = {beat.split("@")[0] for beat in record["beats"]}
    assert not calibrated & set(choice["validation_records"])
    assert calibrated | set(choice["validation_records"]) == set(TRAIN.split(","))
    # The model taken is the one measured, and it carries all records that it has seen.
    carried = json.loads(read_model(out).metadata["TFLM_GEN_CALIBRATION"])
    assert {r["name"] for r in carried["records"]} == set(TRAIN.split(","))


def test_the_verb_scores_both_models_and_writes_three_pages(folder, tmp_path, capsys):
    assert evaluate(folder, "--split", TEST, "--out", tmp_path / "out", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "tflm-gen/evaluate/1"
    assert document["gate"]["accepted"]
    assert document["trigger"] == "annotation_triggered"
    assert document["n_patients"] == 4
    assert document["patients_behind_each_class"]["V"]["n_patients"] == 4
    assert document["batch_invariance"]["same_class"]
    assert document["models"]["float"]["ec57"]["VEB"]["gross"]["se"] > 0.9
    assert document["models"]["int8"]["runtime"].startswith("tflite-micro")
    assert json.loads((tmp_path / "out" / "evaluate.json").read_text()) == document
    page = (tmp_path / "out" / "evaluate.html").read_text()
    # Self-contained: nothing is fetched.
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", page)
    assert page.count("<svg") >= 3
    assert "| VEB Se |" in (tmp_path / "out" / "evaluate.md").read_text()


def test_the_accepted_model_and_its_fallback_are_named_and_kept(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert evaluate(folder, "--split", TEST, "--out", out) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["rejected"] is None
    assert (out / manifest["accepted"]["file"]).read_bytes() == (
        folder / "net_int8.tflite"
    ).read_bytes()
    assert (out / manifest["fallback"]["file"]).read_bytes() == (folder / "net.keras").read_bytes()


def test_nothing_of_tensorflow_is_on_the_terminal(folder, tmp_path):
    for arguments in (
        ("evaluate", folder / "net.keras", folder / "net_int8.tflite", "--records", folder),
        ("quantize", folder / "net.keras", "--spec", folder / "spec.toml", "--train", TRAIN),
    ):
        more = ("--split", TEST, "--rounds", "20", "--spec", folder / "spec.toml")
        if arguments[0] == "quantize":
            more = ("--records", folder, "--out", tmp_path / "q.tflite")
        result = run_tool(*map(str, (*arguments, *more)))
        assert result.exit_code == 0, result.stderr
        assert result.stderr == ""
        assert "tensorflow/" not in result.stdout


def test_a_fold_over_patients_is_a_split(folder, tmp_path, capsys):
    """Calibrated on all folds but the second, tested on the second; on the first it is a leak."""
    out = tmp_path / "fold.tflite"
    code = cli.run(
        [
            *("quantize", str(folder / "net.keras"), "--records", str(folder), "--out", str(out)),
            *("--spec", str(folder / "spec.toml"), "--train", "fold:2/4", "--windows", "100"),
        ]
    )
    assert code == 0
    capsys.readouterr()
    base = ["evaluate", str(folder / "net.keras"), str(out), "--records", str(folder), "--json"]
    assert cli.run([*base, "--rounds", "20", "--split", "fold:2/4"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    assert document["split"]["name"] == "fold 2 of 4"
    assert len(document["split"]["test"]) == 4
    carried = json.loads(read_model(out).metadata["TFLM_GEN_CALIBRATION"])
    assert not {r["name"] for r in carried["records"]} & set(document["split"]["test"])
    assert set(document["records"]) == set(document["split"]["test"])
    assert cli.run([*base, "--split", "fold:1/4"]) == 2
    assert cli.run([*base, "--split", "fold:5/4"]) == 2


def test_records_the_float_model_was_trained_on_stop_the_run_if_they_are_tested(folder, capsys):
    arguments = ("--split", TEST, "--trained-on")
    assert evaluate(folder, *arguments, "rec00,rec13") == 2
    assert "test record rec13 and training record rec13" in capsys.readouterr().err
    assert evaluate(folder, *arguments, TRAIN, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [record["name"] for record in document["trained_on"]] == TRAIN.split(",")


def test_the_other_side_of_a_split_is_compared_unless_training_records_are_named(folder, capsys):
    """One person in two records, one of them tested: the tool cannot know that it was not learned."""
    other = write_npz(folder / "other.npz", seed=999, patient="rec13")
    try:
        assert evaluate(folder, "--split", TEST) == 2
        said = capsys.readouterr().err
        assert "test record rec13 and training record other have the same patient (rec13)" in said
        assert "--trained-on" in said
        assert evaluate(folder, "--split", TEST, "--trained-on", TRAIN, "--json") == 0
        assert json.loads(capsys.readouterr().out)["split"]["compared_with"] == TRAIN.split(",")
    finally:
        other.unlink()


def test_a_record_asked_for_by_name_must_be_usable_and_one_of_a_fold_is_counted(folder, capsys):
    bad = write_npz(folder / "rec16.npz", seed=7, units_per_mv=1000.0)
    try:
        assert evaluate(folder, "--split", "rec12,rec16") == 2
        assert "1000 steps a millivolt; the preprocessing takes 200" in capsys.readouterr().err
        assert evaluate(folder, "--split", "rec12,rec99") == 2
        assert "has no record rec99" in capsys.readouterr().err
    finally:
        bad.unlink()


def test_what_weakens_a_verdict_is_said_beside_it(folder, tmp_path, capsys):
    """Few patients, few calibration records, another float model."""
    out = tmp_path / "few.tflite"
    assert quantize(folder, "--train", "rec00,rec01", "--windows", "30", "--out", out) == 0
    (tmp_path / "net.keras").write_bytes((folder / "net.keras").read_bytes())
    with zipfile.ZipFile(tmp_path / "net.keras", "a") as archive:
        archive.writestr("note.txt", "another file")
    capsys.readouterr()
    arguments = ["evaluate", tmp_path / "net.keras", out, "--records", folder, "--split", TEST]
    cli.run([str(a) for a in (*arguments, "--rounds", "20")])
    shown = capsys.readouterr().out
    assert "warning: the int8 model was made from another float model" in shown
    assert "warning: calibrated on 2 records; below 10" in shown
    assert "warning: 4 patients only" in shown
    evaluate(folder, "--split", TEST)
    shown = capsys.readouterr().out
    assert "another float model" not in shown
    assert "calibrated on" not in shown


def test_with_the_detector_in_the_loop_its_own_score_is_stated(folder, capsys):
    evaluate(folder, "--split", TEST, "--trigger", "detector")
    shown = capsys.readouterr().out
    assert "beats: detector" in shown
    assert re.search(r"detector    Se \d+\.\d+ \+P \d+\.\d+ gross.* within 150 ms", shown)
    evaluate(folder, "--split", TEST, "--trigger", "detector", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["trigger"] == "detector"
    assert found["detector"]["gross"]["se"] > 0.9
    scored = found["models"]["int8"]["ec57"]["VEB"]["gross"]["se"]
    # Beats that were missed count: with the detector, sensitivity is no better than without.
    assert found["detector"]["models"]["int8"]["VEB"]["se"] <= scored


def test_the_same_seed_gives_the_same_document(folder, capsys):
    seen = []
    for seed in ("3", "3", "4"):
        evaluate(folder, "--split", TEST, "--seed", seed, "--json")
        seen.append(json.loads(capsys.readouterr().out))
    assert seen[0] == seen[1]
    assert [document["bootstrap"]["seed"] for document in seen] == [3, 3, 4]


def test_a_calibration_record_in_the_test_stops_the_run(folder, capsys):
    assert evaluate(folder, "--split", "rec03,rec13") == 2
    assert "error[TG603]" in capsys.readouterr().err


def test_a_copy_under_another_name_and_patient_is_found(folder, capsys):
    copy = folder / "copy.npz"
    copy.write_bytes((folder / "rec03.npz").read_bytes())
    try:
        assert evaluate(folder, "--split", "copy,rec13") == 2
    finally:
        copy.unlink()
    assert "the same samples" in capsys.readouterr().err


def test_a_broken_int8_model_is_rejected_with_exit_code_1(folder, tmp_path, capsys):
    """Calibrated on one flat, tiny window: everything saturates."""
    tiny = {
        "beat": np.full((12, 128, 1), 1e-3, np.float32),
        "rr": np.full((12, 5), 1e-3, np.float32),
    }
    np.savez(tmp_path / "tiny.npz", **tiny)
    out = tmp_path / "broken.tflite"
    code = cli.run(
        [
            "quantize",
            str(folder / "net.keras"),
            "--data",
            str(tmp_path / "tiny.npz"),
            "--out",
            str(out),
            "--held-out",
            "0",
        ]
    )
    assert code == 0
    arguments = ["evaluate", folder / "net.keras", out, "--records", folder, "--split", TEST]
    arguments += ["--spec", folder / "spec.toml", "--rounds", "20", "--out", tmp_path / "out"]
    assert cli.run([str(a) for a in arguments]) == 1
    shown = capsys.readouterr().out
    assert "REJECTED" in shown
    assert "VEB" in shown
    # Nothing is marked accepted, and the float model stands in.
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["accepted"] is None
    assert manifest["rejected"]["name"] == "broken"
    assert manifest["gate"]["reasons"]
    assert (tmp_path / "out" / manifest["fallback"]["file"]).is_file()
    assert not list((tmp_path / "out").rglob("*.tflite"))


def test_a_model_without_a_specification_says_what_can_go_wrong(folder, tmp_path, capsys):
    np.savez(
        tmp_path / "w.npz",
        beat=np.random.default_rng(0).normal(0, 1, (20, 128, 1)),
        rr=np.ones((20, 5)),
    )
    out = tmp_path / "bare.tflite"
    cli.run(
        [
            "quantize",
            str(folder / "net.keras"),
            "--data",
            str(tmp_path / "w.npz"),
            "--out",
            str(out),
        ]
    )
    warned = capsys.readouterr().err
    assert "warning: the model carries no preprocessing" in warned
    assert "nothing on the device notices" in warned
    code = cli.run(["evaluate", str(folder / "net.keras"), str(out), "--records", str(folder)])
    assert code == 2
    assert "carries no preprocessing" in capsys.readouterr().err


def test_a_specification_for_another_model_is_refused_before_anything_is_written(
    folder, tmp_path, capsys
):
    spec = tmp_path / "other.toml"
    spec.write_text(SPEC_TEXT.replace("samples = 128", "samples = 96"))
    out = tmp_path / "q.tflite"
    code = cli.run(
        [
            *("quantize", str(folder / "net.keras"), "--records", str(folder), "--out", str(out)),
            *("--spec", str(spec), "--train", TRAIN, "--windows", "100"),
        ]
    )
    assert code == 2
    assert "96 values for input 'beat', which takes 128" in capsys.readouterr().err
    assert not out.exists()


def test_the_same_records_and_seed_give_the_same_bytes(folder, tmp_path):
    assert quantize(folder, "--out", tmp_path / "again.tflite") == 0
    assert (tmp_path / "again.tflite").read_bytes() == (folder / "net_int8.tflite").read_bytes()
