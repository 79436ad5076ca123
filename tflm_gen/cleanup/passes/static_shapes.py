"""Fixed shapes: the batch is 1, stored shapes are made true, shape arithmetic becomes constants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tflm_gen.cleanup.batches import batch_claims, covered_tensors
from tflm_gen.cleanup.records import Change, Pass, edit_main
from tflm_gen.cleanup.shapes import Facts, UnknownShapeError, derive_facts

if TYPE_CHECKING:
    from tflm_gen.cleanup.draft import Draft


def _facts(draft: Draft) -> Facts | None:
    try:
        return derive_facts(draft)
    except UnknownShapeError:
        return None


def _make_static(draft: Draft) -> Change | None:
    """Give every tensor its true shape, and forget that dimensions were open."""
    facts = _facts(draft)
    if facts is None:
        return None
    before = draft.freeze()
    wrong = []
    n_open = 0
    for index, tensor in enumerate(draft.tensors):
        shape = facts.shapes[index]
        if shape != tensor.shape:
            wrong.append(index)
        n_open += tensor.signature is not None and -1 in tensor.signature
        if shape != tensor.shape or tensor.signature is not None:
            draft.tensors[index] = replace(tensor, shape=shape, signature=None)
    if not wrong:
        return Change(detail=f"batch fixed in {n_open} open shapes") if n_open else None
    return Change(
        detail=f"{len(wrong)} wrong stored shapes corrected",
        claims=batch_claims(before, draft, wrong),
        is_settled=covered_tensors(draft) >= set(wrong),
        trap="TFLM believes the stored shapes and computes garbage without an error",
    )


def _fold(draft: Draft) -> Change | None:
    """Replace operators that compute with shapes by what they compute."""
    facts = _facts(draft)
    if facts is None:
        return None
    folded = [
        operator
        for operator in draft.operators
        if len(operator.outputs) == 1
        and operator.outputs[0] in facts.values
        and draft.is_internal(operator.outputs[0])
    ]
    for operator in folded:
        index = operator.outputs[0]
        draft.change_tensor(index, shape=facts.shapes[index], data=facts.values[index].tobytes())
        draft.put(operator)
    if not folded:
        return None
    kinds = ", ".join(sorted({operator.op for operator in folded}))
    return Change(detail=f"{len(folded)} operators of shape arithmetic became constants ({kinds})")


STATIC_SHAPES = Pass(name="static-shapes", run=edit_main(_make_static), is_repair=True)
FOLD_SHAPES = Pass(name="fold-shapes", run=edit_main(_fold), is_repair=True)
