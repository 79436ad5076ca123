"""Models of TensorFlow's converter that ``check`` has something to say about."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.converter_recipes import (
    as_int8,
    as_mixed,
    cnn_layers,
    from_function,
    from_layers,
    recipe,
    windows_of,
)


@recipe
def hybrid(tf: Any) -> bytes:
    """Optimize.DEFAULT without calibration: float activations, int8 weights."""
    k = tf.keras.layers
    layers = (k.Conv1D(16, 5, activation="relu"), k.Flatten(), k.Dense(32), k.Dense(3))
    converter = from_layers(tf, (64, 1), *layers, batch=1)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


@recipe
def int16x8(tf: Any) -> bytes:
    return as_int8(from_layers(tf, (48, 1), *cnn_layers(tf), batch=1), tf, (48, 1), wide=True)


@recipe
def int16x8_dense_per_tensor(tf: Any) -> bytes:
    converter = from_layers(tf, (48, 1), *cnn_layers(tf), batch=1)
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return as_int8(converter, tf, (48, 1), wide=True)


@recipe
def normalised_by_sqrt(tf: Any) -> bytes:
    """Energy of the window inside the model."""
    weights = tf.constant(np.random.default_rng(3).normal(size=(8, 3)).astype(np.float32))

    def body(x: Any) -> Any:
        energy = tf.sqrt(tf.reduce_mean(x * x, axis=1, keepdims=True) + 0.1)
        return tf.matmul(energy * x, weights)

    return as_int8(from_function(tf, (1, 8), body), tf, (8,))


@recipe
def resource_variable(tf: Any) -> bytes:
    """A running mean that is kept between calls."""

    class Running(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.state = tf.Variable(tf.zeros((1, 4)), name="state")

        @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32, name="ecg")])
        def serve(self, x: Any) -> Any:
            self.state.assign(0.9 * self.state + 0.1 * x)
            return self.state + x

    module = Running()
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.serve.get_concrete_function()], module
    )
    converter.experimental_enable_resource_variables = True
    return converter.convert()


@recipe
def attention(tf: Any) -> bytes:
    k = tf.keras.layers
    inputs = tf.keras.Input((8, 4), batch_size=1, name="ecg")
    x = k.MultiHeadAttention(num_heads=2, key_dim=4)(inputs, inputs)
    x = k.Dense(3)(k.GlobalAveragePooling1D()(x))
    converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(inputs, x))
    return as_int8(converter, tf, (8, 4))


@recipe
def transformer_block(tf: Any) -> bytes:
    k = tf.keras.layers
    inputs = tf.keras.Input((8, 4), batch_size=1, name="ecg")
    x = k.LayerNormalization()(k.MultiHeadAttention(num_heads=2, key_dim=4)(inputs, inputs))
    x = k.Dense(2)(k.GlobalAveragePooling1D()(x))
    converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(inputs, x))
    return as_int8(converter, tf, (8, 4))


@recipe
def layer_normalization(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (k.Dense(8), k.LayerNormalization(), k.Dense(3))
    return as_mixed(from_layers(tf, (6,), *layers, batch=1), tf, (6,))


@recipe
def gelu_exact(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (k.Dense(8), k.Activation("gelu"), k.Dense(3))
    return as_mixed(from_layers(tf, (6,), *layers, batch=1), tf, (6,))


@recipe
def gelu_as_tanh(tf: Any) -> bytes:
    """The approximation, written out as custom layers do."""

    def body(x: Any) -> Any:
        return 0.5 * x * (1.0 + tf.tanh(0.7978846 * (x + 0.044715 * x * x * x)))

    return as_mixed(from_function(tf, (1, 6), body), tf, (6,))


@recipe
def elu_island(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (k.Dense(8), k.Activation("elu"), k.Dense(3))
    return as_mixed(from_layers(tf, (6,), *layers, batch=1), tf, (6,))


@recipe
def dynamic_reshape(tf: Any) -> bytes:
    """An open batch and a reshape in the middle."""
    k = tf.keras.layers
    layers = (k.Dense(12), k.Reshape((4, 3)), k.Conv1D(3, 3), k.Flatten(), k.Dense(2))
    return as_int8(from_layers(tf, (6,), *layers), tf, (6,))


@recipe
def filled_from_a_shape(tf: Any) -> bytes:
    """Zeros of the size of an open batch, joined to the input."""

    def body(x: Any) -> Any:
        zeros = tf.zeros((tf.shape(x)[0], 4, 2))
        return tf.concat([zeros, x], axis=1)

    return from_function(tf, (None, 8, 2), body).convert()


@recipe
def non_max_suppression(tf: Any) -> bytes:
    """Candidate beats, the best of which are kept."""

    def body(x: Any) -> Any:
        boxes = tf.reshape(x, (8, 4))
        return tf.raw_ops.NonMaxSuppressionV4(
            boxes=boxes,
            scores=tf.reduce_sum(boxes, axis=1),
            max_output_size=tf.constant(3),
            iou_threshold=tf.constant(0.5),
            score_threshold=tf.constant(0.1),
            pad_to_max_output_size=True,
        ).selected_indices

    return from_function(tf, (1, 32), body).convert()


@recipe
def top_k(tf: Any) -> bytes:
    return from_function(tf, (1, 16), lambda x: tf.math.top_k(x, 3)[0]).convert()


@recipe
def spectrum(tf: Any) -> bytes:
    return from_function(tf, (1, 16), lambda x: tf.abs(tf.signal.rfft(x))).convert()


@recipe
def product(tf: Any) -> bytes:
    return from_function(tf, (1, 16), lambda x: tf.reduce_prod(x, axis=1)).convert()


@recipe
def padded_in_three_dimensions(tf: Any) -> bytes:
    k = tf.keras.layers
    layers = (k.ZeroPadding1D(2), k.Activation("relu"))
    return as_int8(from_layers(tf, (16, 2), *layers, batch=1), tf, (16, 2))


@recipe
def uint8_in_and_out(tf: Any) -> bytes:
    converter = from_layers(tf, (48, 1), *cnn_layers(tf), batch=1)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = windows_of((48, 1))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    return converter.convert()


@recipe
def lstm_as_while(tf: Any) -> bytes:
    k = tf.keras.layers
    return from_layers(tf, (6, 2), k.LSTM(4), k.Dense(2), batch=1).convert()


@recipe
def lstm_unrolled(tf: Any) -> bytes:
    k = tf.keras.layers
    return as_int8(from_layers(tf, (4, 2), k.LSTM(3, unroll=True), k.Dense(2), batch=1), tf, (4, 2))


@recipe
def strided_resnet_block(tf: Any) -> bytes:
    k = tf.keras.layers
    inputs = tf.keras.Input((31, 8), batch_size=1, name="ecg")
    x = k.Conv1D(8, 5, strides=2, padding="same", activation="relu")(inputs)
    x = k.Add()([x, k.Conv1D(8, 1, strides=2, padding="same")(inputs)])
    x = k.Dense(2)(k.GlobalAveragePooling1D()(x))
    converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(inputs, x))
    return as_int8(converter, tf, (31, 8))
