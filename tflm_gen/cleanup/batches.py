"""Proves corrected batches: what lies between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, batch by batch.

SPACE_TO_BATCH_ND turns one window into several, and every operator up to BATCH_TO_SPACE_ND treats
each of them alone. So the operators between, run once for every window with the batch of 1 that
the file stores, are a reference for the corrected graph. The two moves themselves are done here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.cleanup.draft import NUMPY_TYPES, Draft, reshape_to
from tflm_gen.cleanup.parts import part_model, take_part
from tflm_gen.cleanup.records import Claim, Outputs
from tflm_gen.oracle.client import run_oracle
from tflm_gen.vectors import Vector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tflm_gen.model.graph import Graph, GraphOperator

    Values = NDArray[np.generic]

# Operators that treat every batch alone; others between the two moves are not claimed.
_BATCHWISE = frozenset(
    [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "MAX_POOL_2D",
        "AVERAGE_POOL_2D",
        "RELU",
        "RELU6",
        "LEAKY_RELU",
        "LOGISTIC",
        "TANH",
        "HARD_SWISH",
        "QUANTIZE",
        "DEQUANTIZE",
        "EXPAND_DIMS",
        "RESHAPE",
        "SQUEEZE",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A chain from one move to the other."""

    opener: GraphOperator
    inner: tuple[GraphOperator, ...]
    closer: GraphOperator


def batch_claims(before: Graph, draft: Draft, wrong: Sequence[int]) -> tuple[Claim, ...]:
    """Claims for every region between the two moves whose shapes were corrected.

    Args:
        before: The graph with the stored shapes.
        draft: The same graph with corrected shapes.
        wrong: Tensors whose shapes were corrected.
    """
    claims = []
    for opener in draft.operators:
        region = find_region(draft, opener)
        if region is None or opener.outputs[0] not in wrong:
            continue
        operators = [region.opener, *region.inner, region.closer]
        target = region.closer.outputs[0]
        claims.append(
            Claim(
                what=words(draft, region),
                target=target,
                graph=take_part(draft.freeze(), operators, [opener.inputs[0]], [target]),
                reference=window_reference(before, draft, region),
            )
        )
    return tuple(claims)


def covered_tensors(draft: Draft) -> set[int]:
    """The tensors inside regions; claims about the regions speak for them."""
    found: set[int] = set()
    for opener in draft.operators:
        region = find_region(draft, opener)
        if region is not None:
            found.update(opener.outputs, *(operator.outputs for operator in region.inner))
    return found


def words(draft: Draft, region: Region) -> str:
    """The region in words."""
    kinds = [o.op for o in region.inner if o.op not in ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")]
    return (
        f"{' and '.join(kinds) or 'nothing'} in {draft.shape(region.opener.outputs[0])[0]} batches"
    )


def find_region(draft: Draft, opener: GraphOperator) -> Region | None:
    """The chain of batch-wise operators after a SPACE_TO_BATCH_ND up to BATCH_TO_SPACE_ND."""
    if opener.op != "SPACE_TO_BATCH_ND" or draft.integers(opener.inputs[2]) is None:
        return None
    inner: list[GraphOperator] = []
    tensor = opener.outputs[0]
    while True:
        operator = draft.sole_consumer(tensor)
        if operator is None or operator.inputs[0] != tensor:
            return None
        if operator.op == "BATCH_TO_SPACE_ND":
            is_constant = draft.integers(operator.inputs[2]) is not None
            return (
                Region(opener=opener, inner=tuple(inner), closer=operator) if is_constant else None
            )
        if operator.op not in _BATCHWISE or len(operator.outputs) != 1:
            return None
        inner.append(operator)
        tensor = operator.outputs[0]


def window_reference(
    graph: Graph, draft: Draft, region: Region
) -> Callable[[Sequence[Vector]], Outputs]:
    """Expected values after the region: the moves done here, the rest run window by window.

    Args:
        graph: Where the operators between the moves are taken from.
        draft: The graph with true shapes.
        region: The region.
    """
    start, end = region.opener.outputs[0], region.closer.inputs[0]
    alone = part_model(_with_batch_of_one(take_part(graph, region.inner, [start], [end])))
    open_move = _mover(draft, region.opener, space_to_batch)
    close_move = _mover(draft, region.closer, batch_to_space)

    def reference(vectors: Sequence[Vector]) -> Outputs:
        opened = [open_move(vector.inputs[0]) for vector in vectors]
        windows = [
            Vector(name="window", inputs=(np.ascontiguousarray(window).tobytes(),))
            for batches in opened
            for window in batches
        ]
        found = run_oracle(alone.flatbuffer, windows).outputs if region.inner else ()
        flat = [outputs[0] for outputs in found] or [window.inputs[0] for window in windows]
        n = len(opened[0])
        joined = [b"".join(flat[at : at + n]) for at in range(0, len(flat), n)]
        return tuple((close_move(data).tobytes(),) for data in joined)

    return reference


def move_reference(
    draft: Draft,
    operator: GraphOperator,
    move: Callable[[Values, Sequence[int], Sequence[int], int], Values],
) -> Callable[[Sequence[Vector]], Outputs]:
    """Expected values of one of the two moves alone."""
    mover = _mover(draft, operator, move)
    return lambda vectors: tuple((mover(vector.inputs[0]).tobytes(),) for vector in vectors)


def _with_batch_of_one(graph: Graph) -> Graph:
    """Every run-time tensor with one batch, and shapes of RESHAPE to match."""
    tensors = tuple(
        t if t.is_constant else replace(t, signature=None, shape=(1, *t.shape[1:]))
        for t in graph.tensors
    )
    draft = Draft(replace(graph, tensors=tensors))
    for operator in list(draft.operators):
        if operator.op in ("RESHAPE", "EXPAND_DIMS", "SQUEEZE"):
            draft.put(operator, reshape_to(draft, operator.inputs[0], operator.outputs[0]))
    return draft.freeze()


def _mover(
    draft: Draft,
    operator: GraphOperator,
    move: Callable[[Values, Sequence[int], Sequence[int], int], Values],
) -> Callable[[bytes], Values]:
    tensor = draft.tensors[operator.inputs[0]]
    block = draft.integers(operator.inputs[1]) or ()
    edges = draft.integers(operator.inputs[2]) or ()
    zero = tensor.zero_points[0] if tensor.zero_points else 0
    kind = np.dtype(NUMPY_TYPES[tensor.dtype])

    def run(data: bytes) -> Values:
        return move(np.frombuffer(data, kind).reshape(tensor.shape), block, edges, zero)

    return run


def space_to_batch(values: Values, block: Sequence[int], pads: Sequence[int], zero: int) -> Values:
    """SPACE_TO_BATCH_ND: pad, then deal the spatial positions out to batches."""
    n = len(block)
    edges = [(0, 0), *((pads[2 * i], pads[2 * i + 1]) for i in range(n))]
    edges += [(0, 0)] * (values.ndim - 1 - n)
    padded = np.pad(values, edges, constant_values=zero)
    batch, spatial, rest = padded.shape[0], padded.shape[1 : 1 + n], padded.shape[1 + n :]
    split = [size for s, b in zip(spatial, block, strict=True) for size in (s // b, b)]
    order = [
        *(2 + 2 * i for i in range(n)),
        0,
        *(1 + 2 * i for i in range(n)),
        *range(1 + 2 * n, 1 + 2 * n + len(rest)),
    ]
    dealt = padded.reshape(batch, *split, *rest).transpose(order)
    sizes = [s // b for s, b in zip(spatial, block, strict=True)]
    return np.ascontiguousarray(dealt).reshape(batch * int(np.prod(block)), *sizes, *rest)


def batch_to_space(values: Values, block: Sequence[int], crops: Sequence[int], _: int) -> Values:
    """BATCH_TO_SPACE_ND: the way back, then cut the edges."""
    n = len(block)
    batch = values.shape[0] // int(np.prod(block))
    spatial, rest = values.shape[1 : 1 + n], values.shape[1 + n :]
    order = [n]
    for i in range(n):
        order += [n + 1 + i, i]
    order += range(2 * n + 1, 2 * n + 1 + len(rest))
    joined = values.reshape(*block, batch, *spatial, *rest).transpose(order)
    sizes = [s * b for s, b in zip(spatial, block, strict=True)]
    whole = np.ascontiguousarray(joined).reshape(batch, *sizes, *rest)
    cut = [slice(crops[2 * i], sizes[i] - crops[2 * i + 1]) for i in range(n)]
    return np.ascontiguousarray(whole[(slice(None), *cut)])
