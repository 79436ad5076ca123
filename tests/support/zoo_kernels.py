"""One small model for each operator and each combination of data types, for asking runtimes.

``kernel_cases()`` yields thousands of models of a single operator. What a runtime does with each
is the operator's truth about data types; ``tflm_gen/check/kernel_types`` is written from it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.support.graph_builder import FB, NUMPY_TYPES, GraphBuilder, Quant, Ref, per_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DTYPES = ("float32", "int8", "int16", "int32", "int64", "uint8", "bool", "float16")
INDEX_DTYPES = ("int32", "int64")
_UNARY = (
    "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LEAKY_RELU LOG LOGICAL_NOT LOGISTIC LOG_SOFTMAX NEG "
    "RELU RELU6 ROUND RSQRT SIN SOFTMAX SQRT SQUARE TANH ZEROS_LIKE L2_NORMALIZATION QUANTIZE "
    "DEQUANTIZE CAST"
).split()
_BINARY = (
    "ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE FLOOR_DIV FLOOR_MOD PRELU EQUAL NOT_EQUAL "
    "GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_OR"
).split()
_REDUCE = "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_ALL".split()
_WEIGHTED = "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED TRANSPOSE_CONV".split()
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


@dataclass(frozen=True, kw_only=True)
class KernelCase:
    """A model of one operator.

    Attributes:
        op: The operator.
        signature: Data types of its operands and result, as in the table of the package.
        flatbuffer: The file.
    """

    op: str
    signature: str
    flatbuffer: bytes


def quant_of(dtype: str) -> Quant | None:
    """A usual quantization of a data type, or None."""
    zero = {"int8": -3, "uint8": 125, "int16": 0}.get(dtype)
    return None if zero is None else per_tensor(0.05, zero)


def signature_of(inputs: list[str], output: str) -> str:
    """As the package writes it: equal inputs at the end count once from the second on."""
    return f"{','.join(inputs)}->{output}"


class _OneOp(GraphBuilder):
    """A graph around one operator."""

    def data(self, shape: tuple[int, ...], dtype: str, quant: Quant | None = None) -> Ref:
        ref = self.tensor(shape, dtype, quant=quant or quant_of(dtype))
        self.graph.inputs.append(ref)
        return ref

    def fixed(self, values: Any, dtype: str) -> Ref:
        return self.constant(values, dtype, quant=quant_of(dtype))

    def result(self, shape: tuple[int, ...], dtype: str, quant: Quant | None = None) -> Ref:
        return self.tensor(shape, dtype, quant=quant or quant_of(dtype))

    def close(
        self, op: str, inputs: list[Ref | None], outs: list[Ref], options: Any = None, **more: Any
    ) -> KernelCase:
        self.operator(op, inputs, outs, options, **more)
        present = [ref.dtype for ref in inputs if ref is not None]
        return KernelCase(
            op=op,
            signature=signature_of(present, outs[0].dtype),
            flatbuffer=self.finish([out for out in outs if out.dtype != "resource"]),
        )


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
        net = _OneOp()
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
        net = _OneOp()
        divides = op in ("DIV", "FLOOR_DIV", "FLOOR_MOD", "PRELU")
        other = (
            net.fixed(np.full((1, 6), 2), right) if divides else net.data((1, 6), right)
        )
        yield net.close(
            op, [net.data((1, 6), left), other], [net.result((1, 6), target)], _options(op)
        )


def _reduce(op: str) -> Iterator[KernelCase]:
    cases = [(x, "int32", y) for x, y in itertools.product(DTYPES, DTYPES)]
    cases += [(x, "int64", x) for x in DTYPES]
    for source, axis, target in cases:
        net = _OneOp()
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
    net = _OneOp()
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
    weights = net.tensor(
        w_shape, w, quant=quant if quantized else None, data=bytes([1] * n_bytes)
    )
    bias_quant = Quant(scales=(0.0005,) * n_scales, zero_points=(0,) * n_scales)
    bias_ref = (
        net.constant(
            np.ones(channels), bias, quant=None if bias == "float32" else bias_quant
        )
        if bias
        else None
    )
    source = net.data(shape, x)
    options, out_shape = _weighted_options(op, channels)
    out = net.result(out_shape, y)
    inputs: list[Ref | None] = [source, weights, bias_ref]
    if op == "TRANSPOSE_CONV":
        inputs = [net.constant(list(out_shape), "int32"), weights, source, bias_ref]
        if bias_ref is None:
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


# --- operators that move data --------------------------------------------------------------------

_Maker = "Callable[[_OneOp, str, str], KernelCase]"


def _with(name: str, **fields: Any) -> Any:
    options = getattr(FB, f"{name}OptionsT")()
    for field, value in fields.items():
        setattr(options, field, value)
    return options


def _moving() -> dict[str, Any]:
    """Operator -> function of (net, data type, index type)."""

    def simple(op: str, shape: Any, out: Any, consts: Any, options: Any = None) -> Any:
        def make(net: _OneOp, dtype: str, index: str) -> KernelCase:
            refs = [net.constant(values, index) for values in consts]
            return net.close(op, [net.data(shape, dtype), *refs], [net.result(out, dtype)], options)

        return make

    wide = (1, 4, 4, 4)
    makers = {
        "RESHAPE": simple("RESHAPE", (1, 6), (2, 3), [[2, 3]]),
        "SQUEEZE": simple("SQUEEZE", (1, 6), (6,), [], _with("Squeeze", squeezeDims=[0])),
        "EXPAND_DIMS": simple("EXPAND_DIMS", (1, 6), (1, 1, 6), [1]),
        "PAD": simple("PAD", (1, 6), (1, 8), [[[0, 0], [1, 1]]]),
        "MIRROR_PAD": simple("MIRROR_PAD", (1, 6), (1, 8), [[[0, 0], [1, 1]]], _with("MirrorPad")),
        "TRANSPOSE": simple("TRANSPOSE", (1, 6), (6, 1), [[1, 0]]),
        "SLICE": simple("SLICE", (1, 6), (1, 3), [[0, 2], [1, 3]]),
        "STRIDED_SLICE": simple(
            "STRIDED_SLICE", (1, 6), (1, 3), [[0, 0], [1, 6], [1, 2]], _with("StridedSlice")
        ),
        "GATHER": simple("GATHER", (1, 6), (1, 2), [[3, 1]], _with("Gather", axis=1)),
        "GATHER_ND": simple("GATHER_ND", (3, 2), (2, 2), [[[2], [0]]]),
        "SPACE_TO_BATCH_ND": simple("SPACE_TO_BATCH_ND", wide, (4, 2, 2, 4), [[2, 2], [[0, 0]] * 2]),
        "BATCH_TO_SPACE_ND": simple(
            "BATCH_TO_SPACE_ND", (4, 2, 2, 4), (1, 4, 4, 4), [[2, 2], [[0, 0]] * 2]
        ),
        "SPACE_TO_DEPTH": simple(
            "SPACE_TO_DEPTH", wide, (1, 2, 2, 16), [], _with("SpaceToDepth", blockSize=2)
        ),
        "DEPTH_TO_SPACE": simple(
            "DEPTH_TO_SPACE", wide, (1, 8, 8, 1), [], _with("DepthToSpace", blockSize=2)
        ),
        "RESIZE_NEAREST_NEIGHBOR": simple("RESIZE_NEAREST_NEIGHBOR", wide, (1, 8, 8, 4), [[8, 8]]),
        "RESIZE_BILINEAR": simple("RESIZE_BILINEAR", wide, (1, 8, 8, 4), [[8, 8]]),
        "BROADCAST_TO": simple("BROADCAST_TO", (1, 6), (3, 6), [[3, 6]]),
        "CUMSUM": simple("CUMSUM", (1, 6), (1, 6), [1], _with("Cumsum")),
        "REVERSE_V2": simple("REVERSE_V2", (1, 6), (1, 6), [[1]]),
    }
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        options = _with("Pool2D", filterHeight=2, filterWidth=2, strideH=2, strideW=2)
        makers[op] = simple(op, wide, (1, 2, 2, 4), [], options)
    return makers


def _several() -> dict[str, Any]:
    """Operators with several data operands or results."""

    def concatenation(net: _OneOp, dtype: str, _: str) -> KernelCase:
        parts: list[Ref | None] = [net.data((1, 6), dtype), net.data((1, 6), dtype)]
        options = _with("Concatenation", axis=1)
        return net.close("CONCATENATION", parts, [net.result((1, 12), dtype)], options)

    def pack(net: _OneOp, dtype: str, _: str) -> KernelCase:
        parts: list[Ref | None] = [net.data((1, 6), dtype), net.data((1, 6), dtype)]
        options = _with("Pack", axis=0, valuesCount=2)
        return net.close("PACK", parts, [net.result((2, 1, 6), dtype)], options)

    def add_n(net: _OneOp, dtype: str, _: str) -> KernelCase:
        parts: list[Ref | None] = [net.data((1, 6), dtype), net.data((1, 6), dtype)]
        return net.close("ADD_N", parts, [net.result((1, 6), dtype)], _with("AddN"))

    def unpack(net: _OneOp, dtype: str, _: str) -> KernelCase:
        outs = [net.result((6,), dtype) for _ in range(2)]
        return net.close("UNPACK", [net.data((2, 6), dtype)], outs, _with("Unpack", num=2, axis=0))

    def split(net: _OneOp, dtype: str, index: str) -> KernelCase:
        outs = [net.result((1, 3), dtype) for _ in range(2)]
        inputs: list[Ref | None] = [net.constant(1, index), net.data((1, 6), dtype)]
        return net.close("SPLIT", inputs, outs, _with("Split", numSplits=2))

    def split_v(net: _OneOp, dtype: str, index: str) -> KernelCase:
        outs = [net.result((1, 2), dtype), net.result((1, 4), dtype)]
        sizes, axis = net.constant([2, 4], index), net.constant(1, "int32")
        options = _with("SplitV", numSplits=2)
        return net.close("SPLIT_V", [net.data((1, 6), dtype), sizes, axis], outs, options)

    def padv2(net: _OneOp, dtype: str, index: str) -> KernelCase:
        pads, value = net.constant([[0, 0], [1, 1]], index), net.fixed([1], dtype)
        inputs: list[Ref | None] = [net.data((1, 6), dtype), pads, value]
        return net.close("PADV2", inputs, [net.result((1, 8), dtype)])

    def fill(net: _OneOp, dtype: str, index: str) -> KernelCase:
        value = net.tensor((), dtype, quant=quant_of(dtype))
        net.graph.inputs.append(value)
        return net.close("FILL", [net.constant([2, 3], index), value], [net.result((2, 3), dtype)])

    def update(net: _OneOp, dtype: str, index: str) -> KernelCase:
        inputs: list[Ref | None] = [
            net.data((4, 6), dtype), net.data((1, 6), dtype), net.constant([1, 0], index)
        ]
        return net.close("DYNAMIC_UPDATE_SLICE", inputs, [net.result((4, 6), dtype)])

    def select(net: _OneOp, dtype: str, _: str) -> KernelCase:
        inputs: list[Ref | None] = [
            net.data((1, 6), "bool"), net.data((1, 6), dtype), net.data((1, 6), dtype)
        ]
        return net.close("SELECT_V2", inputs, [net.result((1, 6), dtype)])

    def embedding(net: _OneOp, dtype: str, index: str) -> KernelCase:
        inputs: list[Ref | None] = [net.data((2,), index), net.fixed(np.ones((3, 4)), dtype)]
        return net.close("EMBEDDING_LOOKUP", inputs, [net.result((2, 4), dtype)])

    def shape(net: _OneOp, dtype: str, index: str) -> KernelCase:
        out_type = getattr(FB.TensorType, index.upper())
        options = _with("Shape", outType=out_type)
        return net.close("SHAPE", [net.data((1, 6), dtype)], [net.result((2,), index)], options)

    def broadcast_args(net: _OneOp, dtype: str, index: str) -> KernelCase:
        inputs: list[Ref | None] = [net.constant([1, 6], index), net.constant([3, 6], index)]
        del dtype
        return net.close("BROADCAST_ARGS", inputs, [net.result((2,), index)])

    def arg(op: str, name: str) -> Any:
        def make(net: _OneOp, dtype: str, index: str) -> KernelCase:
            options = _with(name, outputType=getattr(FB.TensorType, index.upper()))
            x, axis = net.data((1, 6), dtype), net.constant(1, "int32")
            return net.close(op, [x, axis], [net.result((1,), index)], options)

        return make

    return {
        "CONCATENATION": concatenation,
        "PACK": pack,
        "ADD_N": add_n,
        "UNPACK": unpack,
        "SPLIT": split,
        "SPLIT_V": split_v,
        "PADV2": padv2,
        "FILL": fill,
        "DYNAMIC_UPDATE_SLICE": update,
        "SELECT_V2": select,
        "EMBEDDING_LOOKUP": embedding,
        "SHAPE": shape,
        "BROADCAST_ARGS": broadcast_args,
        "ARG_MAX": arg("ARG_MAX", "ArgMax"),
        "ARG_MIN": arg("ARG_MIN", "ArgMin"),
    }


def _batch_matmul() -> Iterator[KernelCase]:
    pairs = [(a, a, y) for a, y in itertools.product(DTYPES, DTYPES)]
    pairs += [(a, b, a) for a, b in itertools.permutations(DTYPES, 2)]
    for left, right, target in pairs:
        net = _OneOp()
        refs: list[Ref | None] = [net.data((1, 2, 3), left), net.data((1, 3, 4), right)]
        out = net.result((1, 2, 4), target)
        yield net.close("BATCH_MATMUL", refs, [out], _with("BatchMatMul"), version=2)


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
    for makers in (_moving(), _several()):
        for make in makers.values():
            seen: set[str] = set()
            for dtype, index in itertools.product(DTYPES, INDEX_DTYPES):
                case = make(_OneOp(), dtype, index)
                if case.signature not in seen:
                    seen.add(case.signature)
                    yield case
