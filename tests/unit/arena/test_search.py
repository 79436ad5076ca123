"""Which sizes count as working, on a device that answers from a table."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tflm_gen.arena.search import prove_device_arena
from tflm_gen.errors import ProtocolError
from tflm_gen.runner.records import SELFTEST_DIFFERED, ArenaNeed

if TYPE_CHECKING:
    from collections.abc import Iterator

HIGH = 65536
UNSTEADY = ((3568, "mismatch"), (3728, "ok"))  # Of an int8 network with a row kernel's defect.


@dataclass
class Device:
    """Answers "allocate_failed" below the first of ``steps``, then what the last one reached says."""

    steps: tuple[tuple[int, str], ...]
    status: int = 0
    need: ArenaNeed | None = None
    starts: int = 0
    crashes_below: int = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[Device]:
        self.starts += 1
        yield self

    def connect(self) -> SimpleNamespace:
        arena = SimpleNamespace(used_bytes=3556)
        return SimpleNamespace(status=self.status, need=self.need, arena=arena)

    def probe(self, size: int) -> SimpleNamespace:
        if size < self.crashes_below:
            raise ProtocolError("silence", hint="")
        results = [result for start, result in self.steps if start <= size]
        return SimpleNamespace(result=results[-1] if results else "allocate_failed")


def test_the_smallest_that_runs_with_the_golden_outputs() -> None:
    found = prove_device_arena(Device(steps=((3568, "ok"),)).open, high_bytes=HIGH)
    assert (found.ran_at_bytes, found.failed_at_bytes, found.is_steady) == (3568, 3552, True)


@pytest.mark.parametrize(
    ("floor", "ran_at", "is_steady"),
    [(2000, 3568, False), (3712, 3712, False), (3728, 3728, True), (None, 3728, True)],
)
def test_other_outputs_pass_from_the_floor_on(
    floor: int | None, ran_at: int, is_steady: bool
) -> None:
    """Below it they may come from data that TFLM overwrote."""
    device = Device(steps=UNSTEADY)
    found = prove_device_arena(device.open, high_bytes=HIGH, floor_bytes=floor)
    assert (found.ran_at_bytes, found.failed_at_bytes) == (ran_at, ran_at - 16)
    assert found.is_steady == is_steady


def test_a_device_that_differs_from_the_start_is_measured_all_the_same() -> None:
    device = Device(steps=((1600, "mismatch"),), status=SELFTEST_DIFFERED)
    found = prove_device_arena(device.open, high_bytes=HIGH, floor_bytes=800)
    assert (found.ran_at_bytes, found.failed_at_bytes) == (1600, 1584)


def test_a_crash_is_a_failure_and_the_device_is_started_again() -> None:
    device = Device(steps=((1600, "ok"),), crashes_below=1600)
    found = prove_device_arena(device.open, high_bytes=HIGH, guess_bytes=800)
    assert (found.ran_at_bytes, found.failed_at_bytes) == (1600, 1584)
    assert device.starts > 1


def test_what_the_device_found_at_start_up_is_tried_first() -> None:
    need = ArenaNeed(low_bytes=1600, high_bytes=1600, n_trials=3)
    device = Device(steps=((1600, "ok"),), need=need)
    found = prove_device_arena(device.open, high_bytes=HIGH)
    assert found.trials == ((1600, True), (1584, False))
