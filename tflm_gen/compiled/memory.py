"""The static memory plan: which values share memory, and where each lies in the arena."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tflm_gen.compiled.ir import Program

ARENA_ALIGNMENT_BYTES = 16
_ITEM_ALIGNMENT_BYTES = 4
_RANDOM_ORDERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One block of memory and when it is needed.

    Attributes:
        key: Who owns it.
        n_bytes: Its size, a multiple of the item alignment.
        first: First step that needs it; -1 for a model input.
        last: Last step that needs it, inclusive.
    """

    key: int
    n_bytes: int
    first: int
    last: int

    def meets(self, other: Item) -> bool:
        """Both are needed at one time."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """Where everything lies.

    Attributes:
        arena_bytes: Size of the arena, a multiple of its alignment.
        lower_bound_bytes: No placement can be smaller: the most bytes live in one step.
        value_offsets: First byte of every value, aliases included.
        scratch_offsets: First byte of every step's scratch memory, by step.
        in_place: Steps whose output took over an input's memory.
    """

    arena_bytes: int
    lower_bound_bytes: int
    value_offsets: Mapping[int, int]
    scratch_offsets: Mapping[int, int]
    in_place: tuple[int, ...]

    @property
    def gap_bytes(self) -> int:
        """How far the plan may be from the best possible one."""
        return self.arena_bytes - self.lower_bound_bytes

    @property
    def words(self) -> str:
        """How good the plan is."""
        if self.gap_bytes == 0:
            return "optimal: no placement needs less"
        return f"{self.gap_bytes} bytes above the lower bound of {self.lower_bound_bytes}"


def _round_up(n_bytes: int, alignment: int) -> int:
    return -(-n_bytes // alignment) * alignment


def lower_bound(items: Iterable[Item]) -> int:
    """The most bytes that are needed at one time."""
    items = tuple(items)
    return max(
        (
            sum(other.n_bytes for other in items if other.first <= item.first <= other.last)
            for item in items
        ),
        default=0,
    )


def place(items: Sequence[Item]) -> dict[int, int]:
    """Puts each item, in the order given, at the lowest free offset."""
    placed: list[tuple[int, Item]] = []
    offsets: dict[int, int] = {}
    for item in items:
        blockers = sorted(
            (offset, offset + other.n_bytes) for offset, other in placed if other.meets(item)
        )
        offset = 0
        for start, end in blockers:
            if start >= offset + item.n_bytes:
                break
            offset = max(offset, end)
        placed.append((offset, item))
        offsets[item.key] = offset
    return offsets


def _height(items: Sequence[Item], offsets: Mapping[int, int]) -> int:
    return max((offsets[item.key] + item.n_bytes for item in items), default=0)


def best_placement(items: Sequence[Item]) -> dict[int, int]:
    """The smallest arena found; ends early at the lower bound, else after a fixed search.

    The search is seeded, so that one model always gets one plan.
    """
    bound = lower_bound(items)
    orders = [
        sorted(items, key=lambda item: (-item.n_bytes, item.first, item.key)),
        sorted(items, key=lambda item: (item.first - item.last, -item.n_bytes, item.key)),
        sorted(items, key=lambda item: (item.first, -item.n_bytes, item.key)),
        sorted(items, key=lambda item: (-item.n_bytes * (item.last - item.first + 1), item.key)),
    ]
    generator = random.Random(0)
    best: dict[int, int] = {}
    best_height = -1
    for attempt in range(len(orders) + _RANDOM_ORDERS):
        if attempt < len(orders):
            order = orders[attempt]
        else:
            order = _shuffled(orders[attempt % len(orders)], generator)
        offsets = place(order)
        height = _height(items, offsets)
        if best_height < 0 or height < best_height:
            best, best_height = offsets, height
        if best_height == bound:
            break
    return best


def _shuffled(order: Sequence[Item], generator: random.Random) -> list[Item]:
    """The order with a few items moved: near a good plan there are often better ones."""
    items = list(order)
    for _ in range(1 + generator.randrange(3)):
        moved = items.pop(generator.randrange(len(items)))
        items.insert(generator.randrange(len(items) + 1), moved)
    return items


class _Groups:
    """Values that share memory (union-find over value ids)."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.parent: dict[int, int] = {}
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.bytes: dict[int, int] = {}
        n_steps = len(program.steps)
        for value in program.inputs:
            self._need(value, -1)
        for index, step in enumerate(program.steps):
            for value in (*step.inputs, *step.outputs):
                self._need(value, index)
        for value in program.outputs:
            self._need(value, n_steps)

    def _need(self, value_id: int, time: int) -> None:
        root = self.program.root(value_id)
        value = self.program.values[root]
        if value.constant is not None:
            return
        self.bytes[root] = _round_up(max(value.n_bytes, 1), _ITEM_ALIGNMENT_BYTES)
        self.first[root] = min(self.first.get(root, time), time)
        self.last[root] = max(self.last.get(root, time), time)

    def find(self, value_id: int) -> int:
        root = self.program.root(value_id)
        while root in self.parent:
            root = self.parent[root]
        return root

    def join_in_place(self, step_index: int) -> bool:
        """Lets the step's first output take over the memory of an input that ends here."""
        step = self.program.steps[step_index]
        out = self.find(step.outputs[0])
        for value in step.in_place:
            source = self.find(value)
            fits = source in self.bytes and self.bytes[out] <= self.bytes[source]
            if fits and self.last[source] == step_index and self.first[out] == step_index:
                self.parent[out] = source
                self.last[source] = self.last[out]
                return True
        return False


def plan_memory(program: Program) -> MemoryPlan:
    """Shares memory where a kernel allows it, then places everything."""
    groups = _Groups(program)
    in_place = tuple(
        index
        for index, step in enumerate(program.steps)
        if step.in_place and groups.join_in_place(index)
    )
    items = [
        Item(key=root, n_bytes=groups.bytes[root], first=groups.first[root], last=groups.last[root])
        for root in sorted(groups.bytes)
        if root not in groups.parent
    ]
    # Scratch memory gets keys below every value id.
    scratch = {
        index: Item(
            key=-1 - index,
            n_bytes=_round_up(step.scratch_bytes, _ITEM_ALIGNMENT_BYTES),
            first=index,
            last=index,
        )
        for index, step in enumerate(program.steps)
        if step.scratch_bytes > 0
    }
    items += scratch.values()
    offsets = best_placement(items)
    return MemoryPlan(
        arena_bytes=_round_up(max(_height(items, offsets), 1), ARENA_ALIGNMENT_BYTES),
        lower_bound_bytes=_round_up(max(lower_bound(items), 1), ARENA_ALIGNMENT_BYTES),
        value_offsets={
            value_id: offsets[groups.find(value_id)]
            for value_id in program.values
            if groups.find(value_id) in offsets
        },
        scratch_offsets={index: offsets[item.key] for index, item in scratch.items()},
        in_place=in_place,
    )
