"""From which step to which step every tensor and scratch buffer holds something.

TFLM walks the graph in execution order and counts steps, subgraphs of control flow included;
the walk is repeated here in the same order, because the count decides what may share memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tflm_gen.arena_model.records import PlannedBuffer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tflm_gen.arena_model.records import ScratchRequest
    from tflm_gen.model.records import Model, OperatorSpec, TensorSpec

NEVER = -1

_BRANCHES = {
    "IF": ("then_subgraph_index", "else_subgraph_index"),
    "CALL_ONCE": ("init_subgraph_index",),
    "WHILE": ("cond_subgraph_index", "body_subgraph_index"),
}


@dataclass(slots=True)
class _Span:
    first: int = NEVER
    last: int = NEVER

    def create(self, step: int) -> None:
        self.first = self.last = step

    def use(self, step: int) -> None:
        self.last = step


@dataclass(slots=True)
class _Walk:
    """State of the walk over all subgraphs."""

    model: Model
    tensors: list[list[_Span]]
    scratch: list[_Span]
    requests: Sequence[ScratchRequest]
    step: int = 0
    labels: dict[int, str] = field(default_factory=dict)

    def visit(self, subgraph_index: int) -> None:
        """One invocation of a subgraph."""
        graph = self.model.subgraphs[subgraph_index]
        spans = self.tensors[subgraph_index]
        for index in (*graph.inputs, *graph.outputs):
            spans[index].create(self.step)
        for op in graph.operators:
            self._visit_operator(op, subgraph_index, spans)
        for index in graph.outputs:
            spans[index].use(self.step)

    def _visit_operator(self, op: OperatorSpec, subgraph_index: int, spans: list[_Span]) -> None:
        self.step += 1
        start = self.step
        self.labels[start] = f"{op.index} {op.op}"
        for index in op.outputs:
            spans[index].create(self.step)
        for name in _BRANCHES.get(op.op, ()):
            target = op.options.get(name)
            if isinstance(target, int):
                self.step += 1
                self.visit(target)
        for index in (*op.inputs, *op.outputs):
            if index >= 0:
                spans[index].use(self.step)
        for span, request in zip(self.scratch, self.requests, strict=True):
            if (request.subgraph, request.operator) == (subgraph_index, op.index):
                span.create(start)
                span.use(self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """What the planner has to place.

    Attributes:
        buffers: In the order in which TFLM adds them to its planner.
        n_steps: Number of the last step; inputs live from step 0.
        step_labels: "index OPERATOR" by step; a step that only enters a subgraph has none.
        table_entries: Tensors and scratch buffers TFLM makes a table entry for, placed or not.
        unplanned_variables: State tensors that get permanent memory.
    """

    buffers: tuple[PlannedBuffer, ...]
    n_steps: int
    step_labels: Mapping[int, str]
    table_entries: int
    unplanned_variables: tuple[TensorSpec, ...]


def find_lifetimes(
    model: Model, requests: Sequence[ScratchRequest], offsets: Sequence[int] | None = None
) -> Lifetimes:
    """Buffers with their sizes and lifetimes.

    Args:
        model: The model.
        requests: Scratch buffers in the order of the requests.
        offsets: Offline plan: an offset by tensor, all subgraphs in one row.
    """
    walk = _Walk(
        model=model,
        tensors=[[_Span() for _ in graph.tensors] for graph in model.subgraphs],
        scratch=[_Span() for _ in requests],
        requests=requests,
    )
    walk.visit(0)
    buffers: list[PlannedBuffer] = []
    variables: list[TensorSpec] = []
    number = 0
    for graph, spans in zip(model.subgraphs, walk.tensors, strict=True):
        for tensor, span in zip(graph.tensors, spans, strict=True):
            at = offsets[number] if offsets is not None else NEVER
            number += 1
            if tensor.is_variable and at == NEVER:
                variables.append(tensor)
            elif tensor.dtype == "resource":
                continue  # A handle's number lies in its operator's data.
            elif not tensor.is_constant and tensor_bytes(tensor) > 0:
                buffers.append(
                    PlannedBuffer(
                        name=tensor.name,
                        tensor=tensor.index,
                        subgraph=graph.index,
                        n_bytes=tensor_bytes(tensor),
                        first=span.first,
                        last=span.last,
                        offline_offset=at,
                    )
                )
    for request, span in zip(requests, walk.scratch, strict=True):
        buffers.append(
            PlannedBuffer(
                name=f"scratch of {request.operator} {request.op}",
                tensor=None,
                subgraph=request.subgraph,
                n_bytes=request.n_bytes,
                first=span.first,
                last=span.last,
                offline_offset=NEVER,
            )
        )
    return Lifetimes(
        buffers=tuple(buffers),
        n_steps=walk.step,
        step_labels=walk.labels,
        table_entries=number + len(requests),
        unplanned_variables=tuple(variables),
    )


_BYTES = {
    **{"float64": 8, "int64": 8, "uint64": 8, "complex64": 8},
    **{"float32": 4, "int32": 4, "uint32": 4, "resource": 4},
    **{"float16": 2, "int16": 2, "uint16": 2, "bfloat16": 2},
    **{"int8": 1, "uint8": 1, "bool": 1, "int4": 1},
}


def tensor_bytes(tensor: TensorSpec) -> int:
    """Bytes TFLM reserves for a tensor's elements."""
    return tensor.n_elements * _BYTES.get(tensor.dtype, 0)
