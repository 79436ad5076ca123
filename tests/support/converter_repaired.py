"""Models of TensorFlow's converter that the clean-up has work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.support.converter_recipes import as_int8, cnn_layers, from_function, from_layers, recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@recipe
def open_batch_conv1d(tf: Any) -> bytes:
    return as_int8(from_layers(tf, (48, 1), *cnn_layers(tf)), tf, (48, 1))


@recipe
def static_batch_conv1d(tf: Any) -> bytes:
    return as_int8(from_layers(tf, (48, 1), *cnn_layers(tf), batch=1), tf, (48, 1))


def _tcn(tf: Any, padding: str) -> tuple[Any, ...]:
    k = tf.keras.layers
    return (
        k.Conv1D(4, 3, dilation_rate=2, padding=padding, activation="relu"),
        k.Conv1D(4, 3, dilation_rate=4, padding=padding, activation="relu"),
        k.GlobalAveragePooling1D(),
        k.Dense(3, activation="softmax"),
    )


@recipe
def open_batch_causal_tcn(tf: Any) -> bytes:
    return as_int8(from_layers(tf, (32, 2), *_tcn(tf, "causal")), tf, (32, 2))


@recipe
def open_batch_same_tcn(tf: Any) -> bytes:
    return as_int8(from_layers(tf, (32, 2), *_tcn(tf, "same")), tf, (32, 2))


@recipe
def static_batch_causal_tcn(tf: Any) -> bytes:
    return as_int8(from_layers(tf, (32, 2), *_tcn(tf, "causal"), batch=1), tf, (32, 2))


@recipe
def open_batch_separable(tf: Any) -> bytes:
    """A dilated depthwise convolution."""
    k = tf.keras.layers
    layers = (
        k.SeparableConv1D(4, 3, dilation_rate=2, padding="same"),
        k.GlobalMaxPooling1D(),
        k.Dense(2),
    )
    return as_int8(from_layers(tf, (32, 2), *layers), tf, (32, 2))


@recipe
def open_batch_pools(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (k.Conv1D(4, 3), k.AveragePooling1D(2), k.MaxPooling1D(2), k.Flatten(), k.Dense(2))
    return as_int8(from_layers(tf, (32, 2), *layers), tf, (32, 2))


@recipe
def upsampling_1d(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (
        k.Conv1D(4, 3, strides=2, padding="same", activation="relu"),
        k.UpSampling1D(2),
        k.Conv1D(1, 3, padding="same"),
    )
    return as_int8(from_layers(tf, (24, 1), *layers, batch=1), tf, (24, 1))


@recipe
def open_batch_upsampling_1d(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (k.Conv1D(4, 3, padding="same"), k.UpSampling1D(3), k.Conv1D(1, 3, padding="same"))
    return as_int8(from_layers(tf, (16, 1), *layers), tf, (16, 1))


@recipe
def upsampling_2d(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (
        k.Conv2D(4, 3, padding="same", activation="relu"),
        k.UpSampling2D((2, 2)),
        k.Conv2D(1, 3),
    )
    return as_int8(from_layers(tf, (8, 6, 1), *layers, batch=1), tf, (8, 6, 1))


@recipe
def float16_weights(tf: Any) -> bytes:
    converter = from_layers(tf, (48, 1), *cnn_layers(tf), batch=1)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


@recipe
def global_mean_float(tf: Any) -> bytes:
    """float32 with a mean over the whole window."""
    k = tf.keras.layers
    layers = (k.Conv1D(8, 5, activation="relu"), k.GlobalAveragePooling1D(), k.Dense(3))
    return from_layers(tf, (40, 1), *layers, batch=1).convert()


@recipe
def global_mean_int8(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (k.Conv1D(8, 5, activation="relu"), k.GlobalAveragePooling1D(), k.Dense(3))
    return as_int8(from_layers(tf, (40, 1), *layers, batch=1), tf, (40, 1))


@recipe
def autoencoder_open_batch(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (
        k.Conv1D(4, 4, strides=2, padding="same", activation="relu"),
        k.Conv1DTranspose(1, 4, strides=2, padding="same"),
    )
    return as_int8(from_layers(tf, (24, 1), *layers), tf, (24, 1))


@recipe
def two_named_outputs(tf: Any) -> bytes:
    """A saved model's signature with names of its own, an open batch."""
    k = tf.keras.layers
    lead_i, lead_ii = (
        tf.keras.Input((24, 1), name="lead_i"),
        tf.keras.Input((24, 1), name="lead_ii"),
    )
    x = k.Concatenate()([lead_i, lead_ii])
    x = k.GlobalAveragePooling1D()(k.Conv1D(6, 5, activation="relu")(x))
    outputs = {"rhythm": k.Dense(3, name="rhythm")(x), "quality": k.Dense(2, name="quality")(x)}
    model = tf.keras.Model({"lead_i": lead_i, "lead_ii": lead_ii}, outputs)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]

    def windows() -> Iterator[dict[str, np.ndarray]]:
        rng = np.random.default_rng(5)
        for _ in range(16):
            draw = rng.normal(0.0, 1.0, (2, 1, 24, 1)).astype(np.float32)
            yield {"lead_i": draw[0], "lead_ii": draw[1]}

    converter.representative_dataset = windows
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def _clip_and_convolve(tf: Any) -> Callable[[Any], Any]:
    weights = np.random.default_rng(3).normal(size=(3, 2, 4)).astype(np.float32)
    return lambda x: tf.nn.conv1d(tf.clip_by_value(x, -1.0, 1.0), tf.constant(weights), 1, "VALID")


@recipe
def clipped_input(tf: Any) -> bytes:
    """Spikes are cut off before the first layer."""
    return as_int8(from_function(tf, (1, 16, 2), _clip_and_convolve(tf)), tf, (16, 2))


@recipe
def clipped_input_float(tf: Any) -> bytes:
    return from_function(tf, (1, 16, 2), _clip_and_convolve(tf)).convert()


@recipe
def selected(tf: Any) -> bytes:
    """A leaky half-wave, as old code chooses between two tensors."""

    def body(x: Any) -> Any:
        return tf.raw_ops.Select(condition=x > 0.0, x=x, y=0.1 * x)

    return as_int8(from_function(tf, (1, 16), body), tf, (16,))
