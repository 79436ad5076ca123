"""RELU_N1_TO_1, RELU_0_TO_1 and SELECT, which TFLM lacks: what it has that does the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.cleanup.draft import NUMPY_TYPES, Draft, make_operator
from tflm_gen.cleanup.parts import take_part
from tflm_gen.cleanup.records import Change, Claim, Outputs, Pass, edit_main
from tflm_gen.compiled.fixed_point import float32, quantize_multiplier, rescale, round_away
from tflm_gen.model.tree import TableValue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tflm_gen.model.graph import GraphOperator, GraphTensor
    from tflm_gen.vectors import Vector

    Values = NDArray[np.generic]

_LIMITS = {"RELU_N1_TO_1": (-1.0, 1.0), "RELU_0_TO_1": (0.0, 1.0)}
_INT8 = np.arange(-128, 128)
Limits = tuple[float | None, float | None]


# --- clipping -------------------------------------------------------------------------------------


def _clip(draft: Draft) -> Change | None:
    """RELU_N1_TO_1 and RELU_0_TO_1 become QUANTIZE (if the scale changes), MAXIMUM and MINIMUM."""
    claims: list[Claim] = []
    for operator in [o for o in draft.operators if o.op in _LIMITS]:
        claim = _clip_one(draft, operator)
        if claim is not None:
            claims.append(claim)
    if not claims:
        return None
    detail = f"{len(claims)} clipping operators that TFLM lacks became MAXIMUM and MINIMUM"
    return Change(detail=detail, claims=tuple(claims))


def _clip_one(draft: Draft, operator: GraphOperator) -> Claim | None:
    source, target = operator.inputs[0], operator.outputs[0]
    before, after = draft.tensors[source], draft.tensors[target]
    if before.dtype != after.dtype or before.dtype not in ("int8", "float32"):
        return None
    found = _clipped(_LIMITS[operator.op], before, after)
    if found is None:
        return None
    limits, compute = found
    new = _clipping_operators(draft, operator, limits)
    if not new:
        return None
    draft.put(operator, *new)
    part = take_part(draft.freeze(), new, [source], [target])
    reference = _by_rows(draft, [source], lambda values: compute(values[0]))
    return Claim(what=operator.op, target=target, graph=part, reference=reference)


def _clipped(
    limits: tuple[float, float], before: GraphTensor, after: GraphTensor
) -> tuple[Limits, Callable[[Values], Values]] | None:
    """Limits as numbers of the tensor (None if its type is narrower), and the whole in numpy."""
    if before.dtype == "float32":
        low, high = (np.float32(limit) for limit in limits)
        return limits, lambda values: np.minimum(np.maximum(values, low), high)
    if len(before.scales) != 1 or len(after.scales) != 1:
        return None
    scale, zero = after.scales[0], after.zero_points[0]
    first, last = (zero + round_away(float32(limit / scale)) for limit in limits)
    # QUANTIZE divides the scales as doubles, the clipping kernel as floats: all 256 must agree.
    table, other = (
        np.clip(_requantized(before, after, rounded), max(first, -128), min(last, 127))
        for rounded in (float32, float)
    )
    if not np.array_equal(table, other):
        return None
    as_int8 = table.astype(np.int8)
    bounds = (first if first > -128 else None, last if last < 127 else None)
    return bounds, lambda values: as_int8[values.astype(np.int64) + 128]


def _requantized(
    before: GraphTensor, after: GraphTensor, rounded: Callable[[float], float]
) -> Values:
    """All int8 values at the other scale, not yet limited to int8."""
    by = quantize_multiplier(rounded(before.scales[0] / after.scales[0]))
    return np.array(
        [rescale(int(q) - before.zero_points[0], by) + after.zero_points[0] for q in _INT8]
    )


def _clipping_operators(
    draft: Draft, operator: GraphOperator, limits: Limits
) -> list[GraphOperator]:
    """The operators in a row, from the operator's input to its output."""
    at, target = operator.inputs[0], operator.outputs[0]
    shape = draft.shape(target)
    steps: list[tuple[str, tuple[int, ...], TableValue, int]] = []
    if not draft.same_encoding(at, target):
        steps.append(("QUANTIZE", (), TableValue("QuantizeOptions", {}), 2))
    for op, limit in zip(("MAXIMUM", "MINIMUM"), limits, strict=True):
        if limit is not None:
            constant = draft.add_like(target, (1,))
            kind = np.dtype(NUMPY_TYPES[draft.tensors[target].dtype])
            draft.change_tensor(constant, data=np.array([limit]).astype(kind).tobytes())
            steps.append((op, (constant,), TableValue("MaximumMinimumOptions", {}), 2))
    new = []
    for number, (op, others, options, version) in enumerate(steps):
        output = target if number == len(steps) - 1 else draft.add_like(target, shape)
        new.append(make_operator(op, (at, *others), output, options, version=version))
        at = output
    return new


# --- choosing -------------------------------------------------------------------------------------


def _select(draft: Draft) -> Change | None:
    """SELECT of equal shapes is SELECT_V2."""
    claims = []
    for operator in [o for o in draft.operators if o.op == "SELECT"]:
        target = operator.outputs[0]
        shapes = {draft.shape(index) for index in (*operator.inputs, target)}
        is_same = all(draft.same_encoding(index, target) for index in operator.inputs[1:])
        if len(shapes) != 1 or not is_same or draft.tensors[target].dtype not in NUMPY_TYPES:
            continue
        new = replace(
            operator, op="SELECT_V2", version=1, options=TableValue("SelectV2Options", {})
        )
        draft.put(operator, new)
        sources = [i for i in dict.fromkeys(operator.inputs) if not draft.tensors[i].is_constant]
        claims.append(
            Claim(
                what="SELECT",
                target=target,
                graph=take_part(draft.freeze(), [new], sources, [target]),
                reference=_by_rows(draft, operator.inputs, lambda v: np.where(v[0], v[1], v[2])),
            )
        )
    if not claims:
        return None
    return Change(
        detail=f"{len(claims)} SELECT, which TFLM lacks, became SELECT_V2", claims=tuple(claims)
    )


def _by_rows(
    draft: Draft, inputs: Sequence[int], compute: Callable[[list[Values]], Values]
) -> Callable[[Sequence[Vector]], Outputs]:
    """A reference that is given the operator's inputs as arrays, constants among them."""
    tensors = [draft.tensors[index] for index in inputs]
    sources = [i for i in dict.fromkeys(inputs) if not draft.tensors[i].is_constant]

    def run(vectors: Sequence[Vector]) -> Outputs:
        rows = []
        for vector in vectors:
            given = dict(zip(sources, vector.inputs, strict=True))
            arrays = [
                np.frombuffer(given.get(index, tensor.data), np.dtype(NUMPY_TYPES[tensor.dtype]))
                for index, tensor in zip(inputs, tensors, strict=True)
            ]
            rows.append((np.ascontiguousarray(compute(arrays)).tobytes(),))
        return tuple(rows)

    return run


CLIPPING = Pass(name="clipping", run=edit_main(_clip), is_repair=True)
SELECTIONS = Pass(name="select", run=edit_main(_select), is_repair=True)
