"""Byte streams to a device; every transport looks the same to the session above it."""

from __future__ import annotations

import contextlib
import select
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket


class StreamClosedError(Exception):
    """The other end is gone: the emulator ended, or the cable was pulled."""


class ByteStream(Protocol):
    """A transport. Reads and writes never wait without a limit."""

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Bytes that are there, at most max_bytes; b"" if none came within the time.

        Raises:
            StreamClosedError: If the other end is gone and all its bytes were read.
        """

    def write(self, data: bytes, timeout_s: float) -> None:
        """Send all bytes.

        Raises:
            StreamClosedError: If the other end is gone.
            TimeoutError: If it does not take them within the time.
        """

    def close(self) -> None:
        """Let go of the transport; a second call does nothing."""


class SocketStream:
    """A connected stream socket: QEMU's character device, or a host twin's standard streams."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._socket.setblocking(False)

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """See :class:`ByteStream`."""
        if not select.select([self._socket], [], [], max(0.0, timeout_s))[0]:
            return b""
        try:
            data = self._socket.recv(max_bytes)
        except OSError as error:
            raise StreamClosedError(str(error)) from error
        if not data:
            raise StreamClosedError("end of stream")
        return data

    def write(self, data: bytes, timeout_s: float) -> None:
        """See :class:`ByteStream`."""
        deadline = time.monotonic() + timeout_s
        rest = memoryview(data)
        while rest:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0 or not select.select([], [self._socket], [], remaining_s)[1]:
                raise TimeoutError(f"{len(rest)} of {len(data)} bytes not taken")
            try:
                rest = rest[self._socket.send(rest) :]
            except OSError as error:
                raise StreamClosedError(str(error)) from error

    def close(self) -> None:
        """See :class:`ByteStream`."""
        with contextlib.suppress(OSError):
            self._socket.close()
