"""The example model is the one its page describes, runs on TFLM, and can be made again."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "synthetic_ecg"
MODEL = FOLDER / "ecg.tflite"
RESULTS = json.loads((FOLDER / "results.json").read_text())


def test_results_are_of_this_model() -> None:
    data = MODEL.read_bytes()
    assert hashlib.sha256(data).hexdigest() == RESULTS["model_sha256"]
    assert len(data) == RESULTS["model_bytes"]


def test_page_quotes_the_results() -> None:
    page = (FOLDER / "README.md").read_text()
    assert RESULTS["model_sha256"] in page
    assert f"{RESULTS['model_bytes']:,} bytes" in page
    assert f"{RESULTS['parameters']:,} parameters" in page
    for name, key in (("float32", "float32"), ("int8", "int8_tflite_reference_kernels")):
        result = RESULTS[key]
        recalls = [str(result["per_class"][c]["recall"]) for c in RESULTS["classes"]]
        assert f"| {name} | {result['accuracy']} | {' | '.join(recalls)} |" in page
    assert "synthetic" in page
    for package, version in RESULTS["versions"].items():
        assert version in page, package


@pytest.mark.oracle
def test_model_classifies_the_sample_windows_on_tflm() -> None:
    from tflite_micro import runtime

    windows = np.load(FOLDER / "windows.npy")
    labels = np.load(FOLDER / "labels.npy")
    assert windows.shape == (len(labels), RESULTS["window_samples"], 1)
    interpreter = runtime.Interpreter.from_file(str(MODEL))
    details = interpreter.get_input_details(0)["quantization_parameters"]
    scale, zero_point = details["scales"][0], details["zero_points"][0]
    classes = []
    for window in windows:
        quantized = np.clip(np.round(window / scale) + zero_point, -128, 127).astype(np.int8)
        interpreter.set_input(quantized[np.newaxis], 0)
        interpreter.invoke()
        classes.append(int(interpreter.get_output(0)[0].argmax()))
    # The held-out accuracy is 0.9993; 57 of 60 leaves room for chance, not for a broken model.
    assert np.sum(np.array(classes) == labels) >= 57


def make(folder: Path) -> dict[str, object]:
    process = subprocess.run(
        [sys.executable, str(FOLDER / "make_model.py"), "--out", str(folder)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return json.loads((folder / "results.json").read_text())


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_model_can_be_made_again(tmp_path: Path) -> None:
    first, second = make(tmp_path / "first"), make(tmp_path / "second")
    assert first == second
    model = (tmp_path / "first" / "ecg.tflite").read_bytes()
    assert model == (tmp_path / "second" / "ecg.tflite").read_bytes()
    assert first["parameters"] == RESULTS["parameters"]
    # Another processor may train to other weights; the figures stay.
    key = "int8_tflite_reference_kernels"
    assert first[key]["accuracy"] == pytest.approx(RESULTS[key]["accuracy"], abs=0.015)
    np.testing.assert_allclose(
        np.load(tmp_path / "first" / "windows.npy"), np.load(FOLDER / "windows.npy"), atol=1e-5
    )
