"""Makes the example model: trains a small 1-D CNN on synthetic ECG and quantizes it to int8.

The training and test data are synthetic (see synthetic_ecg.py). The model is an example of a
firmware payload; it must not be used to judge anybody's ECG.

Run it from anywhere, with tensorflow-cpu installed:

    python examples/ecg/make_model.py             # rewrites ecg.tflite, windows.npy, results.json
    python examples/ecg/make_model.py --out DIR   # writes there instead

The same TensorFlow on the same processor type gives the same bytes: every random draw is seeded
and TensorFlow runs its deterministic kernels on one thread.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from synthetic_ecg import CLASS_NAMES, SAMPLE_RATE_HZ, WINDOW_SAMPLES, draw_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    from numpy.typing import NDArray

TRAIN_SEED, TEST_SEED, CALIBRATION_SEED, SAMPLES_SEED = 11, 12, 13, 14
N_TRAIN, N_TEST, N_CALIBRATION, N_SAMPLES = 6000, 1500, 300, 60
EPOCHS = 14


def make_network(batch_size: int | None) -> keras.Model:
    """The network; a fixed batch of 1 keeps shape arithmetic out of the converted model."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape=(WINDOW_SAMPLES, 1), batch_size=batch_size, name="ecg_mv"),
            layers.Conv1D(8, 9, strides=2, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling1D(2, name="pool1"),
            layers.DepthwiseConv1D(7, padding="same", activation="relu", name="depthwise2"),
            layers.Conv1D(16, 1, activation="relu", name="pointwise2"),
            layers.MaxPooling1D(3, name="pool2"),
            layers.Conv1D(24, 5, padding="same", activation="relu", name="conv3"),
            layers.MaxPooling1D(2, name="pool3"),
            layers.Conv1D(24, 3, padding="same", activation="relu", name="conv4"),
            layers.GlobalAveragePooling1D(name="average"),
            layers.Dense(16, activation="relu", name="dense5"),
            layers.Dense(len(CLASS_NAMES), activation="softmax", name="class_probability"),
        ],
        name="ecg",
    )


def train(network: keras.Model) -> None:
    """Fit the network to the training windows; a fixed order, a fixed number of epochs."""
    import keras

    windows, labels = draw_windows(N_TRAIN, seed=TRAIN_SEED)
    network.compile(optimizer=keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy")
    network.fit(windows, labels, batch_size=64, epochs=EPOCHS, shuffle=True, verbose=2)


def convert(network: keras.Model) -> bytes:
    """Full int8: int8 inputs and outputs, weights per channel, calibrated on windows of its own."""
    import tensorflow as tf

    windows, _ = draw_windows(N_CALIBRATION, seed=CALIBRATION_SEED)

    def representative_windows() -> Iterator[list[NDArray[np.float32]]]:
        for window in windows:
            yield [window[np.newaxis]]

    signature = tf.TensorSpec((1, WINDOW_SAMPLES, 1), tf.float32, name="ecg_mv")
    concrete = tf.function(network).get_concrete_function(signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative_windows
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def classify_int8(model: bytes, windows: NDArray[np.float32]) -> NDArray[np.int64]:
    """Classes by TFLite's reference kernels, without delegates."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(
        model_content=model,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    quantized = np.clip(np.round(windows / scale) + zero_point, -128, 127).astype(np.int8)
    classes = []
    for window in quantized:
        interpreter.set_tensor(source["index"], window[np.newaxis])
        interpreter.invoke()
        classes.append(int(interpreter.get_tensor(sink["index"])[0].argmax()))
    return np.array(classes)


def score(labels: NDArray[np.int64], classes: NDArray[np.int64]) -> dict[str, Any]:
    """Accuracy and, per class, recall and precision."""
    per_class = {}
    for index, name in enumerate(CLASS_NAMES):
        hits = int(np.sum((labels == index) & (classes == index)))
        per_class[name] = {
            "recall": round(hits / int(np.sum(labels == index)), 4),
            "precision": round(hits / max(1, int(np.sum(classes == index))), 4),
        }
    return {"accuracy": round(float(np.mean(labels == classes)), 4), "per_class": per_class}


def make(out_dir: Path) -> dict[str, Any]:
    """Train, convert, measure, and write the files."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(TRAIN_SEED)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    network = make_network(None)
    train(network)
    fixed = make_network(1)
    fixed.set_weights(network.get_weights())
    model = convert(fixed)

    windows, labels = draw_windows(N_TEST, seed=TEST_SEED)
    float_classes = network.predict(windows, verbose=0).argmax(axis=1)
    int8_classes = classify_int8(model, windows)
    results = {
        "data": "synthetic, held out (seed differs from training); no patient data",
        "n_train": N_TRAIN,
        "n_test": N_TEST,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "window_samples": WINDOW_SAMPLES,
        "classes": list(CLASS_NAMES),
        "parameters": network.count_params(),
        "model_bytes": len(model),
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "float32": score(labels, float_classes),
        "int8_tflite_reference_kernels": score(labels, int8_classes),
        "float_and_int8_agree": round(float(np.mean(float_classes == int8_classes)), 4),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }
    samples, sample_labels = draw_windows(N_SAMPLES, seed=SAMPLES_SEED)
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "ecg.tflite").write_bytes(model)
    np.save(out_dir / "windows.npy", samples)
    np.save(out_dir / "labels.npy", sample_labels.astype(np.uint8))
    (out_dir / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return results


def main() -> None:
    """Parse the command line and make the model."""
    parser = argparse.ArgumentParser(description="Make the example ECG model (synthetic data).")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    print(json.dumps(make(arguments.out), indent=2))


if __name__ == "__main__":
    main()
