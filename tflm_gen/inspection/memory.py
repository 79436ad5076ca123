"""How much RAM the tensors need at least, and which memory tiers that leaves."""

from __future__ import annotations

from itertools import accumulate, chain
from typing import TYPE_CHECKING

from tflm_gen.inspection.hardware_tiers import (
    MEMORY_TIERS,
    HardwareClass,
    MemoryTier,
    runtime_class,
)
from tflm_gen.inspection.records import TierFit
from tflm_gen.model.dtypes import tensor_bytes
from tflm_gen.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.model.records import Model, SubgraphSpec

# Operators whose output can lie where the input is.
_IN_PLACE = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})
_NOT_ON_TFLM = {
    "hybrid": "TFLM has no hybrid kernels (float activations with integer weights)",
    "float16": "TFLM has no kernel that unpacks float16 weights",
}


def tensors_peak_bytes(subgraph: SubgraphSpec) -> int:
    """Largest sum of run-time tensors that must exist at one time.

    Tensors live from the operator that writes them to the last one that reads them; inputs from
    the start, outputs to the end, state always. Reshaped tensors count once.
    """
    n_steps = len(subgraph.operators)
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for root, step in _uses_by_step(subgraph):
        first[root] = min(first.get(root, step), step)
        last[root] = max(last.get(root, step), step)
    change = [0] * (n_steps + 2)
    for root, start in first.items():
        size_bytes = tensor_bytes(subgraph.tensors[root]) or 0
        change[start] += size_bytes
        change[last[root] + 1] -= size_bytes
    return max(accumulate(change))


def _uses_by_step(subgraph: SubgraphSpec) -> Iterator[tuple[int, int]]:
    """Run-time tensors with each step (operator index) at which they must exist."""
    owner = _owners(subgraph)
    end = len(subgraph.operators)
    state = [tensor.index for tensor in subgraph.tensors if tensor.is_variable]
    uses = chain(
        ((index, 0) for index in (*subgraph.inputs, *state)),
        ((i, op.index) for op in subgraph.operators for i in (*op.inputs, *op.outputs)),
        ((index, end) for index in (*subgraph.outputs, *state)),
    )
    for index, step in uses:
        if index >= 0:
            root = owner.get(index, index)
            if not subgraph.tensors[root].is_constant:
                yield root, step


def _owners(subgraph: SubgraphSpec) -> dict[int, int]:
    """Tensor that holds the memory of each reshaped tensor."""
    owner: dict[int, int] = {}
    for operator in subgraph.operators:
        if operator.op in _IN_PLACE:
            source = operator.inputs[0]
            if source >= 0 and not subgraph.tensors[source].is_constant:
                owner[operator.outputs[0]] = owner.get(source, source)
    return owner


def fit_tiers(model: Model, *, precision: str, peak_bytes: int) -> tuple[TierFit, ...]:
    """Judge every memory tier by the RAM that is needed at least."""
    return tuple(_fit(tier, model, precision, peak_bytes) for tier in MEMORY_TIERS)


def _fit(tier: MemoryTier, model: Model, precision: str, peak_bytes: int) -> TierFit:
    runtime = runtime_class(tier.hardware)
    file_bytes = len(model.flatbuffer)
    needed_bytes = peak_bytes + runtime.overhead_bytes[0]
    if runtime.holds_model_in_ram:
        needed_bytes += file_bytes
    verdict, reason = _judge(tier, needed_bytes)
    if tier.hardware == HardwareClass.MICROCONTROLLER and precision in _NOT_ON_TFLM:
        verdict, reason = "no", _NOT_ON_TFLM[precision]
    return TierFit(
        tier=tier, runtime=runtime, needed_bytes=needed_bytes, verdict=verdict, reason=reason
    )


def _judge(tier: MemoryTier, needed_bytes: int) -> tuple[str, str]:
    needed = format_bytes(needed_bytes)
    if tier.max_bytes is None or needed_bytes <= tier.max_bytes // 2:
        return "fits", f"at least {needed} of RAM"
    limit = format_bytes(tier.max_bytes)
    if needed_bytes > tier.max_bytes:
        return "no", f"at least {needed} of RAM, and the tier ends at {limit}"
    return "tight", f"at least {needed} of up to {limit} of RAM"
