"""Plans a model's memory ahead of time: operators in a better order, offsets in the file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tflm_gen.arena.modelled import estimate_for_target
from tflm_gen.arena_model.greedy import Request
from tflm_gen.arena_model.offline import METADATA_NAME, pack_offline_plan
from tflm_gen.arena_model.ordering import find_low_order
from tflm_gen.arena_model.packing import Packing, pack_buffers
from tflm_gen.cleanup.records import Cleaning, Proof, Saving, Step
from tflm_gen.errors import OracleError
from tflm_gen.model.reader import parse_model
from tflm_gen.model.tree import TableValue, read_tree
from tflm_gen.model.writer import pack_tree
from tflm_gen.vectors import make_vectors

if TYPE_CHECKING:
    from tflm_gen.arena.modelled import ArenaTarget
    from tflm_gen.arena_model.records import ArenaEstimate
    from tflm_gen.model.records import Model

STEP_NAME = "plan-memory"
_VECTORS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlanned:
    """A model with less arena.

    Attributes:
        model: The model with the plan in it.
        before: Its arena as TFLM plans it.
        after: Its arena with the plan.
        packing: Height of the plan and its lower bound.
        is_reordered: Operators were moved.
    """

    model: Model
    before: ArenaEstimate
    after: ArenaEstimate
    packing: Packing
    is_reordered: bool

    @property
    def saved_bytes(self) -> int:
        """Arena saved."""
        return self.before.n_bytes - self.after.n_bytes

    @property
    def words(self) -> str:
        """What was done, with numbers."""
        order = "operators reordered, " if self.is_reordered else ""
        gap = self.packing.n_bytes - self.packing.bound_bytes
        quality = "optimal" if gap == 0 else f"at most {gap:,} B above the optimum"
        return (
            f"{order}tensor offsets in the model: arena {self.before.n_bytes:,} -> "
            f"{self.after.n_bytes:,} B, plan {self.before.head_bytes:,} -> "
            f"{self.packing.n_bytes:,} B ({quality})"
        )


def plan_memory_ahead(model: Model, target: ArenaTarget) -> MemoryPlanned | None:
    """The model with a lower memory plan, or None if there is none worth having.

    Nothing is proven here; see :func:`with_memory_plan`.
    """
    before = estimate_for_target(model, target)
    if before is None or METADATA_NAME in model.metadata or len(model.subgraphs) > 1:
        return None
    scratch: dict[int, int] = {}
    for item in before.placed:
        if item.buffer.is_scratch:
            scratch[item.buffer.first - 1] = (
                scratch.get(item.buffer.first - 1, 0) + item.buffer.reserved_bytes
            )
    order = find_low_order(model, scratch)
    variants = [(model, False)]
    if order is not None:
        variants.append((reorder_operators(model, order), True))
    planned = [_plan(variant, target, before, is_moved) for variant, is_moved in variants]
    best = min(
        (item for item in planned if item is not None),
        key=lambda item: (item.after.n_bytes, item.is_reordered),
        default=None,
    )
    return best if best is not None and best.saved_bytes > 0 else None


def _plan(
    model: Model, target: ArenaTarget, before: ArenaEstimate, is_moved: bool
) -> MemoryPlanned | None:
    estimate = estimate_for_target(model, target)
    if estimate is None:
        return None
    buffers = [item.buffer for item in estimate.placed]
    requests = [
        Request(size=item.reserved_bytes, first=item.first, last=item.last) for item in buffers
    ]
    packing = pack_buffers(requests, [not item.is_scratch for item in buffers])
    offsets = [-1] * len(model.main.tensors)
    for item, at in zip(buffers, packing.offsets, strict=True):
        if item.tensor is not None:
            offsets[item.tensor] = at
    planned = model if packing.n_bytes >= estimate.head_bytes else embed_plan(model, offsets)
    after = estimate_for_target(planned, target)
    if after is None:
        return None
    return MemoryPlanned(
        model=planned, before=before, after=after, packing=packing, is_reordered=is_moved
    )


def embed_plan(model: Model, offsets: list[int]) -> Model:
    """The model with the offsets as metadata."""
    root = read_tree(model.flatbuffer)
    buffers = root.tables("buffers")
    data = TableValue("Buffer", {"data": pack_offline_plan(offsets)})
    entry = TableValue("Metadata", {"name": METADATA_NAME.encode(), "buffer": len(buffers)})
    changed = root.with_fields(buffers=(*buffers, data), metadata=(*root.tables("metadata"), entry))
    return parse_model(pack_tree(changed), f"{model.name}.tflite")


def reorder_operators(model: Model, order: tuple[int, ...]) -> Model:
    """The model with its operators in another order."""
    root = read_tree(model.flatbuffer)
    main = root.tables("subgraphs")[0]
    operators = main.tables("operators")
    moved = main.with_fields(operators=tuple(operators[index] for index in order))
    changed = root.with_fields(subgraphs=(moved, *root.tables("subgraphs")[1:]))
    return parse_model(pack_tree(changed), f"{model.name}.tflite")


def with_memory_plan(cleaning: Cleaning, target: ArenaTarget) -> Cleaning:
    """A clean-up followed by a memory plan, if one saves arena and gives the same bytes.

    Raises:
        MissingToolError: Without the oracle nothing can be proven.
        OracleError: If the model gives other bytes with the plan, or the oracle refuses it.
    """
    from tflm_gen.oracle.client import run_oracle

    planned = plan_memory_ahead(cleaning.cleaned, target)
    if planned is None:
        return cleaning
    vectors = make_vectors(planned.model.inputs, count=_VECTORS)
    reference = run_oracle(cleaning.cleaned.flatbuffer, vectors)
    result = run_oracle(planned.model.flatbuffer, vectors)
    if reference.outputs != result.outputs:
        raise OracleError(
            "the model gives other outputs with the memory plan in it",
            hint="Build without --plan-memory, and please report this model.",
        )
    words = f"with and without the memory plan, {_VECTORS} vectors agree byte for byte"
    return replace(
        cleaning,
        cleaned=planned.model,
        steps=(*cleaning.steps, Step(name=STEP_NAME, detail=planned.words)),
        proof=cleaning.proof
        or Proof(
            basis="original on TFLM",
            words=words,
            n_vectors=_VECTORS,
            reference=reference.runtime,
            oracle=result.runtime,
        ),
        saving=cleaning.saving or _saving(cleaning.original, planned),
    )


def _saving(original: Model, planned: MemoryPlanned) -> Saving:
    count = len(original.main.operators)
    return Saving(
        operators=(count, count),
        model_bytes=(len(original.flatbuffer), len(planned.model.flatbuffer)),
        arena_bytes=None,
    )
