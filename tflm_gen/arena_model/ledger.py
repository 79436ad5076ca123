"""TFLM's arena allocator in bytes: a tail that grows down, a head and temporaries that grow up."""

from __future__ import annotations

from dataclasses import dataclass, field

from tflm_gen.arena_model.records import ALIGN_BYTES, Need, Phase
from tflm_gen.units import align_up


@dataclass(slots=True)
class Ledger:
    """Follows the allocator's calls and notes how much arena each of them wants.

    The arena begins and ends at multiples of 16, so a distance from its end is as aligned as the
    address. Sizes are therefore counted from both ends, and the smallest arena is the largest
    sum of both at any moment.
    """

    tail: int = 0
    head: int = 0
    temp: int = 0
    padding: int = 0
    phase: Phase = "construct"
    where: str = ""
    parts: dict[str, int] = field(default_factory=dict)
    needs: dict[tuple[Phase, str], int] = field(default_factory=dict)
    trace: list[tuple[str, int, int]] = field(default_factory=list)

    def enter(self, phase: Phase, where: str = "") -> None:
        """What follows belongs to this moment."""
        self.phase, self.where = phase, where

    def persistent(self, size: int, align: int, part: str) -> None:
        """Permanent memory, from the end downwards."""
        self.trace.append(("P", size, align))
        end = align_up(self.tail + size, align)
        self.padding += end - self.tail - size
        self.tail = end
        self.parts[part] = self.parts.get(part, 0) + size
        self._note(self.tail + max(self.head, self.temp))

    def temporary(self, size: int, align: int) -> None:
        """Memory until the next release."""
        self.trace.append(("T", size, align))
        self.temp = align_up(self.temp, align) + size
        self._note(self.tail + self.temp)

    def release(self) -> None:
        """All temporary memory is given back."""
        self.temp = self.head

    def resize_head(self, size: int) -> None:
        """The head gets this height."""
        self.trace.append(("R", size, 0))
        self.head = self.temp = size
        self._note(self.tail + size)

    def plan(self, n_buffers: int, buffer_bytes: int) -> None:
        """The planner's table gets all that is left and must hold so many buffers."""
        start = align_up(self.temp, ALIGN_BYTES)
        self._note(align_up(self.tail, ALIGN_BYTES) + start + n_buffers * buffer_bytes)

    def as_needs(self) -> tuple[Need, ...]:
        """All notes, in order."""
        return tuple(
            Need(phase=phase, where=where, n_bytes=align_up(size, ALIGN_BYTES))
            for (phase, where), size in self.needs.items()
        )

    def _note(self, wanted: int) -> None:
        key = (self.phase, self.where)
        self.needs[key] = max(self.needs.get(key, 0), wanted)
