"""Operators that only move data: PAD, CONCATENATION, SPLIT, STRIDED_SLICE, TRANSPOSE, RESIZE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.compiled import tables
from tflm_gen.compiled.ir import Call, Operand, Step, Struct, Table
from tflm_gen.compiled.lowering.strides import (
    MAX_DIMS,
    contiguous_strides,
    merge_axes,
    pad_front,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.model.records import OperatorSpec


def copy_call(
    source: Operand,
    target: Operand,
    dims: Sequence[int],
    strides: tuple[Sequence[int], Sequence[int]],
    element_bytes: int,
) -> Call:
    """A copy of a box; strides are in elements, of the source and of the target."""
    merged, in_strides, out_strides = merge_axes(dims, *strides)
    row_bytes = element_bytes
    # Elements that follow each other on both sides are moved as one row.
    if in_strides[-1] == out_strides[-1] == 1 and merged[-1] > 1:
        row_bytes *= merged[-1]
        merged[-1] = 1
    return Call(
        kernel="tgk_copy",
        source="copy.c",
        params_type="tgk_copy_box",
        params=Struct(
            members={
                "dims": pad_front(merged, 1),
                "in_strides": pad_front([s * element_bytes for s in in_strides], 0),
                "out_strides": pad_front([s * element_bytes for s in out_strides], 0),
                "row_bytes": row_bytes,
            }
        ),
        operands=(source, target),
    )


def _void(value_id: int, offset_bytes: int = 0, *, is_output: bool = False) -> Operand:
    return Operand(value_id=value_id, c_type="void", offset_bytes=offset_bytes, is_output=is_output)


def _move_step(
    graph: Graph, op: OperatorSpec, calls: tuple[Call, ...], positions: Sequence[int]
) -> Step:
    return Step(
        operators=(op.index,),
        op=op.op,
        inputs=graph.runtime_inputs(op, *positions),
        outputs=op.outputs,
        calls=calls,
    )


def copy_step(graph: Graph, op: OperatorSpec) -> Step:
    """A plain copy: what is left of RESHAPE when its two sides cannot share memory."""
    source, out = graph.input(op, 0), graph.output(op)
    n_elements = out.n_elements
    graph.require(source.n_elements == n_elements, op, "input and output differ in size")
    call = copy_call(
        _void(source.index),
        _void(out.index, is_output=True),
        [n_elements],
        ([1], [1]),
        graph.element_bytes(source),
    )
    return _move_step(graph, op, (call,), (0,))


def lower_pad(graph: Graph, op: OperatorSpec) -> Step:
    """PAD with the zero point, or PADV2 with a constant."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source, out)
    graph.same_quantization(op, source, out)
    rank = len(source.shape)
    graph.require(0 < rank <= MAX_DIMS, op, f"it has {rank} dimensions")
    paddings = graph.constant(op, graph.input(op, 1), "paddings")
    graph.require(paddings.shape == (rank, 2), op, f"its paddings have shape {paddings.shape}")
    before, after = paddings[:, 0].tolist(), paddings[:, 1].tolist()
    expected = tuple(size + b + a for size, b, a in zip(source.shape, before, after, strict=True))
    graph.require(
        out.shape == expected and min(*before, *after) >= 0,
        op,
        f"its output has shape {list(out.shape)}, its paddings give {list(expected)}",
    )
    filler = graph.affine(op, out).zero_point
    pad_value = graph.optional_input(op, 2) if op.op == "PADV2" else None
    if pad_value is not None:
        graph.require_int8(op, pad_value)
        filler = int(graph.constant(op, pad_value, "padding value").reshape(-1)[0])
    out_strides = contiguous_strides(out.shape)
    start = sum(b * stride for b, stride in zip(before, out_strides, strict=True))
    fill = Call(
        kernel="tgk_fill",
        source="copy.c",
        params_type="tgk_fill_bytes",
        params=Struct(members={"bytes": out.n_elements, "value": filler}),
        operands=(_void(out.index, is_output=True),),
    )
    copy = copy_call(
        _void(source.index),
        _void(out.index, start, is_output=True),
        source.shape,
        (contiguous_strides(source.shape), out_strides),
        1,
    )
    return _move_step(graph, op, (fill, copy), (0,))


def _checked_axis(graph: Graph, op: OperatorSpec, axis: int, rank: int) -> int:
    graph.require(-rank <= axis < rank and rank <= MAX_DIMS, op, f"axis {axis} of {rank}")
    return axis % rank


def lower_concatenation(graph: Graph, op: OperatorSpec) -> Step:
    """CONCATENATION of equally quantized tensors."""
    out = graph.output(op)
    axis = _checked_axis(graph, op, graph.integer(op, "axis", 0), len(out.shape))
    graph.require(
        str(op.options.get("fused_activation_function", "NONE")) == "NONE",
        op,
        "a fused activation",
    )
    sources = [graph.input(op, position) for position in range(len(op.inputs))]
    out_strides = contiguous_strides(out.shape)
    calls = []
    start = 0
    for source in sources:
        graph.require_int8(op, source, out)
        graph.same_quantization(op, source, out)
        others = [size for i, size in enumerate(source.shape) if i != axis]
        graph.require(
            len(source.shape) == len(out.shape)
            and others == [size for i, size in enumerate(out.shape) if i != axis],
            op,
            f"shape {list(source.shape)} does not fit {list(out.shape)}",
        )
        calls.append(
            copy_call(
                _void(source.index),
                _void(out.index, start * out_strides[axis], is_output=True),
                source.shape,
                (contiguous_strides(source.shape), out_strides),
                1,
            )
        )
        start += source.shape[axis]
    graph.require(start == out.shape[axis], op, f"its inputs fill {start} of {out.shape[axis]}")
    return _move_step(graph, op, tuple(calls), range(len(op.inputs)))


def lower_split(graph: Graph, op: OperatorSpec) -> Step:
    """SPLIT into equal parts along a constant axis."""
    source = graph.input(op, 1)
    rank = len(source.shape)
    axis_value = int(graph.constant(op, graph.input(op, 0), "axis").reshape(-1)[0])
    axis = _checked_axis(graph, op, axis_value, rank)
    outs = [graph.output(op, position) for position in range(len(op.outputs))]
    n_parts = len(outs)
    graph.require(source.shape[axis] % n_parts == 0, op, f"{n_parts} parts of {source.shape}")
    part = tuple(size // n_parts if i == axis else size for i, size in enumerate(source.shape))
    strides = contiguous_strides(source.shape)
    calls = []
    for position, out in enumerate(outs):
        graph.require_int8(op, source, out)
        graph.require(out.shape == part, op, f"part {position} has shape {list(out.shape)}")
        calls.append(
            copy_call(
                _void(source.index, position * part[axis] * strides[axis]),
                _void(out.index, is_output=True),
                part,
                (strides, contiguous_strides(part)),
                1,
            )
        )
    return _move_step(graph, op, tuple(calls), (1,))


def lower_transpose(graph: Graph, op: OperatorSpec) -> Step:
    """TRANSPOSE by a constant permutation."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source, out)
    rank = len(source.shape)
    order = [int(p) for p in graph.constant(op, graph.input(op, 1), "permutation").reshape(-1)]
    graph.require(
        sorted(p % rank if rank else p for p in order) == list(range(rank)) and rank <= MAX_DIMS,
        op,
        f"permutation {order} of {rank} dimensions",
    )
    order = [p % rank for p in order]
    expected = tuple(source.shape[p] for p in order)
    graph.require(out.shape == expected, op, f"its output has shape {list(out.shape)}")
    strides = contiguous_strides(source.shape)
    call = copy_call(
        _void(source.index),
        _void(out.index, is_output=True),
        expected,
        ([strides[p] for p in order], contiguous_strides(expected)),
        1,
    )
    return _move_step(graph, op, (call,), (0,))


def lower_strided_slice(graph: Graph, op: OperatorSpec) -> Step:
    """STRIDED_SLICE with constant bounds."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source, out)
    rank = len(source.shape)
    graph.require(0 < rank <= MAX_DIMS, op, f"it has {rank} dimensions")
    for mask in ("ellipsis_mask", "new_axis_mask"):
        graph.require(graph.integer(op, mask, 0) == 0, op, f"its {mask} is not 0")
    bounds = [
        [int(v) for v in graph.constant(op, graph.input(op, i), "bounds").reshape(-1)]
        for i in (1, 2, 3)
    ]
    graph.require(all(len(b) == rank for b in bounds), op, "bounds for part of its dimensions")
    starts, sizes = [], []
    for axis in range(rank):
        start, size = _slice_axis(graph, op, axis, source.shape[axis], [b[axis] for b in bounds])
        starts.append(start)
        sizes.append(size)
    shrink = graph.integer(op, "shrink_axis_mask", 0)
    expected = tuple(size for i, size in enumerate(sizes) if not shrink & (1 << i))
    graph.require(
        out.shape == expected and out.n_elements > 0,
        op,
        f"its output has shape {list(out.shape)}, its bounds give {list(expected)}",
    )
    strides = contiguous_strides(source.shape)
    first = sum(start * stride for start, stride in zip(starts, strides, strict=True))
    steps = [stride * by for stride, by in zip(strides, bounds[2], strict=True)]
    call = copy_call(
        _void(source.index, first),
        _void(out.index, is_output=True),
        sizes,
        (steps, contiguous_strides(sizes)),
        1,
    )
    return _move_step(graph, op, (call,), (0,))


def _slice_axis(
    graph: Graph, op: OperatorSpec, axis: int, size: int, bounds: Sequence[int]
) -> tuple[int, int]:
    """First element and number of elements along one dimension, by TFLite's masks."""
    begin, end, by = bounds
    graph.require(by != 0, op, f"stride 0 along dimension {axis}")
    bit = 1 << axis
    if graph.integer(op, "shrink_axis_mask", 0) & bit:
        start = begin + size if begin < 0 else begin
        graph.require(0 <= start < size, op, f"index {begin} of {size}")
        return start, 1
    low, high = (0, size) if by > 0 else (-1, size - 1)

    def place(index: int) -> int:
        return max(low, min(high, index + size if index < 0 else index))

    first, behind_last = (low, high) if by > 0 else (high, low)
    if op.options.get("offset"):
        end += begin
    start = first if graph.integer(op, "begin_mask", 0) & bit else place(begin)
    stop = behind_last if graph.integer(op, "end_mask", 0) & bit else place(end)
    return start, max(0, -(-(stop - start) // by))


def lower_resize_nearest(graph: Graph, op: OperatorSpec) -> Step:
    """RESIZE_NEAREST_NEIGHBOR."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source, out)
    graph.require(len(source.shape) == len(out.shape) == 4, op, "it is not four-dimensional")
    batches, in_h, in_w, channels = source.shape
    _, out_h, out_w, _ = out.shape
    graph.require(
        out.shape == (batches, out_h, out_w, channels) and max(in_h, in_w) < 2**16,
        op,
        f"shapes {list(source.shape)} and {list(out.shape)}",
    )
    align_corners = bool(op.options.get("align_corners"))
    half_pixel = bool(op.options.get("half_pixel_centers"))

    def indices(role: str, n_in: int, n_out: int) -> Table:
        rows = tables.nearest_indices(
            n_in, n_out, align_corners=align_corners, half_pixel_centers=half_pixel
        )
        return Table(role=role, c_type="uint16_t", rows=rows)

    call = Call(
        kernel="tgk_resize_nearest_s8",
        source="resize.c",
        params_type="tgk_resize",
        params=Struct(
            members={
                "batches": batches,
                "in_h": in_h,
                "in_w": in_w,
                "out_h": out_h,
                "out_w": out_w,
                "channels": channels,
                "rows": indices("rows", in_h, out_h),
                "columns": indices("columns", in_w, out_w),
            }
        ),
        operands=(
            Operand(value_id=op.inputs[0]),
            Operand(value_id=op.outputs[0], is_output=True),
        ),
    )
    return _move_step(graph, op, (call,), (0,))
