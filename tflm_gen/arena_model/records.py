"""What the arena model computes with, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIGN_BYTES = 16
"""Alignment of the arena and of everything the planner places in it."""

Phase = Literal[
    "construct",
    "describe",
    "init",
    "prepare",
    "plan notes",
    "plan",
    "commit",
    "inputs and outputs",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchRequest:
    """Scratch memory an operator asks for.

    Attributes:
        subgraph: Index of the subgraph.
        operator: Index of the operator in it.
        op: The operator's name.
        n_bytes: As requested, not rounded.
    """

    subgraph: int
    operator: int
    op: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBuffer:
    """Something the memory planner places.

    Attributes:
        name: Name of the tensor, or whose scratch memory it is.
        tensor: Index of the tensor in its subgraph; None for scratch memory.
        subgraph: Index of the subgraph.
        n_bytes: Bytes used.
        first: First step at which it holds something; 0 is before the first operator.
        last: Last such step.
        offline_offset: Offset the model's offline plan gives it, or -1.
    """

    name: str
    tensor: int | None
    subgraph: int
    n_bytes: int
    first: int
    last: int
    offline_offset: int = -1

    @property
    def is_scratch(self) -> bool:
        """It is an operator's scratch memory."""
        return self.tensor is None

    @property
    def reserved_bytes(self) -> int:
        """Bytes the planner sets aside."""
        return align_up(self.n_bytes, ALIGN_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedBuffer:
    """A buffer and where it lies in the head of the arena."""

    buffer: PlannedBuffer
    offset: int

    @property
    def end(self) -> int:
        """First byte behind it."""
        return self.offset + self.buffer.reserved_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Arena wanted at one moment of start-up.

    Attributes:
        phase: The moment.
        where: "index OPERATOR" where one is being prepared, else "".
        n_bytes: Arena that makes this moment work.
    """

    phase: Phase
    where: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaBreakdown:
    """What the arena's bytes are for; the parts add up to the arena.

    Attributes:
        persistent: Structures, operator data, quantization arrays, variables.
        activations: Tensors at the step that sets the height of the plan.
        scratch: Scratch memory at that step.
        fragmentation: Unused between them at that step.
        temporary: Beyond plan and persistent data, for a moment of start-up only.
        padding: Lost to alignment and to rounding up to 16.
    """

    persistent: int
    activations: int
    scratch: int
    fragmentation: int
    temporary: int
    padding: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaEstimate:
    """The smallest arena of a model on a runtime, with its reasons.

    Attributes:
        runtime: Name of the table.
        n_bytes: Smallest arena, a multiple of 16.
        needs: The largest need of every phase, and of every operator's preparation.
        persistent_parts: Bytes of the tail by purpose, padding apart.
        tail_bytes: Length of the tail, padding included.
        head_bytes: Height of the memory plan.
        placed: The memory plan.
        step_labels: "index OPERATOR" by step.
        n_steps: Number of the last step.
        breakdown: What the bytes are for.
    """

    runtime: str
    n_bytes: int
    needs: tuple[Need, ...]
    persistent_parts: Mapping[str, int]
    tail_bytes: int
    head_bytes: int
    placed: tuple[PlacedBuffer, ...]
    step_labels: Mapping[int, str]
    n_steps: int
    breakdown: ArenaBreakdown

    @property
    def binding(self) -> Need:
        """The moment that sets the size."""
        return max(self.needs, key=lambda need: need.n_bytes)

    def live_at(self, step: int) -> tuple[PlacedBuffer, ...]:
        """What holds something at a step, lowest first."""
        live = [item for item in self.placed if item.buffer.first <= step <= item.buffer.last]
        return tuple(sorted(live, key=lambda item: item.offset))

    @property
    def peak_step(self) -> int:
        """First step at which the most memory holds something."""
        steps = range(self.n_steps + 1)
        return max(steps, key=lambda step: (self.live_bytes(step), -step))

    def live_bytes(self, step: int) -> int:
        """Bytes set aside for what holds something at a step."""
        return sum(item.buffer.reserved_bytes for item in self.live_at(step))

    @property
    def peak_buffers(self) -> tuple[PlacedBuffer, ...]:
        """What lives at the peak, largest first."""
        live = self.live_at(self.peak_step)
        return tuple(sorted(live, key=lambda item: -item.buffer.reserved_bytes))
