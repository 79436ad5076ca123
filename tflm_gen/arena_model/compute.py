"""The smallest arena of a model on a runtime: its allocator's calls, repeated from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.arena_model.greedy import Request, plan_greedily
from tflm_gen.arena_model.ledger import Ledger
from tflm_gen.arena_model.lifetimes import find_lifetimes, tensor_bytes
from tflm_gen.arena_model.offline import offline_offsets
from tflm_gen.arena_model.operands import operand_names, tensor_of, variable_names
from tflm_gen.arena_model.records import (
    ALIGN_BYTES,
    ArenaBreakdown,
    ArenaEstimate,
    PlacedBuffer,
    ScratchRequest,
)
from tflm_gen.errors import UnsupportedModelError
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.arena_model.lifetimes import Lifetimes
    from tflm_gen.arena_model.tables import Kernel, RuntimeTable, Step
    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec, TensorSpec


def estimate_arena(model: Model, table: RuntimeTable) -> ArenaEstimate:
    """Compute the smallest working arena.

    Args:
        model: The model.
        table: Facts of the runtime.

    Raises:
        UnsupportedModelError: If the table lacks an operator of the model.
    """
    _refuse_unknown(model, table)
    run = _Run(model, table)
    run.construct()
    run.describe()
    run.init()
    run.prepare()
    lifetimes = run.plan()
    placed = _place(lifetimes)
    head = max((item.end for item in placed), default=0)
    run.commit(head)
    run.describe_inputs_and_outputs()
    ledger = run.ledger
    needs = ledger.as_needs()
    total = max(need.n_bytes for need in needs)
    return _estimate(table.id, ledger, lifetimes, placed, total)


def _refuse_unknown(model: Model, table: RuntimeTable) -> None:
    missing = sorted({op.op for _, op in _operators(model) if op.op not in table.kernels})
    if missing:
        raise UnsupportedModelError(
            f"the arena model of {table.id} has no sizes for {', '.join(missing)}",
            hint="Build for a board that runs here, and the arena is searched: tflm-gen boards list",
        )


def _operators(model: Model) -> Iterator[tuple[SubgraphSpec, OperatorSpec]]:
    for graph in model.subgraphs:
        for op in graph.operators:
            yield graph, op


class _Run:
    """One start of the interpreter."""

    def __init__(self, model: Model, table: RuntimeTable) -> None:
        self.model = model
        self.table = table
        self.sizes = table.structures
        self.ledger = Ledger()
        self.requests: list[ScratchRequest] = []

    def construct(self) -> None:
        """The allocator and its planner."""
        for size, align in self.sizes.create:
            self.ledger.persistent(size, align, "allocator")
        count = len(variable_names(self.model))
        if self.sizes.resource_variables is not None and count > 0:
            header, each = self.sizes.resource_variables
            self.ledger.persistent(header, ALIGN_BYTES, "variables")
            self.ledger.persistent(each * count, ALIGN_BYTES, "variables")

    def describe(self) -> None:
        """Tables of tensors and operators, and parsed options."""
        ledger, sizes = self.ledger, self.sizes
        ledger.enter("describe")
        ledger.persistent(*sizes.parameter_allocator, "allocator")
        ledger.resize_head(sizes.scratch_slots * sizes.scratch_request[0])
        graphs = self.model.subgraphs
        size, align = sizes.subgraph
        ledger.persistent(size * len(graphs), align, "allocator")
        for part, (size, align), counts in (
            ("tensor table", sizes.eval_tensor, [len(graph.tensors) for graph in graphs]),
            ("operator table", sizes.node, [len(graph.operators) for graph in graphs]),
        ):
            for count in counts:
                ledger.persistent(size * count, align, part)
        for _, op in _operators(self.model):
            parameters = self.table.kernels[op.op].parameters
            if parameters is not None and op.builtin_code != _CUSTOM_CODE:
                ledger.persistent(*parameters, "operator options")

    def init(self) -> None:
        """Permanent data of every kernel."""
        self.ledger.enter("init")
        for _, op in _operators(self.model):
            size = self.table.kernels[op.op].init
            if size is not None:
                self.ledger.persistent(size, ALIGN_BYTES, "operator data")

    def prepare(self) -> None:
        """Every kernel's preparation, with its temporary tensors."""
        slot = self.sizes.scratch_request[0]
        for graph, op in _operators(self.model):
            self.ledger.enter("prepare", f"{op.index} {op.op}")
            names = operand_names(self.model, graph, op, self.table.simd)
            for step in _active(self.table.kernels[op.op], names):
                self._take(step, graph, op, names)
            self.ledger.release()
            self.ledger.resize_head(slot * (len(self.requests) + self.sizes.scratch_slots))

    def _take(
        self, step: Step, graph: SubgraphSpec, op: OperatorSpec, names: dict[str, object]
    ) -> None:
        if step.verb == "tensors":
            for name in step.operands:
                for tensor in _named(graph, op, name):
                    self._describe_tensor(tensor, is_temporary=True)
            return
        size = step.size.integer(names) if step.size else 0
        if step.verb == "persistent":
            self.ledger.persistent(size, ALIGN_BYTES, "operator data")
        elif step.verb == "temp":
            self.ledger.temporary(size, step.align)
        else:
            self.requests.append(
                ScratchRequest(subgraph=graph.index, operator=op.index, op=op.op, n_bytes=size)
            )

    def _describe_tensor(self, tensor: TensorSpec, *, is_temporary: bool) -> None:
        parts = [self.sizes.tensor]
        quantization = tensor.quantization
        if quantization is not None and quantization.scales and quantization.zero_points:
            parts += [self.sizes.affine, (4 * (1 + len(quantization.scales)), 4)]
        for size, align in parts:
            if is_temporary:
                self.ledger.temporary(size, align)
            else:
                self.ledger.persistent(size, align, "inputs and outputs")

    def plan(self) -> Lifetimes:
        """Handles, variables, and the planner's notes and table."""
        ledger, sizes, model = self.ledger, self.sizes, self.model
        ledger.enter("plan notes")
        if self.requests:
            size, align = sizes.scratch_handle
            for _ in model.subgraphs:  # Once for each, though all share one list.
                ledger.persistent(size * len(self.requests), align, "scratch handles")
        offsets = offline_offsets(model)
        lifetimes = find_lifetimes(model, self.requests, offsets)
        size, align = sizes.size_t
        ledger.temporary(size * len(model.subgraphs), align)
        size, align = sizes.allocation_info
        ledger.temporary(size * lifetimes.table_entries, align)
        for tensor in lifetimes.unplanned_variables:
            ledger.persistent(tensor_bytes(tensor), ALIGN_BYTES, "variables")
        ledger.plan(0, sizes.planner_buffer)  # With no room at all it takes its table for endless.
        ledger.enter("plan")
        ledger.plan(len(lifetimes.buffers), sizes.planner_buffer)
        ledger.release()
        return lifetimes

    def commit(self, head_bytes: int) -> None:
        """The head gets the plan's height."""
        self.ledger.enter("commit")
        self.ledger.resize_head(head_bytes)

    def describe_inputs_and_outputs(self) -> None:
        """Full descriptions that the application works with."""
        self.ledger.enter("inputs and outputs")
        graph = self.model.main
        for indices in (graph.inputs, graph.outputs):
            size = self.sizes.pointer * len(indices)
            self.ledger.persistent(size, ALIGN_BYTES, "inputs and outputs")
            for index in indices:
                self._describe_tensor(graph.tensors[index], is_temporary=False)


_CUSTOM_CODE = 32


def _active(kernel: Kernel, names: dict[str, object]) -> Iterator[Step]:
    for step in kernel.prepare:
        if step.when is None or step.when.truth(names):
            yield step


def _named(graph: SubgraphSpec, op: OperatorSpec, name: str) -> Iterator[TensorSpec]:
    """Tensors behind "in0", "out1", "mid2" (an intermediate) or "in*" (all inputs)."""
    sources = {"in": op.inputs, "out": op.outputs, "mid": op.intermediates}
    kind = name.rstrip("0123456789*")
    indices = sources[kind]
    rest = name.removeprefix(kind)
    positions = range(len(indices)) if rest == "*" else (int(rest),)
    for position in positions:
        tensor = tensor_of(graph, indices, position)
        if tensor is not None:
            yield tensor


def _place(lifetimes: Lifetimes) -> tuple[PlacedBuffer, ...]:
    requests = [
        Request(
            size=item.reserved_bytes, first=item.first, last=item.last, offset=item.offline_offset
        )
        for item in lifetimes.buffers
    ]
    return tuple(
        PlacedBuffer(buffer=buffer, offset=offset)
        for buffer, offset in zip(lifetimes.buffers, plan_greedily(requests), strict=True)
    )


def _estimate(
    table_id: str,
    ledger: Ledger,
    lifetimes: Lifetimes,
    placed: tuple[PlacedBuffer, ...],
    total: int,
) -> ArenaEstimate:
    head = max((item.end for item in placed), default=0)
    live = _at_the_top(placed, lifetimes.n_steps)
    activations = sum(item.buffer.n_bytes for item in live if not item.buffer.is_scratch)
    scratch = sum(item.buffer.n_bytes for item in live if item.buffer.is_scratch)
    reserved = sum(item.buffer.reserved_bytes for item in live)
    rounding = align_up(ledger.tail + head, ALIGN_BYTES) - ledger.tail - head
    return ArenaEstimate(
        runtime=table_id,
        n_bytes=total,
        needs=ledger.as_needs(),
        persistent_parts=dict(ledger.parts),
        tail_bytes=ledger.tail,
        head_bytes=head,
        placed=placed,
        step_labels=dict(lifetimes.step_labels),
        n_steps=lifetimes.n_steps,
        breakdown=ArenaBreakdown(
            persistent=ledger.tail - ledger.padding,
            activations=activations,
            scratch=scratch,
            fragmentation=head - reserved,
            temporary=total - ledger.tail - head - rounding,
            padding=ledger.padding + rounding + reserved - activations - scratch,
        ),
    )


def _at_the_top(placed: tuple[PlacedBuffer, ...], n_steps: int) -> list[PlacedBuffer]:
    """What lives at the step with the most live bytes."""

    def live_at(step: int) -> list[PlacedBuffer]:
        return [item for item in placed if item.buffer.first <= step <= item.buffer.last]

    steps = [live_at(step) for step in range(n_steps + 1)]
    return max(steps, key=lambda live: sum(item.buffer.reserved_bytes for item in live))
