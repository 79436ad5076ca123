"""Connections to devices, and programs whose serial line is a socket."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen import process
from tflm_gen.runner.stream import ByteStream, SocketStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tflm_gen.runner.clock import DeviceClock

_EXIT_WAIT_S = 2.0
_STDERR_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLink:
    """An open connection to a device.

    Attributes:
        stream: Its serial line.
        title: What it is, for people.
        clock: What its ticks mean.
        explain: What the program behind it says about its end, or None.
    """

    stream: ByteStream
    title: str
    clock: DeviceClock
    explain: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketProgram:
    """A running program that has one end of a socket pair.

    Attributes:
        stream: The other end.
        end: Waits shortly for the program's end; exit code (None: it still runs) and what it
            wrote to standard error.
    """

    stream: ByteStream
    end: Callable[[], tuple[int | None, str]]


@contextlib.contextmanager
def run_with_socket(
    argv_for: Callable[[int], tuple[str, ...]], *, on_standard_streams: bool = False
) -> Iterator[SocketProgram]:
    """Start a program that gets one end of a socket pair; it is stopped on leaving.

    A pair that the program inherits has no name: nothing to race for, nothing to clean up.

    Args:
        argv_for: Makes the command line from the number of the inherited descriptor.
        on_standard_streams: Connect standard input and output instead of passing the number.

    Raises:
        MissingToolError: If the program does not exist.
    """
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as stack:
        stack.callback(ours.close)
        stderr = stack.enter_context(tempfile.TemporaryFile())
        with theirs:
            descriptor = theirs.fileno()
            running = process.spawn(
                argv_for(descriptor),
                stdin=descriptor if on_standard_streams else None,
                stdout=descriptor if on_standard_streams else stderr.fileno(),
                stderr=stderr.fileno(),
                pass_fds=(descriptor,),
            )
        stack.callback(process.end_group, running)

        def end() -> tuple[int | None, str]:
            returncode = process.wait_for_end(running, timeout_s=_EXIT_WAIT_S)
            stderr.seek(0)
            return returncode, stderr.read(_STDERR_LIMIT_BYTES).decode("utf-8", "replace")

        yield SocketProgram(stream=SocketStream(ours), end=end)
