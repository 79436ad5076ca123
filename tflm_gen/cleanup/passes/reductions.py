"""Reductions in the form that takes TFLM the fewest instructions.

TFLM's loop over any axes works out an offset from every dimension for every element: 104
instructions an element with three dimensions, 131 with four and two axes, 81 with two (int8 and
float32 alike, a Cortex-M55 under QEMU). Only MEAN of float32 over axes 1 and 2 of an image, with
``keep_dims``, has a loop of its own, which takes 6.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.cleanup.draft import Draft, reshape_to
from tflm_gen.cleanup.passes.reshapes import is_pure_reshape, merge_reshapes
from tflm_gen.cleanup.records import Change, Pass, edit_main

if TYPE_CHECKING:
    from tflm_gen.model.graph import GraphOperator

_REDUCTIONS = frozenset({"MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"})
Shape = tuple[int, ...]


def merged_dimensions(shape: Shape, axes: Shape) -> tuple[int, int, int] | None:
    """(outer, n, inner) if the reduction is one of the middle of three dimensions, else None."""
    reduced = {axis % len(shape) for axis in axes}
    groups: list[tuple[bool, int]] = []
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        if groups and groups[-1][0] == (axis in reduced):
            groups[-1] = (groups[-1][0], groups[-1][1] * size)
        else:
            groups.append((axis in reduced, size))
    flags = [flag for flag, _ in groups]
    if flags.count(True) != 1:
        return None
    middle = flags.index(True)
    if middle > 1 or len(groups) > middle + 2:
        return None
    outer = groups[0][1] if middle else 1
    inner = groups[middle + 1][1] if len(groups) > middle + 1 else 1
    return outer, groups[middle][1], inner


def _change(draft: Draft, operator: GraphOperator) -> bool:
    """Rewrite one reduction if another form is known to be cheaper."""
    axes = draft.integers(operator.inputs[1])
    shape, is_plain = draft.shape(operator.inputs[0]), len(operator.outputs) == 1
    if operator.op not in _REDUCTIONS or not axes or not is_plain or operator.options is None:
        return False
    parts = merged_dimensions(shape, axes)
    if parts is None:
        return False
    if operator.op == "MEAN" and draft.tensors[operator.inputs[0]].dtype == "float32":
        return _over_image(draft, operator, parts)
    return _with_few_dimensions(draft, operator, parts)


def _source(draft: Draft, operator: GraphOperator) -> tuple[int, bool]:
    """What the reduction reads, before a RESHAPE if there is one that only it needs."""
    earlier = draft.producer(operator.inputs[0])
    if earlier is None or not is_pure_reshape(draft, earlier):
        return operator.inputs[0], False
    return earlier.inputs[0], True


def _over_image(draft: Draft, operator: GraphOperator, parts: tuple[int, int, int]) -> bool:
    """MEAN of float32 as the loop of its own takes it."""
    outer, n, inner = parts
    source, is_reshaped = _source(draft, operator)
    image = draft.shape(source)
    fits = len(image) == 4 and (image[0], image[1] * image[2], image[3]) == parts
    target = operator.outputs[0]
    axes = draft.integers(operator.inputs[1]) or ()
    is_done = source == operator.inputs[0] and fits and sorted(axes) == [1, 2]
    if (is_done and operator.option("keep_dims")) or not (fits or is_reshaped):
        return False
    new = []
    if not fits:
        view = draft.add_like(source, (outer, 1, n, inner))
        new.append(reshape_to(draft, source, view))
        source = view
    output = target
    if draft.shape(target) != (outer, 1, 1, inner):
        output = draft.add_like(target, (outer, 1, 1, inner))
    new.append(_reduction(draft, operator, (source, output), (1, 2), keep_dims=True))
    if output != target:
        new.append(reshape_to(draft, output, target))
    draft.put(operator, *new)
    return True


def _with_few_dimensions(
    draft: Draft, operator: GraphOperator, parts: tuple[int, int, int]
) -> bool:
    """A RESHAPE before the reduction may as well leave the fewest dimensions."""
    source, is_reshaped = _source(draft, operator)
    shape = tuple(size for size in parts if size > 1) or (1,)
    axis = 1 if parts[0] > 1 else 0
    target = operator.outputs[0]
    if not is_reshaped or len(shape) >= len(draft.shape(operator.inputs[0])):
        return False
    for keep_dims in (True, False):
        found = (*shape[:axis], 1, *shape[axis + 1 :]) if keep_dims else _without(shape, axis)
        if found == draft.shape(target):
            view = draft.add_like(source, shape)
            reduction = _reduction(draft, operator, (view, target), (axis,), keep_dims=keep_dims)
            draft.put(operator, reshape_to(draft, source, view), reduction)
            return True
    return False


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _reduction(
    draft: Draft, operator: GraphOperator, ends: tuple[int, int], axes: Shape, *, keep_dims: bool
) -> GraphOperator:
    options = operator.options
    if options is not None:
        options = options.with_fields(keep_dims=keep_dims)
    inputs = (ends[0], draft.add_constant(np.array(axes, np.int32), "int32"))
    return replace(operator, inputs=inputs, outputs=(ends[1],), options=options)


def _cheapen(draft: Draft) -> Change | None:
    """Every reduction in turn; each is kept only if it leaves no more operators."""
    changed = 0
    for target in [o.outputs[0] for o in draft.operators if o.op in _REDUCTIONS and o.outputs]:
        trial = Draft(draft.freeze())
        operator = trial.producer(target)
        if operator is None or not _change(trial, operator):
            continue
        merge_reshapes(trial)
        if len(trial.operators) <= len(draft.operators):
            draft.tensors, draft.operators = trial.tensors, trial.operators
            changed += 1
    return (
        Change(detail=f"{changed} reductions in the form TFLM is fastest at") if changed else None
    )


FAST_REDUCTIONS = Pass(name="fast-reductions", run=edit_main(_cheapen))
