"""TFLM's greedy memory planner, step by step, so that offsets agree with it byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ONLINE = -1
"""Offset of a buffer that the planner places itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A buffer to place.

    Attributes:
        size: Bytes, rounded up to the arena's alignment.
        first: First step at which it holds something.
        last: Last such step.
        offset: Where it has to lie, or ONLINE.
    """

    size: int
    first: int
    last: int
    offset: int = ONLINE

    def overlaps(self, other: Request) -> bool:
        """Both hold something at some step."""
        return self.first <= other.last and other.first <= self.last


def plan_greedily(requests: Sequence[Request]) -> tuple[int, ...]:
    """Offset of every buffer.

    Buffers with a given offset come first, in their order. The others follow by falling size,
    and of equal sizes the one that was added last comes first. Each goes into the lowest gap
    between those already placed that live at the same time.
    """
    fixed = [index for index, request in enumerate(requests) if request.offset != ONLINE]
    free = [index for index, request in enumerate(requests) if request.offset == ONLINE]
    free.sort(key=lambda index: (-requests[index].size, -index))
    offsets = [request.offset for request in requests]
    placed: list[int] = []  # By offset; of equal offsets the earlier one first.
    for index in (*fixed, *free):
        request = requests[index]
        if request.offset == ONLINE:
            offsets[index] = _lowest_gap(request, requests, offsets, placed)
        _insert(index, offsets, placed)
    return tuple(offsets)


def plan_bytes(requests: Sequence[Request], offsets: Sequence[int]) -> int:
    """End of the highest buffer; 0 without buffers."""
    return max(
        (at + request.size for request, at in zip(requests, offsets, strict=True)), default=0
    )


def _lowest_gap(
    request: Request, requests: Sequence[Request], offsets: list[int], placed: list[int]
) -> int:
    candidate = 0
    for index in placed:
        other = requests[index]
        if not other.overlaps(request):
            continue
        if offsets[index] - candidate >= request.size:
            break
        candidate = max(candidate, offsets[index] + other.size)
    return candidate


def _insert(index: int, offsets: list[int], placed: list[int]) -> None:
    """Behind all that lie at or below its offset.

    A new lowest offset goes in front; the planner compares with the first entry only then.
    """
    at = 0
    while at < len(placed) and offsets[placed[at]] <= offsets[index]:
        at += 1
    placed.insert(at, index)
