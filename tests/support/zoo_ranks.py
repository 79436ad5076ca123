"""Odd ranks, broadcasting, and operands that are computed at run time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.graph_builder import FB, Ref, per_tensor
from tests.support.zoo_registry import SIGNALS, builder, family, feature_case

# --- ranks and broadcasting --------------------------------------------------------------------

BROADCASTS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 6), (6,)),
    ((2, 3, 4), (1,)),
    ((2, 1, 4), (1, 3, 1)),
    ((1, 2, 3, 4), (1, 1, 1, 4)),
    ((2, 1, 2, 3, 4), (1, 1, 1, 1, 4)),
    ((2, 1, 2, 3, 4), (2, 1, 2, 3, 4)),
    ((1, 2, 1, 2, 3, 2), (1, 2, 1, 1, 1, 2)),
)


@family(
    op=("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "SQUARED_DIFFERENCE", "GREATER", "FLOOR_DIV"),
    dtype=("int8", "float32"),
    case=range(len(BROADCASTS)),
)
def broadcast(op: str, dtype: str, case: int) -> bytes:
    net = builder(dtype)
    left, right = BROADCASTS[case]
    quant = None if dtype == "float32" else per_tensor(0.05, 0)
    a = net.tensor(left, dtype, quant=quant)
    net.graph.inputs.append(a)
    b = net.constant(np.full(right, 2), dtype, quant=quant)
    kind = "bool" if op == "GREATER" else dtype
    shape = np.broadcast_shapes(left, right)
    out = net.tensor(shape, kind, quant=quant if kind != "bool" else None)
    name = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div"}.get(op)
    net.operator(op, [a, b], [out], getattr(FB, f"{name}OptionsT")() if name else None)
    return net.finish([out])


SHAPES = {2: (3, 4), 3: (2, 3, 4), 4: (1, 2, 3, 4), 5: (1, 2, 1, 3, 4), 6: (1, 2, 1, 2, 1, 3)}


def _ranked(op: str, rank: int, dtype: str, constants: Any, shape: Any, options: Any) -> bytes:
    net = builder(dtype)
    x = net.input(SHAPES[rank])
    out = net.like(x, shape)
    refs = [net.constant(values, "int32") for values in constants]
    net.operator(op, [x, *refs], [out], options)
    return net.finish([out])


@family(rank=(2, 3, 4, 5, 6), dtype=SIGNALS)
def transpose(rank: int, dtype: str) -> bytes:
    order = list(range(rank))[::-1]
    shape = tuple(SHAPES[rank][axis] for axis in order)
    return _ranked("TRANSPOSE", rank, dtype, [order], shape, FB.TransposeOptionsT())


@family(rank=(2, 3, 4, 5), dtype=("int8", "float32"))
def slice_of(rank: int, dtype: str) -> bytes:
    size = [1] * rank
    return _ranked("SLICE", rank, dtype, [[0] * rank, size], tuple(size), FB.SliceOptionsT())


@family(rank=(2, 3, 4, 5, 6), dtype=("int8", "float32"))
def strided_slice(rank: int, dtype: str) -> bytes:
    ends = [1] * rank
    constants = [[0] * rank, ends, [1] * rank]
    return _ranked("STRIDED_SLICE", rank, dtype, constants, tuple(ends), FB.StridedSliceOptionsT())


@family(rank=(2, 3, 4, 5), dtype=SIGNALS)
def pad(rank: int, dtype: str) -> bytes:
    pads = [[0, 0]] * (rank - 1) + [[1, 2]]
    shape = (*SHAPES[rank][:-1], SHAPES[rank][-1] + 3)
    return _ranked("PAD", rank, dtype, [pads], shape, FB.PadOptionsT())


@family(block=(2, 3), dtype=("int8", "float32"), pads=((0, 0), (2, 2)))
def space_to_batch(block: int, dtype: str, pads: tuple[int, int]) -> bytes:
    net = builder(dtype)
    x = net.input((1, 1, 12 if pads == (0, 0) else 4 * block - 4 + 4 * block, 4))
    if pads != (0, 0):
        x = net.slice(x, (0, 0, 0, 0), (1, 1, 4 * block - 4, 4))
    return net.finish([net.space_to_batch_nd(x, (1, block), ((0, 0), pads))])


@family(op=("MEAN", "SUM", "REDUCE_MAX"), rank=(2, 3, 4, 5), dtype=SIGNALS, axis=("last", "all"))
def reduction(op: str, rank: int, dtype: str, axis: str) -> bytes:
    net = builder(dtype)
    axes = (rank - 1,) if axis == "last" else tuple(range(1, rank))
    return net.finish([net.reduce(net.input(SHAPES[rank]), op, axes)])


@family(rank=(2, 3, 4, 5), count=(2, 5, 12), dtype=("int8", "float32"))
def concatenation(rank: int, count: int, dtype: str) -> bytes:
    net = builder(dtype)
    first = net.input(SHAPES[rank])
    return net.finish([net.concatenation([first] * count, 1)])


@feature_case
def concatenation_of_two_scales() -> bytes:
    net = builder("int8")
    parts = [net.tensor((1, 4), "int8", quant=per_tensor(scale, 0)) for scale in (0.1, 0.2)]
    net.graph.inputs += parts
    out = net.tensor((1, 8), "int8", quant=per_tensor(0.2, 0))
    options = FB.ConcatenationOptionsT()
    options.axis = 1
    net.operator("CONCATENATION", parts, [out], options)
    return net.finish([out])


@family(op=("MAX_POOL_2D", "AVERAGE_POOL_2D"), dtype=SIGNALS, padding=("SAME", "VALID"))
def pool(op: str, dtype: str, padding: str) -> bytes:
    net = builder(dtype)
    x = net.input((1, 7, 9, 3))
    return net.finish([net.pool_2d(x, op, (3, 2), stride=(2, 2), padding=padding)])


@family(rank=(2, 3, 4, 5), adj_x=(False, True), adj_y=(False, True), dtype=("int8", "float32"))
def matmul(rank: int, adj_x: bool, adj_y: bool, dtype: str) -> bytes:
    net = builder(dtype)
    lead = (1, 2, 1)[: rank - 2]
    left = net.input((*lead, *((3, 2) if adj_x else (2, 3))))
    right = net.input((*lead, *((4, 3) if adj_y else (3, 4))))
    return net.finish([net.batch_matmul(left, right, adj_x=adj_x, adj_y=adj_y)])


@family(rank=(2, 3), dtype=("int8", "float32"))
def matmul_constant(rank: int, dtype: str) -> bytes:
    net = builder(dtype)
    lead = (1,) * (rank - 2)
    left = net.input((*lead, 2, 3))
    quant = None if dtype == "float32" else per_tensor(0.02)
    right = net.constant(np.ones((*lead, 3, 4)), dtype, quant=quant)
    right = Ref(index=right.index, shape=right.shape, dtype=dtype, quant=quant)
    return net.finish([net.batch_matmul(left, right)])


# --- operands that must be constant ------------------------------------------------------------

_RUNTIME: dict[str, tuple[tuple[int, ...], tuple[int, ...], list[Any], str]] = {
    "RESHAPE": ((2, 6), (3, 4), [[3, 4]], "Reshape"),
    "EXPAND_DIMS": ((2, 6), (2, 1, 6), [1], "ExpandDims"),
    "SLICE": ((2, 6), (1, 3), [[0, 1], [1, 3]], "Slice"),
    "STRIDED_SLICE": ((2, 6), (1, 3), [[0, 1], [1, 4], [1, 1]], "StridedSlice"),
    "PAD": ((2, 6), (2, 8), [[[0, 0], [1, 1]]], "Pad"),
    "TRANSPOSE": ((2, 6), (6, 2), [[1, 0]], "Transpose"),
    "MEAN": ((2, 6), (2,), [[1]], "Reducer"),
    "SUM": ((2, 6), (2,), [[1]], "Reducer"),
    "REDUCE_MAX": ((2, 6), (2,), [[1]], "Reducer"),
    "GATHER": ((6, 2), (3, 2), [[0, 2, 1]], "Gather"),
    "BROADCAST_TO": ((1, 6), (2, 6), [[2, 6]], ""),
    "RESIZE_NEAREST_NEIGHBOR": ((1, 4, 4, 2), (1, 8, 8, 2), [[8, 8]], "ResizeNearestNeighbor"),
    "RESIZE_BILINEAR": ((1, 4, 4, 2), (1, 8, 8, 2), [[8, 8]], "ResizeBilinear"),
    "SPACE_TO_BATCH_ND": ((1, 4, 4, 2), (4, 2, 2, 2), [[2, 2], [[0, 0], [0, 0]]], "SpaceToBatchND"),
    "BATCH_TO_SPACE_ND": ((4, 2, 2, 2), (1, 4, 4, 2), [[2, 2], [[0, 0], [0, 0]]], "BatchToSpaceND"),
    "CUMSUM": ((2, 6), (2, 6), [1], "Cumsum"),
    "ARG_MAX": ((2, 6), (2,), [1], "ArgMax"),
}


@family(op=tuple(_RUNTIME), dtype=("int8", "float32"), kind=("constant", "runtime"))
def second_operand(op: str, dtype: str, kind: str) -> bytes:
    """The operand that says where or how, as a constant or computed at run time."""
    net = builder(dtype)
    shape, out_shape, constants, table = _RUNTIME[op]
    x = net.input(shape)
    refs: list[Ref | None] = []
    for values in constants:
        fixed = net.constant(values, "int32")
        if kind == "runtime":
            zeros = net.tensor(fixed.shape, "int32")
            net.graph.inputs.append(zeros)
            added = net.tensor(fixed.shape, "int32")
            net.operator("ADD", [fixed, zeros], [added], FB.AddOptionsT())
            fixed = added
        refs.append(fixed)
    out = net.tensor(out_shape, "int32") if op == "ARG_MAX" else net.like(x, out_shape)
    options = getattr(FB, f"{table}OptionsT")() if table else None
    if op == "ARG_MAX":
        options.outputType = FB.TensorType.INT32
    net.operator(op, [x, *refs], [out], options, version=2)
    return net.finish([out])


@family(kind=("constant", "runtime"))
def fill(kind: str) -> bytes:
    net = builder("float32")
    dims = net.constant([2, 3], "int32")
    if kind == "runtime":
        zeros = net.tensor((2,), "int32")
        net.graph.inputs.append(zeros)
        added = net.tensor((2,), "int32")
        net.operator("ADD", [dims, zeros], [added], FB.AddOptionsT())
        dims = added
    value = net.tensor((), "float32")
    net.graph.inputs.append(value)
    out = net.tensor((2, 3), "float32")
    net.operator("FILL", [dims, value], [out], FB.FillOptionsT())
    return net.finish([out])
