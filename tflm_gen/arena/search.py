"""Proves the smallest arena on a device: as many sizes as possible in one boot.

A size runs if the runtime can be built in it, an inference succeeds, and nothing is written behind
it. Its outputs must also be the golden ones - unless they turn out to depend on the arena's size
where all of that is well: then a kernel reads memory that nothing wrote, no arena makes its outputs
right, and they say nothing about the size. Below the search floor they do: there TFLM may have
overwritten its own data without noticing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from tflm_gen.arena.bisect import ArenaSearch, find_smallest_arena
from tflm_gen.errors import DeviceFaultError, DeviceTimeoutError, FirmwareError, ProtocolError
from tflm_gen.runner.records import SELFTEST_DIFFERED, ArenaNeed
from tflm_gen.runner.session import DeviceSession

OpenDevice = Callable[[], AbstractContextManager[DeviceSession]]

_CRASHES = (DeviceFaultError, DeviceTimeoutError, FirmwareError, ProtocolError)
_RAN = "ok"
_RAN_WITH_OTHER_OUTPUTS = "mismatch"
_CRASHED = "crash"


def prove_device_arena(
    open_device: OpenDevice,
    *,
    high_bytes: int,
    guess_bytes: int | None = None,
    floor_bytes: int | None = None,
) -> ArenaSearch:
    """Find the smallest arena in which the model runs and gives its golden outputs.

    A size at which the device crashes or falls silent counts as failed; the device is started
    again and the search goes on between the same bounds. Where the device's kernels compute
    other outputs than the golden ones from the start, outputs are not looked at.

    Args:
        open_device: Starts the device, whose arena holds high_bytes.
        high_bytes: Where to begin; a multiple of 16.
        guess_bytes: Likely answer; what the device found at start-up if left out.
        floor_bytes: From here on other outputs may pass; from high_bytes on if left out.

    Raises:
        FirmwareError: If the model does not run even there, or start-up fails.
        DeviceFaultError: If the device does not start.
        DeviceTimeoutError: If the device does not start in time.
    """
    with contextlib.ExitStack() as stack:
        floor = high_bytes if floor_bytes is None else min(floor_bytes, high_bytes)
        prober = ArenaProber(open_device, stack, floor_bytes=floor)
        guess = guess_bytes or prober.guess_bytes
        found = find_smallest_arena(prober.runs_at, high_bytes=high_bytes, guess_bytes=guess)
        failed_at = found.failed_at_bytes
        if prober.results.get(failed_at) != _RAN_WITH_OTHER_OUTPUTS or failed_at < floor:
            return found
        prober.are_outputs_compared = False
        found = find_smallest_arena(prober.runs_at, high_bytes=failed_at, guess_bytes=guess)
        return replace(found, is_steady=False)


class ArenaProber:
    """Keeps a device at hand and starts another when it crashed."""

    def __init__(
        self, open_device: OpenDevice, stack: contextlib.ExitStack, *, floor_bytes: int = 0
    ) -> None:
        self._open_device = open_device
        self._floor_bytes = floor_bytes
        self._stack = stack
        self._session: DeviceSession | None = None
        self.guess_bytes: int | None = None
        self.need: ArenaNeed | None = None
        self.are_outputs_compared = True
        self.results: dict[int, str] = {}
        self._start()

    def _start(self) -> DeviceSession:
        session = self._stack.enter_context(self._open_device())
        report = session.connect()
        self.need = report.need
        if report.need is not None:
            self.guess_bytes = report.need.high_bytes
        elif report.arena is not None:
            self.guess_bytes = report.arena.used_bytes
        if report.status == SELFTEST_DIFFERED:
            self.are_outputs_compared = False
        self._session = session
        return session

    def runs_at(self, size_bytes: int) -> bool:
        """Try one size, unless it was tried before."""
        if size_bytes not in self.results:
            self.results[size_bytes] = self._try(size_bytes)
        result = self.results[size_bytes]
        is_other_enough = not self.are_outputs_compared and size_bytes >= self._floor_bytes
        return result == _RAN or (is_other_enough and result == _RAN_WITH_OTHER_OUTPUTS)

    def _try(self, size_bytes: int) -> str:
        session = self._session or self._start()
        try:
            return session.probe(size_bytes).result
        except _CRASHES:
            self._session = None
            self._stack.close()
            return _CRASHED
