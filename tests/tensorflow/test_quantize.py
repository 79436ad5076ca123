"""``quantize`` end to end: real TensorFlow in its child, results run on TFLM's own interpreter."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from tflm_gen import cli
from tflm_gen.model.reader import read_model

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="session")
def float_models(tmp_path_factory):
    """A small network saved as .keras, SavedModel and float .tflite, and windows for it."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("float")
    tf.keras.utils.set_random_seed(11)
    layers = tf.keras.layers
    network = tf.keras.Sequential(
        [
            tf.keras.Input((96, 1)),
            layers.Conv1D(8, 7, activation="relu", padding="same"),
            layers.MaxPool1D(2),
            layers.Conv1D(8, 5, activation="relu", padding="same"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    network.save(folder / "net.keras")
    network.export(str(folder / "net_saved"))
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    (folder / "net.tflite").write_bytes(converter.convert())
    rng = np.random.default_rng(5)
    np.save(folder / "windows.npy", rng.normal(0, 1, (64, 96)).astype(np.float32))
    return folder


def quantize(*arguments):
    return cli.run(["quantize", *map(str, arguments)])


@pytest.mark.parametrize("source", ["net.keras", "net_saved", "net.tflite"])
def test_every_source_becomes_a_full_int8_model_with_its_origin(
    float_models, source, tmp_path, capsys
):
    out = tmp_path / "q.tflite"
    data = float_models / "windows.npy"
    assert quantize(float_models / source, "--data", data, "--out", out, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    model = read_model(out)
    assert [t.dtype for t in (*model.inputs, *model.outputs)] == ["int8", "int8"]
    assert all(t.shape[0] == 1 for t in (*model.inputs, *model.outputs))
    conv = next(op for op in model.main.operators if op.op == "CONV_2D")
    assert len(model.main.tensors[conv.inputs[1]].quantization.scales) == 8
    assert answer["quantized_sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert model.metadata["TFLM_GEN_FLOAT_SHA256"].decode() == answer["source_sha256"]
    assert answer["agreement"]["n_windows"] == 12
    assert answer["n_calibration"] == 52


def test_float_io_keeps_integer_kernels_inside(float_models, tmp_path):
    out = tmp_path / "q.tflite"
    data = float_models / "windows.npy"
    assert (
        quantize(float_models / "net.keras", "--data", data, "--out", out, "--io", "float32") == 0
    )
    model = read_model(out)
    assert [t.dtype for t in (*model.inputs, *model.outputs)] == ["float32", "float32"]
    conv = next(op for op in model.main.operators if op.op == "CONV_2D")
    assert model.main.tensors[conv.outputs[0]].dtype == "int8"


def test_int16x8_dense_layers_stay_per_tensor(float_models, tmp_path):
    out = tmp_path / "q.tflite"
    data = float_models / "windows.npy"
    assert (
        quantize(float_models / "net.keras", "--data", data, "--out", out, "--scheme", "int16x8")
        == 0
    )
    model = read_model(out)
    dense = next(op for op in model.main.operators if op.op == "FULLY_CONNECTED")
    assert model.main.tensors[dense.outputs[0]].dtype == "int16"
    assert len(model.main.tensors[dense.inputs[1]].quantization.scales) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--io", "uint8"], "uint8 is not supported"),
        (["--held-out", "0.99"], "windows are left for calibration"),
    ],
)
def test_wrong_requests_leave_no_file(float_models, tmp_path, capsys, arguments, message):
    out = tmp_path / "q.tflite"
    data = float_models / "windows.npy"
    assert quantize(float_models / "net.keras", "--data", data, "--out", out, *arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_quantized_model_is_refused(float_models, tmp_path, capsys):
    out = tmp_path / "q.tflite"
    data = float_models / "windows.npy"
    assert quantize(float_models / "net.tflite", "--data", data, "--out", out) == 0
    assert quantize(out, "--data", data, "--out", tmp_path / "again.tflite") == 2
    assert "quantized already" in capsys.readouterr().err


def test_the_result_repeats_byte_for_byte(float_models, tmp_path):
    data = float_models / "windows.npy"
    files = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for out in files:
        assert quantize(float_models / "net.keras", "--data", data, "--out", out) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
