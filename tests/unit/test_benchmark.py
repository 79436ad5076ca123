from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.benchmark import BOARD_PLAN, EMULATOR_PLAN, summarize


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300))
def test_order_statistics(counts):
    found = summarize(counts)
    assert found.n == len(counts)
    assert found.minimum <= found.median <= found.p95 <= found.p99 <= found.maximum
    assert found.minimum == min(counts)
    assert found.maximum == max(counts)
    assert found.median == statistics.median(counts)
    assert sum(count <= found.p95 for count in counts) >= 0.95 * len(counts)
    assert sum(count < found.p95 for count in counts) < 0.95 * len(counts)
    assert found.is_single == (len(set(counts)) == 1)


def test_percentiles_of_a_hundred():
    found = summarize(range(1, 101))
    assert (found.median, found.p95, found.p99, found.mean) == (50.5, 95, 99, 50.5)


def test_boards_are_measured_longer_than_emulators():
    assert (EMULATOR_PLAN.warmup, EMULATOR_PLAN.runs) == (2, 10)
    assert (BOARD_PLAN.warmup, BOARD_PLAN.runs) == (100, 1000)
