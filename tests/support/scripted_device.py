"""The far end of a serial line that speaks the real protocol, but says what a test wants."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from tflm_gen.runner.clock import icount_clock
from tflm_gen.runner.session import DeviceSession, Limits
from tflm_gen.runner.stream import SocketStream
from tflm_gen.wire import Record, decode_line, encode_line, load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tflm_gen.wire import Value

SCHEMA = load_schema()
CLOCK = icount_clock(6)

BANNER: dict[str, Value] = {
    "wire": SCHEMA.version,
    "firmware": "0.1",
    "board": "corstone300",
    "engine": "tflm",
    "kernels": "reference",
    "runtime": "r",
    "model": "m",
    "model_bytes": 1,
    "model_crc": 2,
    "model_sha256": "00",
}


class ScriptedDevice:
    """Answers every command with what ``on_command`` sends."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.sequence = 0
        self.commands: list[Record] = []
        self.on_command: Callable[[ScriptedDevice, Record], None] = answer_ok

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        with contextlib.suppress(OSError):
            self._line.sendall(data)

    def send(self, name: str, /, **fields: Value) -> None:
        """Send one record."""
        line = encode_line(
            SCHEMA.records[name], self.sequence, fields, max_line_chars=SCHEMA.max_line_chars
        )
        self.sequence += 1
        self.raw(line)

    def done(self, command: Record, status: str = "ok") -> None:
        """End the answer to a command."""
        self.send("DONE", command=command.sequence, status=status)

    def start_up(self, status: int = 0) -> None:
        """The least that a device says from BANNER to READY."""
        self.send("BANNER", **BANNER)
        self.send("PHASE", name="allocate")
        self.send("READY", status=status)

    def hang_up(self) -> None:
        """Close the line."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        """Read commands until the line is closed."""
        with contextlib.suppress(OSError), self._line.makefile("rb") as lines:
            for line in lines:
                command = decode_line(line.rstrip(b"\n"), SCHEMA.commands)
                self.commands.append(command)
                self.on_command(self, command)


def answer_ok(device: ScriptedDevice, command: Record) -> None:
    """DONE and nothing else."""
    device.done(command)


@contextlib.contextmanager
def scripted(
    *, timeout_s: float = 5.0, hello_after_s: float | None = None
) -> Iterator[tuple[DeviceSession, ScriptedDevice]]:
    """A session and the device at its other end."""
    ours, theirs = socket.socketpair()
    device = ScriptedDevice(theirs)
    thread = threading.Thread(target=device.serve, daemon=True)
    thread.start()
    limits = Limits(boot_s=timeout_s, command_s=timeout_s, hello_after_s=hello_after_s)
    try:
        yield (
            DeviceSession(SocketStream(ours), source="scripted", clock=CLOCK, limits=limits),
            device,
        )
    finally:
        device.hang_up()
        ours.close()
        thread.join(timeout=10)
        theirs.close()
