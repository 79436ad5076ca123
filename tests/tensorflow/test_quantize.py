"""``quantize`` end to end: real TensorFlow in its child, results run on TFLM's own interpreter."""

from __future__ import annotations

import hashlib
import json
import os
import re

import numpy as np
import pytest

from tests.support.command_line import ROOT, run_tool
from tflm_gen import cli
from tflm_gen.errors import OracleError, ProcessTimeoutError
from tflm_gen.model.reader import read_model
from tflm_gen.quantize.source import source_sha256

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
    network.save(folder / "net.h5")
    network.export(str(folder / "net_saved"))
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    (folder / "net.tflite").write_bytes(converter.convert())
    rng = np.random.default_rng(5)
    np.save(folder / "windows.npy", rng.normal(0, 1, (64, 96)).astype(np.float32))
    return folder


def quantize(*arguments):
    return cli.run(["quantize", *map(str, arguments)])


def assert_io_facts(model):
    """What the model carries of its inputs and outputs is what its tensors say."""
    facts = json.loads(model.metadata["TFLM_GEN_IO"])
    for side, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        for fact, tensor in zip(facts[side], tensors, strict=True):
            assert fact["name"]
            assert (fact["shape"], fact["dtype"]) == (list(tensor.shape), tensor.dtype)
            scales = tensor.quantization.scales if tensor.quantization else ()
            assert [fact["scale"]] == pytest.approx(scales) if scales else "scale" not in fact
            if scales:
                assert [fact["zero_point"]] == list(tensor.quantization.zero_points)


@pytest.mark.parametrize("source", ["net.keras", "net_saved", "net.tflite"])
def test_the_float_model_is_run_in_batches_of_1_2_and_4_before_it_is_converted(
    float_models, source, tmp_path, capsys
):
    arguments = ("--data", float_models / "windows.npy", "--out", tmp_path / "q.tflite")
    assert quantize(float_models / source, *arguments, "--json") == 0
    batches = json.loads(capsys.readouterr().out)["batches"]
    assert batches["sizes"] == [1, 2, 4]
    assert (batches["n_windows"], batches["same_class"]) == (64, True)
    assert 0 <= batches["largest_difference"] < 1e-5


@pytest.mark.parametrize(
    ("out", "says"), [("/proc/q.tflite", "cannot be written"), ("/proc", "a folder")]
)
def test_an_out_that_cannot_be_written_is_one_line(float_models, out, says, capsys):
    arguments = ("--data", float_models / "windows.npy", "--out", out)
    assert quantize(float_models / "net.keras", *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error[TG501]: {out.removesuffix('/q.tflite')}: ")
    assert says in said


def test_a_model_whose_classes_depend_on_the_batch_is_refused(float_models, tmp_path, capsys):
    import tensorflow as tf

    window = tf.keras.Input((96, 1))
    centred = window - tf.keras.ops.mean(window, axis=0, keepdims=True)
    classes = tf.keras.layers.Dense(3, activation="softmax")(tf.keras.layers.Flatten()(centred))
    tf.keras.Model(window, classes).save(tmp_path / "batch.keras")
    out = tmp_path / "q.tflite"
    data = float_models / "windows.npy"
    assert quantize(tmp_path / "batch.keras", "--data", data, "--out", out) == 2
    assert "the class of a window depends on the batch it is in" in capsys.readouterr().err
    assert not out.exists()


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
    # Nothing is left of a batch whose size is not known.
    assert not {op.op for op in model.main.operators} & {"SHAPE", "STRIDED_SLICE", "PACK"}
    assert model.metadata["TFLM_GEN_FLOAT_SHA256"].decode() == answer["source_sha256"]
    assert answer["source_sha256"] == source_sha256(float_models / source)
    assert_io_facts(model)
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
    assert_io_facts(model)
    facts = json.loads(model.metadata["TFLM_GEN_QUANTIZE"])
    assert (facts["io"], facts["scheme"], facts["n_calibration"]) == ("float32", "int8", 52)


def test_h5_and_a_folder_of_windows_give_a_table_of_sizes_and_agreement(
    float_models, tmp_path, capsys
):
    windows = np.load(float_models / "windows.npy")
    folder = tmp_path / "windows"
    folder.mkdir()
    for name, part in zip(("a.npy", "b.npy"), np.split(windows, 2), strict=True):
        np.save(folder / name, part)
    out = tmp_path / "q.tflite"
    assert quantize(float_models / "net.h5", "--data", folder, "--out", out) == 0
    text, warnings = capsys.readouterr()
    assert "warning: 52 windows; 100 to 500 are usual" in warnings
    size = f"{out.stat().st_size:,}"
    assert re.search(rf"^size +float \.tflite [\d,]+ B -> {size} B \(\d+\.\d%\)$", text, re.M)
    assert re.search(r"^compared +on 12 windows .*; int8 ran on tflite-micro", text, re.M)
    same, of = map(int, re.findall(r"^same class +(\d+) of (\d+) ", text, re.M)[0])
    assert 6 <= same <= of == 12
    assert re.search(r"^output diff max \d\S*, mean \d\S*$", text, re.M)


def test_a_run_past_its_limit_is_ended_and_leaves_no_file(float_models, tmp_path, capsys):
    out = tmp_path / "q.tflite"
    data = float_models / "windows.npy"
    code = quantize(float_models / "net.keras", "--data", data, "--out", out, "--timeout", 0.5)
    assert code == ProcessTimeoutError.exit_code
    assert "quantize the model" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_crash_of_tensorflow_is_one_error_line(float_models, tmp_path, capsys, monkeypatch):
    fake = tmp_path / "fake"
    (fake / "tensorflow").mkdir(parents=True)
    (fake / "tensorflow/__init__.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    monkeypatch.setenv("PYTHONPATH", f"{fake}{os.pathsep}{ROOT}")
    data = float_models / "windows.npy"
    out = tmp_path / "q.tflite"
    code = quantize(float_models / "net.keras", "--data", data, "--out", out)
    assert code == OracleError.exit_code
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "TensorFlow's process was ended by signal 11" in said[0]
    assert not out.exists()


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


def test_float16_weights_are_refused_by_name(float_models, tmp_path, capsys):
    import tensorflow as tf

    network = tf.keras.models.load_model(float_models / "net.keras")
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    (tmp_path / "half.tflite").write_bytes(converter.convert())
    data = float_models / "windows.npy"
    assert quantize(tmp_path / "half.tflite", "--data", data, "--out", tmp_path / "q.tflite") == 2
    assert "weights are float16" in capsys.readouterr().err


def test_an_operator_without_a_reference_kernel_is_no_obstacle(tmp_path, capsys):
    """TFLite's set of reference kernels has no ELU; the quantized model keeps it in float."""
    import tensorflow as tf

    layers = tf.keras.layers
    steps = [tf.keras.Input((16, 1)), layers.Conv1D(4, 3, activation="elu"), layers.Flatten()]
    tf.keras.Sequential([*steps, layers.Dense(2)]).save(tmp_path / "elu.keras")
    np.save(tmp_path / "w.npy", np.random.default_rng(5).normal(size=(20, 16)).astype(np.float32))
    out = tmp_path / "q.tflite"
    for method in ("minmax", "percentile"):
        options = ("--data", tmp_path / "w.npy", "--method", method, "--out", out)
        assert quantize(tmp_path / "elu.keras", *options) == 0, capsys.readouterr().err
    assert "ELU" in {operator.op for operator in read_model(out).main.operators}


def test_the_result_repeats_byte_for_byte(float_models, tmp_path):
    data = float_models / "windows.npy"
    files = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for out in files:
        assert quantize(float_models / "net.keras", "--data", data, "--out", out) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_other_methods_write_narrower_ranges_and_change_the_scales(tmp_path):
    """Heavy tails: percentile and least squared error cut them, minimum and maximum do not."""
    import tensorflow as tf

    from tflm_gen.quantize.choice import activation_scales
    from tflm_gen.quantize.client import quantize_models
    from tflm_gen.quantize.records import QuantizeRequest

    tf.keras.utils.set_random_seed(5)
    layers = tf.keras.layers
    network = tf.keras.Sequential(
        [
            tf.keras.Input((64, 1)),
            layers.Conv1D(4, 5, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    network.save(tmp_path / "net.keras")
    windows = np.random.default_rng(1).standard_t(3, (120, 64, 1)).astype(np.float32)
    np.save(tmp_path / "w.npy", windows)
    ways = {
        "minmax": {},
        "percentile": {"method": "percentile", "percentile": 99.0},
        "mse": {"method": "mse"},
        "per_tensor": {"per_channel": False},
    }
    known = {"scheme": "int8", "io": "int8", "held_out": 0.0, "data_path": str(tmp_path / "w.npy")}
    requests = [
        QuantizeRequest(
            model_path=str(tmp_path / "net.keras"),
            output_path=str(tmp_path / f"{name}.tflite"),
            **{"per_channel": True, **known, **changes},
        )
        for name, changes in ways.items()
    ]
    answers = dict(zip(ways, quantize_models(requests, timeout_s=300), strict=True))
    scales = {name: activation_scales(read_model(tmp_path / f"{name}.tflite")) for name in ways}
    assert not answers["minmax"].range_changes
    for name in ("percentile", "mse"):
        (first, *_) = answers[name].range_changes
        assert (first.least, first.most) != (first.low, first.high)
        ratios = [a / b for a, b in zip(scales[name], scales["minmax"], strict=True)]
        assert min(ratios) < 0.95
        assert max(ratios) < 1.001
        # The written range is the one that the model is quantized with.
        span = max(first.high, 0.0) - min(first.low, 0.0)
        assert any(abs(scale * 255 - span) < 0.02 * span for scale in scales[name])
    # Weights of another kind leave the activations as they are.
    assert scales["per_tensor"] == scales["minmax"]
    assert (tmp_path / "per_tensor.tflite").read_bytes() != (
        tmp_path / "minmax.tflite"
    ).read_bytes()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--method", "best"), "--method best needs --records"),
        (("--method", "entropy"), "choose one of minmax, percentile, mse"),
        (("--method", "mse", "--scheme", "int16x8"), "int16x8 has minmax only"),
        (("--method", "percentile", "--percentile", "20"), "not in (50, 100]"),
    ],
)
def test_methods_that_cannot_be_are_refused(float_models, tmp_path, options, says):
    np.save(tmp_path / "w.npy", np.zeros((20, 96, 1), np.float32))
    data = ("--data", str(tmp_path / "w.npy"), "--out", str(tmp_path / "q.tflite"))
    result = run_tool("quantize", str(float_models / "net.keras"), *data, *options)
    assert result.exit_code == 2
    assert says in result.stderr
