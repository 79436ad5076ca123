from __future__ import annotations

import pytest

from tflm_gen.runner.clock import board_clock, host_clock, icount_clock, mips_clock


@pytest.mark.parametrize("shift", [6, 10])
@pytest.mark.parametrize("n", [0, 1, 10, 428_025, 10**9, 10**15])
def test_instructions_come_back_exactly(n, shift):
    hz = 32_000_000
    ticks = n * (1 << shift) * hz // 10**9
    clock = icount_clock(shift)
    assert clock.convert(ticks, hz) == n
    assert (clock.basis, clock.unit) == ("emulated_instructions", "instructions")


def test_a_rate_need_not_be_a_whole_number_of_nanoseconds():
    clock = mips_clock(64)
    assert clock.convert(16_000_000, 16_000_000) == 64_000_000


def test_a_boards_cycles():
    assert board_clock(64_000_000).convert(123, 64_000_000) == 123
    assert board_clock(64_000_000).convert(10, 16_000_000) == 40
    assert board_clock(None).convert(123, 16_000_000) == 123
    assert board_clock(None).unit == "cycles"


def test_the_host_counts_nanoseconds():
    assert host_clock().convert(3, 1_000_000) == 3000
    assert host_clock().unit == "ns"
