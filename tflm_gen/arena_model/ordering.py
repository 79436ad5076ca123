"""Orders of the operators that need less memory at once; every order computes the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.arena_model.lifetimes import tensor_bytes
from tflm_gen.arena_model.records import ALIGN_BYTES
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec

_BEAM = 64
_MAX_OPERATORS = 400
_ORDER_MATTERS = frozenset(
    ["IF", "WHILE", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"]
)


@dataclass(frozen=True, slots=True)
class _State:
    """Operators done so far, what is live after them, and the most that ever was."""

    done: tuple[int, ...]
    live: frozenset[int]
    live_bytes: int
    peak_bytes: int


class _Graph:
    """What the search asks of a subgraph."""

    def __init__(self, graph: SubgraphSpec, scratch: Mapping[int, int]) -> None:
        self.operators = graph.operators
        self.outputs = frozenset(graph.outputs)
        self.scratch = scratch
        self.size = {
            tensor.index: align_up(tensor_bytes(tensor), ALIGN_BYTES)
            for tensor in graph.tensors
            if not tensor.is_constant and not tensor.is_variable
        }
        self.producer = {index: op.index for op in graph.operators for index in op.outputs}
        self.readers: dict[int, set[int]] = {}
        for op in graph.operators:
            for index in op.inputs:
                self.readers.setdefault(index, set()).add(op.index)
        self.start = frozenset(graph.inputs) & frozenset(self.size)

    def ready(self, done: frozenset[int]) -> Iterator[OperatorSpec]:
        """Operators whose inputs have been computed."""
        for op in self.operators:
            if op.index in done:
                continue
            needed = {self.producer[index] for index in op.inputs if index in self.producer}
            if needed <= done:
                yield op

    def bytes_of(self, tensors: frozenset[int]) -> int:
        """Memory of tensors."""
        return sum(self.size[index] for index in tensors)

    def after(self, state: _State, op: OperatorSpec) -> _State:
        """Run one more operator."""
        done = (*state.done, op.index)
        finished = frozenset(done)
        during = state.live | frozenset(index for index in op.outputs if index in self.size)
        during_bytes = self.bytes_of(during) + self.scratch.get(op.index, 0)
        live = frozenset(
            index
            for index in during
            if index in self.outputs or not self.readers.get(index, set()) <= finished
        )
        return _State(done, live, self.bytes_of(live), max(state.peak_bytes, during_bytes))


def find_low_order(model: Model, scratch: Mapping[int, int]) -> tuple[int, ...] | None:
    """An order of the operators with a lower peak, or None if none was found.

    A beam search: of all orders that differ only in how they got somewhere, the ones with the
    lowest peak so far go on.

    Args:
        model: A model of one subgraph without control flow; others keep their order.
        scratch: Scratch memory by operator.
    """
    graph = model.main
    is_free = all(op.op not in _ORDER_MATTERS for op in graph.operators)
    has_state = any(tensor.is_variable for tensor in graph.tensors)
    n_operators = len(graph.operators)
    if len(model.subgraphs) > 1 or not is_free or has_state or n_operators > _MAX_OPERATORS:
        return None
    search = _Graph(graph, scratch)
    start = _State((), search.start, search.bytes_of(search.start), 0)
    stored = start
    for op in graph.operators:
        stored = search.after(stored, op)
    states = [start]
    for _ in range(n_operators):
        by_set: dict[frozenset[int], _State] = {}
        for state in states:
            for op in search.ready(frozenset(state.done)):
                following = search.after(state, op)
                key = frozenset(following.done)
                known = by_set.get(key)
                if known is None or following.peak_bytes < known.peak_bytes:
                    by_set[key] = following
        ranked = sorted(by_set.values(), key=lambda state: (state.peak_bytes, state.live_bytes))
        states = ranked[:_BEAM]
    best = states[0]
    return best.done if best.peak_bytes < stored.peak_bytes else None
