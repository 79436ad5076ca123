"""Odd features of layers that compute: weights, biases, scales of the output."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.graph_builder import FB, per_tensor
from tests.support.zoo_registry import SIGNALS, builder, family, feature_case

# --- weights -----------------------------------------------------------------------------------


@family(dtype=SIGNALS, per_channel=(True, False), bias=(True, False))
def dense(dtype: str, per_channel: bool, bias: bool) -> bytes:
    net = builder(dtype)
    x = net.input((1, 24))
    return net.finish([net.fully_connected(x, 6, per_channel=per_channel, bias=bias)])


@family(dtype=SIGNALS, per_channel=(True, False), bias=(True, False))
def conv(dtype: str, per_channel: bool, bias: bool) -> bytes:
    net = builder(dtype)
    x = net.input((1, 6, 7, 3))
    return net.finish([net.conv_2d(x, 4, (3, 3), per_channel=per_channel, bias=bias)])


@family(dtype=SIGNALS, dilation=((1, 2), (2, 2)), padding=("SAME", "VALID"))
def conv_dilated(dtype: str, dilation: tuple[int, int], padding: str) -> bytes:
    net = builder(dtype)
    x = net.input((1, 9, 12, 2))
    return net.finish([net.conv_2d(x, 4, (2, 3), dilation=dilation, padding=padding)])


@family(dtype=SIGNALS, dilation=((1, 2), (2, 2)))
def depthwise_dilated(dtype: str, dilation: tuple[int, int]) -> bytes:
    net = builder(dtype)
    return net.finish([net.depthwise_conv_2d(net.input((1, 9, 12, 2)), (2, 3), dilation=dilation)])


@family(dtype=SIGNALS, multiplier=(1, 3), stride=((1, 1), (2, 2)))
def depthwise(dtype: str, multiplier: int, stride: tuple[int, int]) -> bytes:
    net = builder(dtype)
    x = net.input((1, 9, 8, 2))
    return net.finish([net.depthwise_conv_2d(x, (3, 3), multiplier=multiplier, stride=stride)])


@family(dtype=SIGNALS, stride=((1, 1), (2, 2), (1, 2)), padding=("SAME", "VALID"))
def deconvolution(dtype: str, stride: tuple[int, int], padding: str) -> bytes:
    net = builder(dtype)
    x = net.input((1, 4, 5, 3))
    return net.finish([net.transpose_conv(x, 2, (3, 3), stride=stride, padding=padding)])


@family(dtype=("int8", "float32"))
def conv_grouped(dtype: str) -> bytes:
    net = builder(dtype)
    x = net.input((1, 4, 6, 4))
    weights, scales = net._weights((6, 1, 3, 2), 6, axis=0, per_channel=True)
    out = net.fresh((1, 4, 6, 6), 1.0)
    options = FB.Conv2DOptionsT()
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    net.operator("CONV_2D", [x, weights, net._bias(x, scales, 6, 1.0)], [out], options, version=6)
    return net.finish([out])


@family(op=("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D"))
def hybrid(op: str) -> bytes:
    """Float activations with int8 weights: TFLite's dynamic-range quantization."""
    net = builder("float32")
    if op == "FULLY_CONNECTED":
        x, shape, out = net.input((1, 8)), (4, 8), (1, 4)
        options: Any = FB.FullyConnectedOptionsT()
    else:
        x, out = net.input((1, 4, 6, 2)), (1, 4, 6, 2)
        shape = (2, 3, 3, 2) if op == "CONV_2D" else (1, 3, 3, 2)
        options = FB.Conv2DOptionsT() if op == "CONV_2D" else FB.DepthwiseConv2DOptionsT()
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        if op == "DEPTHWISE_CONV_2D":
            options.depthMultiplier = 1
    weights = net.constant(np.ones(shape), "int8", quant=per_tensor(0.01))
    bias = net.constant(np.zeros(out[-1]), "float32")
    y = net.tensor(out, "float32")
    net.operator(op, [x, weights, bias], [y], options, version=3)
    return net.finish([y])


@feature_case
def dense_weights_from_float16() -> bytes:
    """Float16 weights that a DEQUANTIZE widens at run time."""
    net = builder("float32")
    half = net.constant(np.ones((4, 8)), "float16")
    weights = net.tensor((4, 8), "float32")
    net.operator("DEQUANTIZE", [half], [weights], FB.DequantizeOptionsT())
    y = net.tensor((1, 4), "float32")
    x = net.input((1, 8))
    net.operator("FULLY_CONNECTED", [x, weights, None], [y], FB.FullyConnectedOptionsT())
    return net.finish([y])


@family(op=("CONV_2D", "FULLY_CONNECTED"))
def weights_at_run_time(op: str) -> bytes:
    net = builder("int8")
    if op == "FULLY_CONNECTED":
        shapes, out = [(1, 8), (4, 8)], (1, 4)
        options: Any = FB.FullyConnectedOptionsT()
    else:
        shapes, out = [(1, 4, 6, 2), (3, 2, 2, 2)], (1, 4, 6, 3)
        options = FB.Conv2DOptionsT()
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    x = net.input(shapes[0])
    weights = net.tensor(shapes[1], "int8", quant=per_tensor(0.01))
    net.graph.inputs.append(weights)
    y = net.fresh(out, 1.0)
    net.operator(op, [x, weights, None], [y], options, version=3)
    return net.finish([y])


@family(dtype=("int8", "uint8"))
def dense_weights_with_zero_point(dtype: str) -> bytes:
    net = builder("int8")
    x = net.tensor((1, 8), dtype, quant=per_tensor(0.1, 3))
    net.graph.inputs.append(x)
    weights = net.constant(np.ones((4, 8)), dtype, quant=per_tensor(0.02, 5))
    bias = net.constant(np.zeros(4), "int32", quant=per_tensor(0.002))
    y = net.tensor((1, 4), dtype, quant=per_tensor(0.2, 1))
    net.operator("FULLY_CONNECTED", [x, weights, bias], [y], FB.FullyConnectedOptionsT())
    return net.finish([y])


@feature_case
def dense_two_units() -> bytes:
    net = builder("int8")
    return net.finish([net.fully_connected(net.input((1, 32)), 2)])


# --- activations and their quantization --------------------------------------------------------


@family(
    op=("SOFTMAX", "LOGISTIC", "TANH"),
    dtype=("int8", "int16"),
    kind=("right", "wrong_scale", "wrong_zero"),
)
def output_scale(op: str, dtype: str, kind: str) -> bytes:
    net = builder(dtype)
    x = net.input((1, 8))
    denominator = (128 if op == "TANH" else 256) if dtype == "int8" else 32768
    zero = (0 if op == "TANH" else -128) if dtype == "int8" else 0
    scale = 1 / denominator * (1.5 if kind == "wrong_scale" else 1)
    zero += 3 if kind == "wrong_zero" else 0
    out = net.tensor((1, 8), dtype, quant=per_tensor(scale, zero))
    options = FB.SoftmaxOptionsT() if op == "SOFTMAX" else None
    if options is not None:
        options.beta = 1.0
    net.operator(op, [x], [out], options, version=2)
    return net.finish([out])


@family(rank=(1, 2, 3, 4, 5), dtype=SIGNALS)
def softmax(rank: int, dtype: str) -> bytes:
    net = builder(dtype)
    return net.finish([net.softmax(net.input((*(1 for _ in range(rank - 1)), 6)))])


@family(op=("LEAKY_RELU", "HARD_SWISH", "RELU", "RELU6", "ABS"), dtype=SIGNALS)
def activation(op: str, dtype: str) -> bytes:
    net = builder(dtype)
    return net.finish([net.activation(net.input((1, 4, 5)), op)])


@family(dtype=SIGNALS, shape=((1,), (5,), (4, 5)))
def prelu(dtype: str, shape: tuple[int, ...]) -> bytes:
    net = builder(dtype)
    x = net.input((1, 4, 5))
    quant = None if dtype == "float32" else per_tensor(0.01)
    alpha = net.constant(np.ones(shape), dtype, quant=quant)
    out = net.fresh((1, 4, 5), 1.0)
    net.operator("PRELU", [x, alpha], [out], None)
    return net.finish([out])


@family(dtype=("int8", "int16"))
def positive_rsqrt(dtype: str) -> bytes:
    """RSQRT of x * x + 1, so that it stays in its domain."""
    net = builder(dtype)
    x = net.input((1, 6))
    squared = net.tensor((1, 6), dtype, quant=per_tensor(0.1, -128 if dtype == "int8" else 0))
    net.operator("MUL", [x, x], [squared], FB.MulOptionsT())
    quant = per_tensor(0.15, -128 if dtype == "int8" else 0)
    one = net.constant([20], dtype, quant=per_tensor(0.1, 0))
    total = net.tensor((1, 6), dtype, quant=quant)
    net.operator("ADD", [squared, one], [total], FB.AddOptionsT())
    out = net.tensor((1, 6), dtype, quant=per_tensor(0.01, 0))
    net.operator("RSQRT", [total], [out], None)
    return net.finish([out])


@family(dtype=("int8", "int16"), op=("SQRT", "LOG", "EXP", "ABS", "SQUARE", "NEG", "ELU"))
def elementwise(dtype: str, op: str) -> bytes:
    net = builder(dtype)
    out = net.fresh((1, 6), 1.0)
    net.operator(op, [net.input((1, 6))], [out], None)
    return net.finish([out])


@family(op=("ADD", "SUB", "MUL"), zero=(0, 7))
def int16_zero_point(op: str, zero: int) -> bytes:
    net = builder("int16")
    refs = [net.tensor((1, 6), "int16", quant=per_tensor(0.001, zero)) for _ in range(3)]
    net.graph.inputs += refs[:2]
    options = getattr(FB, f"{op.title()}OptionsT")()
    net.operator(op, refs[:2], refs[2:], options, version=2)
    return net.finish(refs[2:])
