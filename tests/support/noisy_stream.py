"""A byte stream that damages what passes through it, repeatably."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.runner.stream import ByteStream

GARBAGE = b"\xff\x00\xfe noise"


class NoisyStream:
    """While it is started, every second command meets a fault: in it, or in its answer.

    Newlines are spared on the way to the device: a command whose end is lost is only noticed by
    its time limit.
    """

    def __init__(self, inner: ByteStream) -> None:
        self._inner = inner
        self._is_on = False
        self._plan = itertools.cycle(["flip", "", "tear", "", "garble", ""])
        self._fault = ""
        self._held = b""
        self.damaged: list[str] = []

    def start(self) -> None:
        self._is_on = True

    def stop(self) -> None:
        self._is_on = False
        self._fault = ""

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        # Whole lines only: a fault shall meet the record it is meant for.
        data, newline, self._held = (
            self._held + self._inner.read(max_bytes, timeout_s)
        ).rpartition(b"\n")
        data += newline
        if b" DONE " not in data or self._fault not in ("tear", "garble"):
            return data
        done = data.rindex(b"$", 0, data.index(b" DONE "))
        fault, self._fault = self._fault, ""
        self.damaged.append(fault)
        if fault == "tear":
            return data[:done] + b"$9 TORN *" + GARBAGE + b"\n" + data[done:]
        return data[:done] + data[done:].replace(b"DONE", b"DUNE")

    def write(self, data: bytes, timeout_s: float) -> None:
        if self._is_on:
            self._fault = next(self._plan)
        if self._fault == "flip":
            self.damaged.append("flip")
            flipped = bytearray(data)
            flipped[len(data) // 2] ^= 1
            data = GARBAGE + bytes(flipped)
        self._inner.write(data, timeout_s)

    def close(self) -> None:
        self._inner.close()
