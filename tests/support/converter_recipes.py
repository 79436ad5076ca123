"""How models are made for TensorFlow's converter; :mod:`tests.support.converter_models` runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECIPES: dict[str, Callable[[Any], bytes]] = {}


def recipe(function: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Register a function that takes TensorFlow and returns a file."""
    RECIPES[function.__name__] = function
    return function


def windows_of(shape: tuple[int, ...]) -> Callable[[], Iterator[list[np.ndarray]]]:
    def windows() -> Iterator[list[np.ndarray]]:
        rng = np.random.default_rng(5)
        for _ in range(16):
            yield [rng.normal(0.0, 1.0, (1, *shape)).astype(np.float32)]

    return windows


def as_int8(converter: Any, tf: Any, shape: tuple[int, ...], *, wide: bool = False) -> bytes:
    """Full integer quantization, activations of 16 bits if wide."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = windows_of(shape)
    if wide:
        sets = tf.lite.OpsSet
        converter.target_spec.supported_ops = [
            sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
    else:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    kind = tf.int16 if wide else tf.int8
    converter.inference_input_type = converter.inference_output_type = kind
    return converter.convert()


def as_mixed(converter: Any, tf: Any, shape: tuple[int, ...]) -> bytes:
    """What most people write: calibrated, int8 in and out, floats where int8 is lacking."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = windows_of(shape)
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def from_layers(tf: Any, shape: tuple[int, ...], *layers: Any, batch: int | None = None) -> Any:
    """A converter of a stack of layers; an open batch unless one is given."""
    inputs = tf.keras.Input(shape, batch_size=batch, name="ecg")
    x = inputs
    for layer in layers:
        x = layer(x)
    return tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(inputs, x))


def from_function(tf: Any, shape: tuple[int | None, ...], body: Callable[[Any], Any]) -> Any:
    """A converter of a function of one float tensor."""
    signature = [tf.TensorSpec(shape, tf.float32, name="ecg")]
    concrete = tf.function(body, input_signature=signature).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete])


def cnn_layers(tf: Any) -> tuple[Any, ...]:
    k = tf.keras.layers
    return (
        k.Conv1D(6, 5, strides=2, padding="same", activation="relu"),
        k.Conv1D(8, 3, padding="same", activation="relu"),
        k.Flatten(),
        k.Dense(3, activation="softmax"),
    )
