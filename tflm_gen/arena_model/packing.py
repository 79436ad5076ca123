"""Memory plans made ahead of time: lower than TFLM's own greedy plan where that leaves gaps.

TFLM takes tensors' offsets from the model and places scratch memory round them, so a plan counts
with what the greedy planner makes of it. The highest sum of bytes that live at one step is a lower
bound: a plan that reaches it is optimal.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tflm_gen.arena_model.greedy import ONLINE, Request, plan_bytes, plan_greedily

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROUNDS = 400
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """A memory plan.

    Attributes:
        offsets: Offset of every buffer; of scratch memory, where TFLM will place it.
        n_bytes: Its height.
        bound_bytes: No plan can be lower.
    """

    offsets: tuple[int, ...]
    n_bytes: int
    bound_bytes: int

    @property
    def is_optimal(self) -> bool:
        """The bound is reached."""
        return self.n_bytes == self.bound_bytes


def live_bound(requests: Sequence[Request]) -> int:
    """Highest sum of sizes that live at one step."""
    steps = {request.first for request in requests}
    return max(
        (sum(r.size for r in requests if r.first <= step <= r.last) for step in steps), default=0
    )


def pack_buffers(requests: Sequence[Request], is_fixable: Sequence[bool]) -> Packing:
    """Find a low plan.

    Args:
        requests: The buffers, all of them free.
        is_fixable: Whether a buffer's offset can be given ahead of time; scratch memory's cannot.
    """
    bound = live_bound(requests)
    best = _packing(requests, plan_greedily(requests), bound)
    for order in _orders(requests):
        if best.is_optimal:
            return best
        offsets = _as_tflm_will_place(requests, _place_in_order(requests, order), is_fixable)
        height = plan_bytes(requests, offsets)
        if height < best.n_bytes:
            best = Packing(offsets=offsets, n_bytes=height, bound_bytes=bound)
    return best


def _packing(requests: Sequence[Request], offsets: tuple[int, ...], bound: int) -> Packing:
    return Packing(offsets=offsets, n_bytes=plan_bytes(requests, offsets), bound_bytes=bound)


def _as_tflm_will_place(
    requests: Sequence[Request], offsets: Sequence[int], is_fixable: Sequence[bool]
) -> tuple[int, ...]:
    """The plan when only the offsets that can be fixed are."""
    fixed = [
        replace(request, offset=at if can else ONLINE)
        for request, at, can in zip(requests, offsets, is_fixable, strict=True)
    ]
    return plan_greedily(fixed)


def _place_in_order(requests: Sequence[Request], order: Sequence[int]) -> list[int]:
    """Every buffer into the lowest gap, in the given order."""
    offsets = [0] * len(requests)
    placed: list[int] = []
    for index in order:
        request = requests[index]
        at = 0
        for other in sorted(placed, key=lambda i: offsets[i]):
            if not requests[other].overlaps(request):
                continue
            if offsets[other] - at >= request.size:
                break
            at = max(at, offsets[other] + requests[other].size)
        offsets[index] = at
        placed.append(index)
    return offsets


def _orders(requests: Sequence[Request]) -> Iterator[list[int]]:
    """Orders worth trying: by size, by lifetime, by load, then neighbours of the best of them."""
    indices = list(range(len(requests)))
    loads = {
        step: sum(r.size for r in requests if r.first <= step <= r.last)
        for step in {r.first for r in requests}
    }

    def load(index: int) -> int:
        r = requests[index]
        return max((value for step, value in loads.items() if r.first <= step <= r.last), default=0)

    def length(index: int) -> int:
        return requests[index].last - requests[index].first + 1

    def size(index: int) -> int:
        return requests[index].size

    seeds = [
        sorted(indices, key=lambda i: (-size(i), i)),
        sorted(indices, key=lambda i: (-load(i), -size(i))),
        sorted(indices, key=lambda i: (-load(i), -length(i), -size(i))),
        sorted(indices, key=lambda i: (-length(i), -size(i))),
        sorted(indices, key=lambda i: -size(i) * length(i)),
        sorted(indices, key=lambda i: (requests[i].first, -size(i))),
        sorted(indices, key=lambda i: (-requests[i].last, -size(i))),
    ]
    yield from seeds
    rng = random.Random(_SEED)
    for number in range(_ROUNDS if len(indices) > 1 else 0):
        order = list(seeds[number % len(seeds)])
        for _ in range(1 + number % 4):
            first, second = rng.sample(range(len(order)), 2)
            order.insert(first, order.pop(second))
        yield order
