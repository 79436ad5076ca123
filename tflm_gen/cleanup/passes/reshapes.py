"""Operators that only change a shape: merged, moved out of the way, and left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.cleanup.draft import Draft, reshape_to
from tflm_gen.cleanup.records import Change, Pass, edit_main

if TYPE_CHECKING:
    from tflm_gen.model.graph import GraphOperator
    from tflm_gen.model.tree import TableValue

_SHAPE_OPS = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE", "TRANSPOSE"})
_UNARY = frozenset(
    [
        "RELU",
        "RELU6",
        "RELU_N1_TO_1",
        "LEAKY_RELU",
        "ELU",
        "LOGISTIC",
        "TANH",
        "HARD_SWISH",
        "QUANTIZE",
        "DEQUANTIZE",
        "ABS",
        "NEG",
        "EXP",
        "LOG",
        "SQRT",
        "RSQRT",
        "SQUARE",
        "SIN",
        "COS",
        "FLOOR",
        "CEIL",
        "ROUND",
        "CAST",
    ]
)
_BINARY = frozenset(["ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"])
_MAX_ROUNDS = 200

Rule = Callable[[Draft, "GraphOperator"], bool]


# --- merging --------------------------------------------------------------------------------------


def merge_reshapes(draft: Draft) -> int:
    """Leave out every operator that only changes a shape nobody needs; how many edits it took."""
    n_edits = 0
    for _ in range(_MAX_ROUNDS):
        found = sum(
            rule(draft, operator)
            for rule in (_to_reshape, _skip_earlier, _drop_identity, _flatten_input)
            for operator in list(draft.operators)
            if any(operator is current for current in draft.operators)
        )
        found += drop_unused(draft)
        if not found:
            break
        n_edits += found
    return n_edits


def drop_unused(draft: Draft) -> int:
    """Take out operators of shape whose result nobody reads."""
    unused = [
        operator
        for operator in draft.operators
        if operator.op in _SHAPE_OPS
        and draft.is_internal(operator.outputs[0])
        and not draft.consumers(operator.outputs[0])
    ]
    for operator in unused:
        draft.put(operator)
    return len(unused)


def is_pure_reshape(draft: Draft, operator: GraphOperator | None) -> bool:
    """Same bytes, same meaning, another shape."""
    if operator is None or operator.op not in _SHAPE_OPS or len(operator.outputs) != 1:
        return False
    source, target = operator.inputs[0], operator.outputs[0]
    if draft.tensors[source].n_elements != draft.tensors[target].n_elements:
        return False
    if draft.tensors[source].is_constant or not draft.same_encoding(source, target):
        return False
    return operator.op != "TRANSPOSE" or _keeps_order(draft, operator)


def _keeps_order(draft: Draft, transpose: GraphOperator) -> bool:
    """Only dimensions of 1 change places."""
    order, shape = draft.integers(transpose.inputs[1]), draft.shape(transpose.inputs[0])
    if order is None or len(order) != len(shape):
        return False
    long_axes = [axis for axis in order if shape[axis] != 1]
    return long_axes == sorted(long_axes)


def _to_reshape(draft: Draft, operator: GraphOperator) -> bool:
    """EXPAND_DIMS, SQUEEZE and idle TRANSPOSE become RESHAPE: one kind of operator to link."""
    if operator.op == "RESHAPE" or not is_pure_reshape(draft, operator):
        return False
    draft.put(operator, reshape_to(draft, operator.inputs[0], operator.outputs[0]))
    return True


def _skip_earlier(draft: Draft, operator: GraphOperator) -> bool:
    """A shape that is changed twice is changed once."""
    if operator.op != "RESHAPE" or not is_pure_reshape(draft, operator):
        return False
    earlier = draft.producer(operator.inputs[0])
    if earlier is None or not is_pure_reshape(draft, earlier):
        return False
    draft.put(operator, reshape_to(draft, earlier.inputs[0], operator.outputs[0]))
    return True


def _drop_identity(draft: Draft, operator: GraphOperator) -> bool:
    """A shape that is not changed at all."""
    if not is_pure_reshape(draft, operator):
        return False
    source, target = operator.inputs[0], operator.outputs[0]
    if draft.shape(source) != draft.shape(target):
        return False
    if draft.is_internal(target):
        draft.put(operator)
        draft.rewire(target, source)
        return True
    producer = draft.producer(source)
    if producer is None or target in draft.inputs or not draft.feeds_only(source, operator):
        return False
    outputs = tuple(target if index == source else index for index in producer.outputs)
    draft.put(operator)
    draft.put(producer, replace(producer, outputs=outputs))
    return True


def _flatten_input(draft: Draft, operator: GraphOperator) -> bool:
    """FULLY_CONNECTED reads its input as rows of its own length, whatever the shape says."""
    if operator.op != "FULLY_CONNECTED" or operator.option("keep_num_dims"):
        return False
    earlier = draft.producer(operator.inputs[0])
    if earlier is None or not is_pure_reshape(draft, earlier):
        return False
    weights = draft.shape(operator.inputs[1])
    source = earlier.inputs[0]
    if prod(draft.shape(source)) != prod(draft.shape(operator.outputs[0])[:-1]) * weights[-1]:
        return False
    draft.set_inputs(operator, (source, *operator.inputs[1:]))
    return True


# --- moving ---------------------------------------------------------------------------------------


def extra_dimensions(draft: Draft, tensor: int) -> tuple[int, int] | None:
    """(source, n): the tensor is a RESHAPE of the source, which has n leading ones more."""
    producer = draft.producer(tensor)
    if producer is None or producer.op != "RESHAPE" or not is_pure_reshape(draft, producer):
        return None
    source, shape = draft.shape(producer.inputs[0]), draft.shape(tensor)
    n = len(source) - len(shape)
    return (producer.inputs[0], n) if n > 0 and source == (1,) * n + shape else None


def _move_after(draft: Draft, operator: GraphOperator) -> bool:
    """Let an operator work on the image [1, 1, w, c] itself, and reshape what it gives."""
    if len(operator.outputs) != 1:
        return False
    inputs: tuple[int, ...] | None = None
    n = 0
    if operator.op in (_UNARY | {"PAD", "PADV2", "SOFTMAX"}):
        found = extra_dimensions(draft, operator.inputs[0])
        if found is not None:
            n = found[1]
            inputs = (found[0], *_more_pads(draft, operator, n))
    elif operator.op in _BINARY | {"CONCATENATION"}:
        wide = [extra_dimensions(draft, index) for index in operator.inputs]
        n = max((entry[1] for entry in wide if entry is not None), default=0)
        inputs = _wide_inputs(draft, operator, n) if n else None
    if inputs is None:
        return False
    target = operator.outputs[0]
    output = draft.add_like(target, (1,) * n + draft.shape(target))
    new = replace(operator, inputs=inputs, outputs=(output,), options=_options(operator, n))
    draft.put(operator, new, reshape_to(draft, output, target))
    return True


def _more_pads(draft: Draft, operator: GraphOperator, n: int) -> tuple[int, ...]:
    """The inputs after the first; a table of padding gets rows of zeros for n dimensions."""
    if operator.op not in ("PAD", "PADV2"):
        return operator.inputs[1:]
    table = draft.values(operator.inputs[1])
    if table is None:
        return operator.inputs[1:]
    wider = np.concatenate([np.zeros((n, 2), table.dtype), table])
    dtype = draft.tensors[operator.inputs[1]].dtype
    return (draft.add_constant(wider, dtype), *operator.inputs[2:])


def _wide_inputs(draft: Draft, operator: GraphOperator, n: int) -> tuple[int, ...] | None:
    """The inputs with n leading ones; a small operand that is broadcast may stay as it is."""
    shape = draft.shape(operator.outputs[0])
    if any(index < 0 or len(draft.shape(index)) > len(shape) for index in operator.inputs):
        return None
    inputs = []
    for index in operator.inputs:
        found = extra_dimensions(draft, index)
        if found is not None and found[1] == n:
            inputs.append(found[0])
        elif operator.op != "CONCATENATION" and _is_broadcast(draft, index, shape):
            inputs.append(index)
        else:
            wide = (1,) * (n + len(shape) - len(draft.shape(index))) + draft.shape(index)
            added = draft.add_like(index, wide)
            reshape = reshape_to(draft, index, added)
            draft.put(operator, reshape, operator)
            inputs.append(added)
    return tuple(inputs)


def _is_broadcast(draft: Draft, tensor: int, shape: tuple[int, ...]) -> bool:
    """Constant, or so small that the operator repeats it; leading ones make no difference then."""
    entry = draft.tensors[tensor]
    return entry.is_constant or entry.n_elements < prod(shape)


def _options(operator: GraphOperator, n: int) -> TableValue | None:
    """A dimension that is counted from the front is n further back."""
    if operator.op != "CONCATENATION" or operator.options is None:
        return operator.options
    axis = operator.option("axis")
    return operator.options.with_fields(axis=axis + n if axis >= 0 else axis)


def _pad_after_reshape(draft: Draft, operator: GraphOperator) -> bool:
    """PAD of a short shape that is then made an image: pad the image.

    No operator is saved; but optimised kernels read the padding of four dimensions, and some do
    so from a table that has fewer.
    """
    if operator.op not in ("PAD", "PADV2") or not draft.is_internal(operator.outputs[0]):
        return False
    widen = draft.sole_consumer(operator.outputs[0])
    if widen is None or widen.op != "RESHAPE" or not is_pure_reshape(draft, widen):
        return False
    shape, wide = draft.shape(operator.outputs[0]), draft.shape(widen.outputs[0])
    n = len(wide) - len(shape)
    if n < 1 or wide != (1,) * n + shape or draft.tensors[operator.inputs[0]].is_constant:
        return False
    source = operator.inputs[0]
    image = draft.add_like(source, (1,) * n + draft.shape(source))
    reshape = reshape_to(draft, source, image)
    inputs = (image, *_more_pads(draft, operator, n))
    draft.put(widen)
    draft.put(operator, reshape, replace(operator, inputs=inputs, outputs=widen.outputs))
    return True


# --- passes ---------------------------------------------------------------------------------------


def _merge(draft: Draft) -> Change | None:
    before = len(draft.operators)
    if not merge_reshapes(draft):
        return None
    removed = before - len(draft.operators)
    words = f"{removed} operators that only change a shape left out"
    return Change(detail=words if removed else "operators that only change a shape became RESHAPE")


def _move(draft: Draft, *rules: Rule) -> Change | None:
    """Let operators work on images wherever that leaves fewer operators."""
    trial = Draft(draft.freeze())
    for _ in range(_MAX_ROUNDS):
        moved = sum(
            rule(trial, operator)
            for operator in list(trial.operators)
            for rule in rules
            if any(operator is current for current in trial.operators)
        )
        if not moved:
            break
        merge_reshapes(trial)
    saved = len(draft.operators) - len(trial.operators)
    if saved <= 0:
        return None
    draft.tensors, draft.operators = trial.tensors, trial.operators
    return Change(detail=f"{saved} RESHAPE left out by letting operators work on the image")


def _pad_images(draft: Draft) -> Change | None:
    n_pads = sum(_pad_after_reshape(draft, operator) for operator in list(draft.operators))
    merge_reshapes(draft)
    return Change(detail=f"{n_pads} PAD made four-dimensional") if n_pads else None


MERGE_RESHAPES = Pass(name="merge-reshapes", run=edit_main(_merge))
# Reductions are not moved: over one dimension more they take longer, see passes.reductions.
MOVE_RESHAPES = Pass(name="move-reshapes", run=edit_main(lambda draft: _move(draft, _move_after)))
PAD_IMAGES = Pass(name="pad-images", run=edit_main(_pad_images))
