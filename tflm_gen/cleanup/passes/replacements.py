"""Operators that TFLM lacks, where others that it has do exactly the same."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.cleanup.draft import NUMPY_TYPES, Draft, make_operator, reshape_to
from tflm_gen.cleanup.parts import take_part
from tflm_gen.cleanup.records import Change, Claim, Outputs, Pass, edit_main
from tflm_gen.model.tree import TableValue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tflm_gen.model.graph import GraphOperator
    from tflm_gen.vectors import Vector

    Values = NDArray[np.generic]

# TFLM's CONCATENATION takes no more inputs.
_MAX_JOINED = 10
_ACTIVATION = "fused_activation_function"
_RESIZED_TYPES = frozenset({"int8", "int16", "float32"})


# --- float16 constants ----------------------------------------------------------------------------


def _widen(draft: Draft) -> Change | None:
    """DEQUANTIZE of a float16 constant: every float16 number is a float32 number too."""
    found = [
        operator
        for operator in draft.operators
        if operator.op == "DEQUANTIZE"
        and draft.tensors[operator.inputs[0]].dtype == "float16"
        and draft.values(operator.inputs[0]) is not None
        and draft.is_internal(operator.outputs[0])
    ]
    for operator in found:
        values = draft.values(operator.inputs[0])
        if values is not None:
            data = values.astype(np.dtype("<f4")).tobytes()
            draft.change_tensor(operator.outputs[0], data=data)
            draft.put(operator)
    if not found:
        return None
    return Change(detail=f"{len(found)} float16 constants stored as float32 (TFLM has no float16)")


# --- TILE -----------------------------------------------------------------------------------------


def _replace_repeats(draft: Draft) -> Change | None:
    """TILE becomes RESIZE_NEAREST_NEIGHBOR (as upsampling writes it) or CONCATENATION."""
    claims: list[Claim] = []
    kinds: dict[str, int] = {}
    for operator in [o for o in draft.operators if o.op == "TILE"]:
        done = _as_resize(draft, operator) or _as_concatenation(draft, operator)
        if done is not None:
            kind, claim = done
            kinds[kind] = kinds.get(kind, 0) + 1
            claims.append(claim)
    if not claims:
        return None
    words = ", ".join(f"{count} became {kind}" for kind, count in sorted(kinds.items()))
    return Change(detail=f"TILE, which TFLM lacks: {words}", claims=tuple(claims))


def _counts(draft: Draft, tile: GraphOperator) -> tuple[int, ...] | None:
    """How often each dimension is repeated, if that is constant and the shapes agree with it."""
    counts = draft.integers(tile.inputs[1])
    if counts is None or not draft.same_encoding(tile.inputs[0], tile.outputs[0]):
        return None
    source, target = draft.shape(tile.inputs[0]), draft.shape(tile.outputs[0])
    if len(counts) != len(source) or min(counts, default=0) < 1:
        return None
    fits = target == tuple(n * k for n, k in zip(source, counts, strict=True))
    return counts if fits else None


def _as_resize(draft: Draft, tile: GraphOperator) -> tuple[str, Claim] | None:
    """Upsampling, as converters write it: a dimension of 1 behind another one is repeated."""
    counts = _counts(draft, tile)
    source, target = tile.inputs[0], tile.outputs[0]
    repeated = [axis for axis, count in enumerate(counts or ()) if count > 1]
    if counts is None or len(repeated) != 1:
        return None
    axis, shape = repeated[0], draft.shape(source)
    if axis == 0 or shape[axis] != 1 or draft.tensors[source].dtype not in _RESIZED_TYPES:
        return None
    times = counts[axis]
    view, size = _image_view(shape[: axis - 1], shape[axis - 1], shape[axis + 1 :], times)
    image = draft.add_like(source, view)
    larger = draft.add_like(source, (view[0], *size, view[3]))
    new = (
        reshape_to(draft, source, image),
        make_operator(
            "RESIZE_NEAREST_NEIGHBOR",
            (image, draft.add_constant(np.array(size, np.int32), "int32")),
            larger,
            TableValue("ResizeNearestNeighborOptions", {}),
            version=2,
        ),
        reshape_to(draft, larger, target),
    )
    draft.put(tile, *new)
    what = f"TILE of dimension {axis} by {times}"
    repeat = _reference(draft, source, lambda values: np.repeat(values, times, axis - 1))
    return "RESIZE_NEAREST_NEIGHBOR", _claim(draft, what, new, source, target, repeat)


def _image_view(
    before: Sequence[int], length: int, after: Sequence[int], times: int
) -> tuple[tuple[int, int, int, int], tuple[int, int]]:
    """The four dimensions of an image in which the repeated one is a height or width; its size."""
    inner = prod(after)
    if len(before) == 1 and len(after) == 2:
        return (before[0], length, after[0], after[1]), (length * times, after[0])
    if len(before) == 2:
        return (before[0], before[1], length, inner), (before[1], length * times)
    return (prod(before), 1, length, inner), (1, length * times)


def _as_concatenation(draft: Draft, tile: GraphOperator) -> tuple[str, Claim] | None:
    """Any constant TILE: the same tensor joined to itself, dimension by dimension."""
    counts = _counts(draft, tile)
    if counts is None or draft.producer(tile.outputs[0]) is not tile:
        return None
    source, target = tile.inputs[0], tile.outputs[0]
    axes = [axis for axis, count in enumerate(counts) if count > 1]
    new: list[GraphOperator] = []
    at = source
    for axis in axes:
        at = _join(draft, [at] * counts[axis], axis, new)
    if not new:
        draft.put(tile, reshape_to(draft, source, target))
        new = [draft.producer(target) or tile]
    else:
        new[-1] = replace(new[-1], outputs=(target,))
        draft.put(tile, *new)
    what = f"TILE by {list(counts)}"
    tiled = _reference(draft, source, lambda values: np.tile(values, counts))
    return "CONCATENATION", _claim(draft, what, new, source, target, tiled)


def _join(draft: Draft, pieces: list[int], axis: int, new: list[GraphOperator]) -> int:
    """CONCATENATION of the pieces, in several operators if there are many; the tensor they fill."""
    while len(pieces) > 1:
        joined = []
        for at in range(0, len(pieces), _MAX_JOINED):
            group = pieces[at : at + _MAX_JOINED]
            if len(group) == 1:
                joined.append(group[0])
                continue
            shape = list(draft.shape(group[0]))
            shape[axis] = sum(draft.shape(piece)[axis] for piece in group)
            output = draft.add_like(group[0], shape)
            options = TableValue("ConcatenationOptions", {"axis": axis})
            new.append(make_operator("CONCATENATION", group, output, options, version=2))
            joined.append(output)
        pieces = joined
    return pieces[0]


def _reference(
    draft: Draft, source: int, compute: Callable[[Values], Values]
) -> Callable[[Sequence[Vector]], Outputs]:
    shape = draft.shape(source)
    kind = np.dtype(NUMPY_TYPES.get(draft.tensors[source].dtype, "<u1"))

    def run(vectors: Sequence[Vector]) -> Outputs:
        arrays = [np.frombuffer(vector.inputs[0], kind).reshape(shape) for vector in vectors]
        return tuple((np.ascontiguousarray(compute(array)).tobytes(),) for array in arrays)

    return run


def _claim(
    draft: Draft,
    what: str,
    operators: Sequence[GraphOperator],
    source: int,
    target: int,
    reference: Callable[[Sequence[Vector]], Outputs],
) -> Claim:
    part = take_part(draft.freeze(), operators, [source], [target])
    return Claim(what=what, target=target, graph=part, reference=reference)


# --- long CONCATENATION ---------------------------------------------------------------------------


def _shorten(draft: Draft) -> Change | None:
    """CONCATENATION of more tensors than TFLM takes: join some, then join what that gives."""
    claims = []
    for operator in [o for o in draft.operators if o.op == "CONCATENATION"]:
        target = operator.outputs[0]
        same = all(draft.same_encoding(index, target) for index in operator.inputs)
        if len(operator.inputs) <= _MAX_JOINED or not same or operator.option(_ACTIVATION):
            continue
        rank = len(draft.shape(target))
        axis = operator.option("axis") % rank
        new: list[GraphOperator] = []
        _join(draft, list(operator.inputs), axis, new)
        new[-1] = replace(new[-1], outputs=(target,))
        draft.put(operator, *new)
        sources = [i for i in dict.fromkeys(operator.inputs) if not draft.tensors[i].is_constant]
        claims.append(
            Claim(
                what=f"CONCATENATION of {len(operator.inputs)}",
                target=target,
                graph=take_part(draft.freeze(), new, sources, [target]),
                reference=_joined(draft, operator.inputs, sources, axis),
            )
        )
    if not claims:
        return None
    detail = f"{len(claims)} CONCATENATION of more than {_MAX_JOINED} tensors split"
    return Change(detail=detail, claims=tuple(claims))


def _joined(
    draft: Draft, inputs: Sequence[int], sources: Sequence[int], axis: int
) -> Callable[[Sequence[Vector]], Outputs]:
    tensors = {index: draft.tensors[index] for index in inputs}

    def run(vectors: Sequence[Vector]) -> Outputs:
        rows = []
        for vector in vectors:
            given = dict(zip(sources, vector.inputs, strict=True))
            arrays = [
                np.frombuffer(
                    given.get(i, tensors[i].data), np.dtype(NUMPY_TYPES[tensors[i].dtype])
                ).reshape(tensors[i].shape)
                for i in inputs
            ]
            rows.append((np.concatenate(arrays, axis).tobytes(),))
        return tuple(rows)

    return run


LONG_CONCATENATIONS = Pass(name="long-concatenation", run=edit_main(_shorten), is_repair=True)
HALF_FLOATS = Pass(name="float16-constants", run=edit_main(_widen), is_repair=True)
REPEATS = Pass(name="tile", run=edit_main(_replace_repeats), is_repair=True)
