"""One small model for each operator and each combination of data types, for asking runtimes.

``kernel_cases()`` yields thousands of models of a single operator. What a runtime does with each
is the operator's truth about data types; ``tflm_gen/check/kernel_types`` is written from it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.support.graph_builder import FB, NUMPY_TYPES, Quant, Ref, per_tensor
from tests.support.kernel_case import KernelCase, OneOp, with_options
from tests.support.zoo_kernel_moves import moving, several

if TYPE_CHECKING:
    from collections.abc import Iterator

DTYPES = ("float32", "int8", "int16", "int32", "int64", "uint8", "bool", "float16")
INDEX_DTYPES = ("int32", "int64")
_UNARY = [
    "ABS",
    "CEIL",
    "COS",
    "ELU",
    "EXP",
    "FLOOR",
    "HARD_SWISH",
    "LEAKY_RELU",
    "LOG",
    "LOGICAL_NOT",
    "LOGISTIC",
    "LOG_SOFTMAX",
    "NEG",
    "RELU",
    "RELU6",
    "ROUND",
    "RSQRT",
    "SIN",
    "SOFTMAX",
    "SQRT",
    "SQUARE",
    "TANH",
    "ZEROS_LIKE",
    "L2_NORMALIZATION",
    "QUANTIZE",
    "DEQUANTIZE",
    "CAST",
]
_BINARY = [
    "ADD",
    "SUB",
    "MUL",
    "DIV",
    "MAXIMUM",
    "MINIMUM",
    "SQUARED_DIFFERENCE",
    "FLOOR_DIV",
    "FLOOR_MOD",
    "PRELU",
    "EQUAL",
    "NOT_EQUAL",
    "GREATER",
    "GREATER_EQUAL",
    "LESS",
    "LESS_EQUAL",
    "LOGICAL_AND",
    "LOGICAL_OR",
]
_REDUCE = ["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL"]
_WEIGHTED = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"]
_OPTION_NAMES = {
    "SOFTMAX": "SoftmaxOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "CAST": "CastOptions",
}


def _options(op: str) -> Any:
    name = _OPTION_NAMES.get(op)
    if name is None:
        return None
    options = getattr(FB, f"{name}T")()
    if op == "SOFTMAX":
        options.beta = 1.0
    return options


def _unary(op: str) -> Iterator[KernelCase]:
    for source, target in itertools.product(DTYPES, DTYPES):
        net = OneOp()
        quant = {"int8": per_tensor(1 / 256, -128), "int16": per_tensor(1 / 32768)}.get(target)
        special = op in ("SOFTMAX", "LOGISTIC", "TANH", "LOG_SOFTMAX", "L2_NORMALIZATION")
        if op == "LOG_SOFTMAX" and target == "int8":
            quant = per_tensor(16 / 256, 127)
        if op in ("TANH", "L2_NORMALIZATION") and target == "int8":
            quant = per_tensor(1 / 128, 0)
        out = net.result((1, 6), target, quant if special else None)
        yield net.close(op, [net.data((1, 6), source)], [out], _options(op), version=2)


def _binary(op: str) -> Iterator[KernelCase]:
    pairs = [(a, a, y) for a, y in itertools.product(DTYPES, DTYPES)]
    pairs += [(a, b, a) for a, b in itertools.permutations(DTYPES, 2)]
    for left, right, target in pairs:
        net = OneOp()
        divides = op in ("DIV", "FLOOR_DIV", "FLOOR_MOD", "PRELU")
        other = net.fixed(np.full((1, 6), 2), right) if divides else net.data((1, 6), right)
        yield net.close(
            op, [net.data((1, 6), left), other], [net.result((1, 6), target)], _options(op)
        )


def _reduce(op: str) -> Iterator[KernelCase]:
    cases = [(x, "int32", y) for x, y in itertools.product(DTYPES, DTYPES)]
    cases += [(x, "int64", x) for x in DTYPES]
    for source, axis, target in cases:
        net = OneOp()
        options = FB.ReducerOptionsT()
        options.keepDims = True
        x = net.data((1, 3, 4, 2), source)
        axes = net.constant([1, 2], axis)
        yield net.close(op, [x, axes], [net.result((1, 1, 1, 2), target)], options)


def _weighted(op: str) -> Iterator[KernelCase]:
    weights = (*DTYPES, "int4")
    biases = ("float32", "int32", "int64", None)
    for x, w, bias in itertools.product(DTYPES, weights, biases):
        for y in (x, "float32", "int8", "int16") if w == x else (x,):
            yield _weighted_case(op, x, w, bias, y)


def _weighted_case(op: str, x: str, w: str, bias: str | None, y: str) -> KernelCase:
    net = OneOp()
    shape = (1, 4) if op == "FULLY_CONNECTED" else (1, 4, 5, 2)
    w_shape = {
        "CONV_2D": (3, 2, 2, 2),
        "DEPTHWISE_CONV_2D": (1, 2, 2, 2),
        "FULLY_CONNECTED": (3, 4),
        "TRANSPOSE_CONV": (3, 2, 2, 2),
    }[op]
    channels = w_shape[3] if op == "DEPTHWISE_CONV_2D" else w_shape[0]
    axis = 3 if op == "DEPTHWISE_CONV_2D" else 0
    n_scales = channels if op != "FULLY_CONNECTED" else 1
    quantized = w in ("int8", "int16", "uint8", "int4")
    quant = Quant(scales=(0.01,) * n_scales, zero_points=(0,) * n_scales, axis=axis)
    n = int(np.prod(w_shape))
    n_bytes = -(-n // 2) if w == "int4" else n * np.dtype(NUMPY_TYPES[w]).itemsize
    weights = net.tensor(w_shape, w, quant=quant if quantized else None, data=bytes([1] * n_bytes))
    bias_quant = Quant(scales=(0.0005,) * n_scales, zero_points=(0,) * n_scales)
    bias_ref = (
        net.constant(np.ones(channels), bias, quant=None if bias == "float32" else bias_quant)
        if bias
        else None
    )
    source = net.data(shape, x)
    options, out_shape = _weighted_options(op, channels)
    out = net.result(out_shape, y)
    inputs: list[Ref | None] = [source, weights, bias_ref]
    if op == "TRANSPOSE_CONV":
        inputs = [net.constant(list(out_shape), "int32"), weights, source, bias_ref]
    if bias_ref is None and op in ("TRANSPOSE_CONV", "DEPTHWISE_CONV_2D"):
        inputs.pop()
    return net.close(op, inputs, [out], options, version=3)


def _weighted_options(op: str, channels: int) -> tuple[Any, tuple[int, ...]]:
    if op == "FULLY_CONNECTED":
        return FB.FullyConnectedOptionsT(), (1, channels)
    name = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D"}.get(op, "TransposeConv")
    options = getattr(FB, f"{name}OptionsT")()
    options.padding = FB.Padding.SAME
    options.strideH = options.strideW = 1
    if op == "DEPTHWISE_CONV_2D":
        options.depthMultiplier = 1
    if op != "TRANSPOSE_CONV":
        options.dilationHFactor = options.dilationWFactor = 1
    return options, (1, 4, 5, channels)


def _batch_matmul() -> Iterator[KernelCase]:
    pairs = [(a, a, y) for a, y in itertools.product(DTYPES, DTYPES)]
    pairs += [(a, b, a) for a, b in itertools.permutations(DTYPES, 2)]
    for left, right, target in pairs:
        net = OneOp()
        refs: list[Ref | None] = [net.data((1, 2, 3), left), net.data((1, 3, 4), right)]
        out = net.result((1, 2, 4), target)
        yield net.close("BATCH_MATMUL", refs, [out], with_options("BatchMatMul"), version=2)


def kernel_cases() -> Iterator[KernelCase]:
    """Every operator with a template, in every combination of data types."""
    for op in _UNARY:
        yield from _unary(op)
    for op in _BINARY:
        yield from _binary(op)
    for op in _REDUCE:
        yield from _reduce(op)
    for op in _WEIGHTED:
        yield from _weighted(op)
    yield from _batch_matmul()
    for makers in (moving(), several()):
        for make in makers.values():
            seen: set[str] = set()
            for dtype, index in itertools.product(DTYPES, INDEX_DTYPES):
                case = make(OneOp(), dtype, index)
                if case.signature not in seen:
                    seen.add(case.signature)
                    yield case
