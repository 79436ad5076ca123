"""Random one-operator models: shapes, strides, paddings, scales, zero points, activations.

Quantization is drawn wider than converters choose it (any zero point, scales over several powers
of two), so that saturation, left shifts and both rounding branches occur.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.kernels.random_builder import RandomBuilder
from tests.kernels.random_movement import (
    concatenation,
    pad,
    reshape,
    resize_nearest,
    split,
    strided_slice,
    transpose,
)
from tests.support.graph_builder import FB, Ref
from tests.support.shape_layers import conv_size, set_conv


def _image(b: RandomBuilder, *, channels: int | None = None) -> Ref:
    batch = 2 if b.chance(0.1) else 1
    depth = channels or b.choice(1, 2, 3, 4, 5, 8, 12, 16, 17)
    if b.chance(0.5):
        return b.input((batch, 1, b.integer(1, 40), depth))
    if b.chance(0.2):
        return b.input((batch, b.integer(1, 40), 1, depth))
    return b.input((batch, b.integer(1, 9), b.integer(1, 9), depth))


def _geometry(b: RandomBuilder, x: Ref, largest: int = 7) -> dict[str, Any]:
    """Kernel, stride, dilation, padding that give at least one output."""
    while True:
        kernel = (
            1 if x.shape[1] == 1 and b.chance(0.8) else b.integer(1, min(largest, 5)),
            1 if x.shape[2] == 1 and b.chance(0.8) else b.integer(1, largest),
        )
        dilation = (b.integer(1, 3), b.integer(1, 3)) if b.chance(0.25) else (1, 1)
        stride = (b.integer(1, 3), b.integer(1, 3)) if b.chance(0.5) else (1, 1)
        padding = b.choice("SAME", "VALID")
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        if padding == "SAME" or (reach[0] <= x.shape[1] and reach[1] <= x.shape[2]):
            return {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}


def conv_2d(b: RandomBuilder) -> list[Ref]:
    x = _image(b)
    geometry = _geometry(b, x)
    kernel = geometry.pop("kernel")
    filters = b.integer(1, 10)
    divisors = [n for n in (2, 3, 4, 8) if x.shape[3] % n == 0]
    if b.chance(0.2) and divisors:
        return [_grouped(b, x, kernel, geometry, groups=b.choice(*divisors))]
    out = b.conv_2d(
        x,
        filters,
        kernel,
        activation=b.maybe_relu(),
        per_channel=b.chance(0.8),
        bias=b.chance(0.9),
        **geometry,
    )
    return [_maybe_pooled(b, out)]


def _maybe_pooled(b: RandomBuilder, out: Ref) -> Ref:
    """Often the 1 x 2 maximum that the engine takes of the raw sums."""
    if b.chance(0.4) and out.shape[2] >= 2:
        return b.pool_2d(out, "MAX_POOL_2D", (1, 2))
    if b.chance(0.4) and out.shape[1] >= 2:
        return b.pool_2d(out, "MAX_POOL_2D", (2, 1))
    return out


def _grouped(
    b: RandomBuilder, x: Ref, kernel: tuple[int, int], geometry: dict[str, Any], *, groups: int
) -> Ref:
    depth = x.shape[3] // groups
    filters = groups * b.integer(1, 4)
    weights, scales = b._weights(
        (filters, *kernel, depth), kernel[0] * kernel[1] * depth, axis=0, per_channel=True
    )
    bias = b._bias(x, scales, filters, x.std)
    height, width = conv_size(
        x.shape, kernel, geometry["stride"], geometry["dilation"], geometry["padding"]
    )
    activation = b.maybe_relu()
    out = b.fresh((x.shape[0], height, width, filters), x.std, activation=activation)
    options = FB.Conv2DOptionsT()
    set_conv(options, geometry["padding"], geometry["stride"], geometry["dilation"], activation)
    b.operator("CONV_2D", [x, weights, bias], [out], options, version=3)
    return out


def depthwise_conv_2d(b: RandomBuilder) -> list[Ref]:
    x = _image(b)
    return [
        b.depthwise_conv_2d(
            x,
            multiplier=b.choice(1, 1, 1, 2, 3),
            activation=b.maybe_relu(),
            **_geometry(b, x),
        )
    ]


def transpose_conv(b: RandomBuilder) -> list[Ref]:
    x = b.input((1, b.integer(1, 5), b.integer(1, 8), b.integer(1, 6)))
    kernel = (b.integer(1, 4), b.integer(1, 4))
    stride = (b.integer(1, 3), b.integer(1, 3))
    return [
        b.transpose_conv(
            x, b.integer(1, 5), kernel, stride=stride, padding=b.choice("SAME", "VALID")
        )
    ]


def fully_connected(b: RandomBuilder) -> list[Ref]:
    x = b.input((b.choice(1, 1, 1, 3), b.choice(b.integer(1, 40), b.integer(1, 200))))
    return [
        b.fully_connected(
            x,
            b.integer(1, 12),
            activation=b.maybe_relu(),
            per_channel=b.chance(0.5),
            bias=b.chance(0.9),
        )
    ]


def _pool(op: str) -> Callable[[RandomBuilder], list[Ref]]:
    def build(b: RandomBuilder) -> list[Ref]:
        x = _image(b)
        geometry = _geometry(b, x, largest=5)
        height, width = conv_size(
            x.shape, geometry["kernel"], geometry["stride"], (1, 1), geometry["padding"]
        )
        out = b.like(x, (x.shape[0], height, width, x.shape[3]))
        options = FB.Pool2DOptionsT()
        options.padding = getattr(FB.Padding, geometry["padding"])
        options.filterHeight, options.filterWidth = geometry["kernel"]
        options.strideH, options.strideW = geometry["stride"]
        options.fusedActivationFunction = getattr(FB.ActivationFunctionType, b.maybe_relu())
        b.operator(op, [x], [out], options, version=2)
        return [out]

    return build


def mean(b: RandomBuilder) -> list[Ref]:
    x = b.input(b.shape(b.integer(2, 4), 8))
    axes = tuple(a for a in range(1, len(x.shape)) if b.chance(0.6))[:2] or (1,)
    if b.chance(0.3):
        axes = tuple(a - len(x.shape) for a in axes)
    keep = b.chance(0.4)
    positive = {a % len(x.shape) for a in axes}
    shape = tuple(
        1 if i in positive else size for i, size in enumerate(x.shape) if keep or i not in positive
    )
    out = b.like(x, shape) if b.chance(0.3) else b.fresh(shape, x.std)
    options = FB.ReducerOptionsT()
    options.keepDims = keep
    b.operator("MEAN", [x, b.constant(list(axes), "int32")], [out], options, version=2)
    return [out]


def _binary(op: str) -> Callable[[RandomBuilder], list[Ref]]:
    def build(b: RandomBuilder) -> list[Ref]:
        shape = b.shape(b.integer(1, 4))
        left = b.input(shape)
        kind = b.integer(0, 3)
        if kind == 0:
            right = left
        elif kind == 1:
            right = b.input(shape)
        else:
            other = tuple(1 if b.chance(0.5) else size for size in shape)
            other = other[b.integer(0, len(other) - 1) :]
            right = b.input(other)
            if kind == 3:
                b.graph.inputs.pop()
                values = b.rng.integers(-128, 128, other)
                right = b.constant(values, "int8", quant=right.quant)
        pair = (left, right) if b.chance(0.5) else (right, left)
        return [b.binary(op, *pair, activation=b.maybe_relu())]

    return build


def _unary(op: str) -> Callable[[RandomBuilder], list[Ref]]:
    def build(b: RandomBuilder) -> list[Ref]:
        # All 256 values, once each, in the first vector of every case.
        x = b.input((1, 256), std=float(2.0 ** b.rng.uniform(-4, 5)))
        if op == "LEAKY_RELU":
            out = b.fresh(x.shape, x.std)
            options = FB.LeakyReluOptionsT()
            options.alpha = float(b.rng.uniform(-0.5, 1.5))
            b.operator(op, [x], [out], options, version=2)
            return [out]
        if op in ("RELU_N1_TO_1", "RELU_0_TO_1"):
            out = b.fresh(x.shape, x.std)
            b.operator(op, [x], [out])
            return [out]
        if op == "RELU6":
            out = b.like(x, x.shape)
            b.operator(op, [x], [out], version=2)
            return [out]
        return [b.activation(x, op)]

    return build


def prelu(b: RandomBuilder) -> list[Ref]:
    x = b.input(b.shape(b.integer(1, 4)))
    shape = tuple(1 if b.chance(0.4) else size for size in x.shape)
    shape = shape[b.integer(0, len(shape) - 1) :]
    quant = b.quant_for(float(2.0 ** b.rng.uniform(-4, 2)))
    alpha = b.constant(b.rng.integers(-128, 128, shape), "int8", quant=quant)
    out = b.fresh(x.shape, x.std)
    b.operator("PRELU", [x, alpha], [out])
    return [out]


def softmax(b: RandomBuilder) -> list[Ref]:
    x = b.input(
        b.choice((1, b.integer(1, 40)), b.shape(3, 8)), std=float(2.0 ** b.rng.uniform(-4, 6))
    )
    return [b.softmax(x, beta=b.choice(1.0, 1.0, 0.5, 2.0))]


def quantize(b: RandomBuilder) -> list[Ref]:
    if b.chance(0.5):
        x = b.input((1, 256))
        return [b.quantize(x, "int8")]
    x = b.input((1, 64), dtype="float32", std=float(2.0 ** b.rng.uniform(-6, 6)))
    return [b.quantize(x, "int8")]


def dequantize(b: RandomBuilder) -> list[Ref]:
    return [b.dequantize(b.input((1, 64)))]


BUILDERS: dict[str, Callable[[RandomBuilder], list[Ref]]] = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "TRANSPOSE_CONV": transpose_conv,
    "FULLY_CONNECTED": fully_connected,
    "MAX_POOL_2D": _pool("MAX_POOL_2D"),
    "AVERAGE_POOL_2D": _pool("AVERAGE_POOL_2D"),
    "MEAN": mean,
    "ADD": _binary("ADD"),
    "SUB": _binary("SUB"),
    "MUL": _binary("MUL"),
    "RELU": _unary("RELU"),
    "RELU6": _unary("RELU6"),
    "RELU_N1_TO_1": _unary("RELU_N1_TO_1"),
    "RELU_0_TO_1": _unary("RELU_0_TO_1"),
    "PRELU": prelu,
    "LEAKY_RELU": _unary("LEAKY_RELU"),
    "LOGISTIC": _unary("LOGISTIC"),
    "TANH": _unary("TANH"),
    "HARD_SWISH": _unary("HARD_SWISH"),
    "SOFTMAX": softmax,
    "PAD": pad,
    "CONCATENATION": concatenation,
    "SPLIT": split,
    "TRANSPOSE": transpose,
    "STRIDED_SLICE": strided_slice,
    "RESHAPE": reshape,
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest,
}


def build_case(op: str, seed: int) -> bytes:
    """The .tflite bytes of one random configuration of an operator."""
    code = sum(ord(letter) * 31**i for i, letter in enumerate(op)) % 2**31
    builder = RandomBuilder(seed=code * 100_003 + seed)
    return builder.finish(BUILDERS[op](builder))
