"""Templates of operators that move data or pick from it; see :mod:`tests.support.zoo_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.graph_builder import FB, Ref
from tests.support.kernel_case import KernelCase, OneOp, quant_of, with_options


def moving() -> dict[str, Any]:
    """Operator -> function of (net, data type, index type)."""

    def simple(op: str, shape: Any, out: Any, consts: Any, options: Any = None) -> Any:
        def make(net: OneOp, dtype: str, index: str) -> KernelCase:
            refs = [net.constant(values, index) for values in consts]
            return net.close(op, [net.data(shape, dtype), *refs], [net.result(out, dtype)], options)

        return make

    wide = (1, 4, 4, 4)
    makers = {
        "RESHAPE": simple("RESHAPE", (1, 6), (2, 3), [[2, 3]]),
        "SQUEEZE": simple("SQUEEZE", (1, 6), (6,), [], with_options("Squeeze", squeezeDims=[0])),
        "EXPAND_DIMS": simple("EXPAND_DIMS", (1, 6), (1, 1, 6), [1]),
        "PAD": simple("PAD", (1, 1, 2, 6), (1, 1, 2, 8), [[[0, 0]] * 3 + [[1, 1]]]),
        "MIRROR_PAD": simple(
            "MIRROR_PAD", (1, 6), (1, 8), [[[0, 0], [1, 1]]], with_options("MirrorPad")
        ),
        "TRANSPOSE": simple("TRANSPOSE", (1, 6), (6, 1), [[1, 0]]),
        "SLICE": simple("SLICE", (1, 6), (1, 3), [[0, 2], [1, 3]]),
        "STRIDED_SLICE": simple(
            "STRIDED_SLICE", (1, 6), (1, 3), [[0, 0], [1, 6], [1, 2]], with_options("StridedSlice")
        ),
        "GATHER": simple("GATHER", (1, 6), (1, 2), [[3, 1]], with_options("Gather", axis=1)),
        "GATHER_ND": simple("GATHER_ND", (3, 2), (2, 2), [[[2], [0]]]),
        "SPACE_TO_BATCH_ND": simple(
            "SPACE_TO_BATCH_ND", wide, (4, 2, 2, 4), [[2, 2], [[0, 0]] * 2]
        ),
        "BATCH_TO_SPACE_ND": simple(
            "BATCH_TO_SPACE_ND", (4, 2, 2, 4), (1, 4, 4, 4), [[2, 2], [[0, 0]] * 2]
        ),
        "SPACE_TO_DEPTH": simple(
            "SPACE_TO_DEPTH", wide, (1, 2, 2, 16), [], with_options("SpaceToDepth", blockSize=2)
        ),
        "DEPTH_TO_SPACE": simple(
            "DEPTH_TO_SPACE", wide, (1, 8, 8, 1), [], with_options("DepthToSpace", blockSize=2)
        ),
        "RESIZE_NEAREST_NEIGHBOR": simple("RESIZE_NEAREST_NEIGHBOR", wide, (1, 8, 8, 4), [[8, 8]]),
        "RESIZE_BILINEAR": simple("RESIZE_BILINEAR", wide, (1, 8, 8, 4), [[8, 8]]),
        "BROADCAST_TO": simple("BROADCAST_TO", (1, 6), (3, 6), [[3, 6]]),
        "CUMSUM": simple("CUMSUM", (1, 6), (1, 6), [1], with_options("Cumsum")),
        "REVERSE_V2": simple("REVERSE_V2", (1, 6), (1, 6), [[1]]),
    }
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        options = with_options("Pool2D", filterHeight=2, filterWidth=2, strideH=2, strideW=2)
        makers[op] = simple(op, wide, (1, 2, 2, 4), [], options)
    return makers


def _concatenation(net: OneOp, dtype: str, _: str) -> KernelCase:
    parts: list[Ref | None] = [net.data((1, 6), dtype), net.data((1, 6), dtype)]
    options = with_options("Concatenation", axis=1)
    return net.close("CONCATENATION", parts, [net.result((1, 12), dtype)], options)


def _pack(net: OneOp, dtype: str, _: str) -> KernelCase:
    parts: list[Ref | None] = [net.data((1, 6), dtype), net.data((1, 6), dtype)]
    options = with_options("Pack", axis=0, valuesCount=2)
    return net.close("PACK", parts, [net.result((2, 1, 6), dtype)], options)


def _add_n(net: OneOp, dtype: str, _: str) -> KernelCase:
    parts: list[Ref | None] = [net.data((1, 6), dtype), net.data((1, 6), dtype)]
    return net.close("ADD_N", parts, [net.result((1, 6), dtype)], with_options("AddN"))


def _unpack(net: OneOp, dtype: str, _: str) -> KernelCase:
    outs = [net.result((6,), dtype) for _ in range(2)]
    return net.close(
        "UNPACK", [net.data((2, 6), dtype)], outs, with_options("Unpack", num=2, axis=0)
    )


def _split(net: OneOp, dtype: str, index: str) -> KernelCase:
    outs = [net.result((1, 3), dtype) for _ in range(2)]
    inputs: list[Ref | None] = [net.constant(1, index), net.data((1, 6), dtype)]
    return net.close("SPLIT", inputs, outs, with_options("Split", numSplits=2))


def _split_v(net: OneOp, dtype: str, index: str) -> KernelCase:
    outs = [net.result((1, 2), dtype), net.result((1, 4), dtype)]
    sizes, axis = net.constant([2, 4], index), net.constant(1, "int32")
    options = with_options("SplitV", numSplits=2)
    return net.close("SPLIT_V", [net.data((1, 6), dtype), sizes, axis], outs, options)


def _padv2(net: OneOp, dtype: str, index: str) -> KernelCase:
    pads, value = net.constant([[0, 0]] * 3 + [[1, 1]], index), net.fixed([1], dtype)
    inputs: list[Ref | None] = [net.data((1, 1, 2, 6), dtype), pads, value]
    return net.close("PADV2", inputs, [net.result((1, 1, 2, 8), dtype)])


def _fill(net: OneOp, dtype: str, index: str) -> KernelCase:
    value = net.tensor((), dtype, quant=quant_of(dtype))
    net.graph.inputs.append(value)
    return net.close("FILL", [net.constant([2, 3], index), value], [net.result((2, 3), dtype)])


def _update(net: OneOp, dtype: str, index: str) -> KernelCase:
    inputs: list[Ref | None] = [
        net.data((4, 6), dtype),
        net.data((1, 6), dtype),
        net.constant([1, 0], index),
    ]
    return net.close("DYNAMIC_UPDATE_SLICE", inputs, [net.result((4, 6), dtype)])


def _select(net: OneOp, dtype: str, _: str) -> KernelCase:
    inputs: list[Ref | None] = [
        net.data((1, 6), "bool"),
        net.data((1, 6), dtype),
        net.data((1, 6), dtype),
    ]
    return net.close("SELECT_V2", inputs, [net.result((1, 6), dtype)])


def _embedding(net: OneOp, dtype: str, index: str) -> KernelCase:
    inputs: list[Ref | None] = [net.data((2,), index), net.fixed(np.ones((3, 4)), dtype)]
    return net.close("EMBEDDING_LOOKUP", inputs, [net.result((2, 4), dtype)])


def _shape(net: OneOp, dtype: str, index: str) -> KernelCase:
    out_type = getattr(FB.TensorType, index.upper())
    options = with_options("Shape", outType=out_type)
    return net.close("SHAPE", [net.data((1, 6), dtype)], [net.result((2,), index)], options)


def _broadcast_args(net: OneOp, dtype: str, index: str) -> KernelCase:
    inputs: list[Ref | None] = [net.constant([1, 6], index), net.constant([3, 6], index)]
    del dtype
    return net.close("BROADCAST_ARGS", inputs, [net.result((2,), index)])


def _arg(op: str, name: str) -> Any:
    def make(net: OneOp, dtype: str, index: str) -> KernelCase:
        options = with_options(name, outputType=getattr(FB.TensorType, index.upper()))
        x, axis = net.data((1, 6), dtype), net.constant(1, "int32")
        return net.close(op, [x, axis], [net.result((1,), index)], options)

    return make


def several() -> dict[str, Any]:
    """Operators with several data operands or results."""
    return {
        "CONCATENATION": _concatenation,
        "PACK": _pack,
        "ADD_N": _add_n,
        "UNPACK": _unpack,
        "SPLIT": _split,
        "SPLIT_V": _split_v,
        "PADV2": _padv2,
        "FILL": _fill,
        "DYNAMIC_UPDATE_SLICE": _update,
        "SELECT_V2": _select,
        "EMBEDDING_LOOKUP": _embedding,
        "SHAPE": _shape,
        "BROADCAST_ARGS": _broadcast_args,
        "ARG_MAX": _arg("ARG_MAX", "ArgMax"),
        "ARG_MIN": _arg("ARG_MIN", "ArgMin"),
    }
