from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.arena_model.greedy import Request, plan_bytes, plan_greedily
from tflm_gen.arena_model.packing import live_bound, pack_buffers


@st.composite
def buffers(draw: st.DrawFn) -> list[Request]:
    requests = []
    for _ in range(draw(st.integers(1, 14))):
        first = draw(st.integers(0, 9))
        last = draw(st.integers(first, 10))
        requests.append(Request(size=16 * draw(st.integers(1, 40)), first=first, last=last))
    return requests


def assert_disjoint(requests: list[Request], offsets: tuple[int, ...]) -> None:
    for (a, at_a), (b, at_b) in combinations(zip(requests, offsets, strict=True), 2):
        if a.overlaps(b):
            assert at_a + a.size <= at_b or at_b + b.size <= at_a


@given(buffers())
def test_buffers_that_live_together_do_not_share_bytes(requests: list[Request]) -> None:
    offsets = plan_greedily(requests)
    assert min(offsets) == 0
    assert_disjoint(requests, offsets)
    assert plan_bytes(requests, offsets) >= live_bound(requests)


@given(buffers())
def test_a_packing_is_never_higher_than_the_greedy_plan(requests: list[Request]) -> None:
    packing = pack_buffers(requests, [True] * len(requests))
    assert_disjoint(requests, packing.offsets)
    assert packing.bound_bytes <= packing.n_bytes
    assert packing.n_bytes <= plan_bytes(requests, plan_greedily(requests))


@given(buffers(), st.data())
def test_tflm_places_the_rest_round_what_a_packing_fixes(
    requests: list[Request], data: st.DataObject
) -> None:
    fixable = data.draw(
        st.lists(st.booleans(), min_size=len(requests), max_size=len(requests)), "fixable"
    )
    packing = pack_buffers(requests, fixable)
    fixed = [
        replace(request, offset=at) if can else request
        for request, at, can in zip(requests, packing.offsets, fixable, strict=True)
    ]
    if packing.n_bytes < plan_bytes(requests, plan_greedily(requests)):
        assert plan_greedily(fixed) == packing.offsets


def test_of_equal_sizes_the_last_comes_first() -> None:
    """As TFLM's planner fills its list from the tail."""
    requests = [Request(size=32, first=0, last=1), Request(size=32, first=0, last=1)]
    assert plan_greedily(requests) == (32, 0)


def test_the_greedy_plan_can_be_beaten() -> None:
    """A residual block: the shortcut lies in the way of the larger tensors."""
    requests = [
        Request(size=64, first=0, last=1),
        Request(size=96, first=1, last=2),
        Request(size=96, first=2, last=3),
        Request(size=64, first=1, last=4),
        Request(size=112, first=3, last=4),
    ]
    packing = pack_buffers(requests, [True] * 5)
    assert packing.n_bytes <= plan_bytes(requests, plan_greedily(requests))
    assert packing.is_optimal
    assert packing.bound_bytes == 272
