"""``quantize --records`` and ``evaluate`` end to end on synthetic records of many patients."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

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
    assert "the same content" in capsys.readouterr().err


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
    arguments += ["--spec", folder / "spec.toml", "--rounds", "20"]
    assert cli.run([str(a) for a in arguments]) == 1
    shown = capsys.readouterr().out
    assert "REJECTED" in shown
    assert "VEB" in shown


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
    capsys.readouterr()
    code = cli.run(["evaluate", str(folder / "net.keras"), str(out), "--records", str(folder)])
    assert code == 2
    assert "carries no preprocessing" in capsys.readouterr().err


def test_the_same_records_and_seed_give_the_same_bytes(folder, tmp_path):
    assert quantize(folder, "--out", tmp_path / "again.tflite") == 0
    assert (tmp_path / "again.tflite").read_bytes() == (folder / "net_int8.tflite").read_bytes()
