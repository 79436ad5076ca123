"""Proves the smallest arena on a device: as many sizes as possible in one boot."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

from tflm_gen.arena.bisect import ArenaSearch, find_smallest_arena
from tflm_gen.errors import DeviceFaultError, DeviceTimeoutError, FirmwareError, ProtocolError
from tflm_gen.runner.session import DeviceSession

OpenDevice = Callable[[], AbstractContextManager[DeviceSession]]

_CRASHES = (DeviceFaultError, DeviceTimeoutError, FirmwareError, ProtocolError)


def prove_device_arena(
    open_device: OpenDevice, *, high_bytes: int, guess_bytes: int | None = None
) -> ArenaSearch:
    """Find the smallest arena in which the model runs and gives its golden outputs.

    A size at which the device crashes or falls silent counts as failed; the device is started
    again and the search goes on between the same bounds.

    Args:
        open_device: Starts the device, whose arena holds high_bytes.
        high_bytes: Where to begin; a multiple of 16.
        guess_bytes: Likely answer; the runtime's own figure if left out.

    Raises:
        FirmwareError: If the model does not run even there, or start-up fails.
        DeviceFaultError: If the device does not start.
        DeviceTimeoutError: If the device does not start in time.
    """
    with contextlib.ExitStack() as stack:
        prober = ArenaProber(open_device, stack)
        guess = guess_bytes or prober.used_bytes
        return find_smallest_arena(prober.runs_at, high_bytes=high_bytes, guess_bytes=guess)


class ArenaProber:
    """Keeps a device at hand and starts another when it crashed."""

    def __init__(self, open_device: OpenDevice, stack: contextlib.ExitStack) -> None:
        self._open_device = open_device
        self._stack = stack
        self._session: DeviceSession | None = None
        self.used_bytes: int | None = None
        self._start()

    def _start(self) -> DeviceSession:
        session = self._stack.enter_context(self._open_device())
        report = session.connect()
        if report.arena is not None:
            self.used_bytes = report.arena.used_bytes
        self._session = session
        return session

    def runs_at(self, size_bytes: int) -> bool:
        """Try one size."""
        session = self._session or self._start()
        try:
            return session.probe(size_bytes).ran
        except _CRASHES:
            self._session = None
            self._stack.close()
            return False
