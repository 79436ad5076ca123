"""Renode's monitor over a socket: commands in, text out, judged by a sentinel.

The monitor has no machine-readable status, and Renode ends with 0 after a script that failed. So
each script ends with an ``echo`` of a line that nothing else prints; only that line is success.
"""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING

from tflm_gen.errors import DeviceTimeoutError, FirmwareError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SENTINEL = "tflm-gen: machine is ready"
_FAILED = re.compile(r"There was an error executing command[^\r\n]*|Could not [^\r\n]*")
_TELNET_OR_COLOUR = re.compile(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]|\x1b\[[0-9;?]*[A-Za-z]", re.S)
_POLL_S = 0.1


def script_text(*, machine: str, platform: Path, elf_path: Path, uart: str, uart_port: int) -> str:
    """The monitor script that makes a machine with its serial line on a socket.

    Args:
        machine: Name for the machine.
        platform: Platform description; an absolute path.
        elf_path: The firmware; an absolute path.
        uart: Renode's name of the console.
        uart_port: Port of this host on which Renode is to serve the console.

    Raises:
        ValueError: If a path cannot be written in the monitor's language.
    """
    for path in (platform, elf_path):
        if not path.is_absolute() or any(c in str(path) for c in '"\n\r'):
            raise ValueError(f"{path} is no path that Renode's monitor takes")
    return "\n".join(
        (
            "using sysbus",
            f'mach create "{machine}"',
            f'machine LoadPlatformDescription @"{platform}"',
            f'sysbus LoadELF @"{elf_path}"',
            # "false": without the bytes of the telnet protocol, which are not the firmware's.
            f'emulation CreateServerSocketTerminal {uart_port} "wire" false',
            f"connector Connect {uart} wire",
            f'echo "{SENTINEL}"',
            "",
        )
    )


class Monitor:
    """A connection to a running Renode's monitor."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._socket.settimeout(_POLL_S)
        self._text = ""
        self._is_closed = False

    def send(self, line: str) -> None:
        """Send one command.

        Raises:
            DeviceTimeoutError: If Renode is gone.
        """
        try:
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise DeviceTimeoutError(
                f"Renode closed its monitor before {line!r}",
                hint="Try again, or use another emulator: --with qemu.",
            ) from error

    def wait_for(self, sentinel: str, *, timeout_s: float) -> None:
        """Read until a line is the sentinel.

        Raises:
            FirmwareError: If the monitor says that a command failed.
            DeviceTimeoutError: If the line does not come.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            lines = [line.strip() for line in self._text.splitlines()]
            if sentinel in lines:
                return
            failed = _FAILED.search(self._text)
            if failed:
                raise FirmwareError(
                    f"Renode refused the machine: {failed[0].strip()}",
                    hint="Run the project's renode/*.resc by hand to see more; "
                    "or use another emulator: --with qemu.",
                )
            if self._is_closed or time.monotonic() > deadline:
                last = next((line for line in reversed(lines) if line), "nothing")
                end = "before it ended" if self._is_closed else f"in {timeout_s:g} s"
                raise DeviceTimeoutError(
                    f"Renode did not set up its machine {end}; it said last: {last}",
                    hint="Try again on an idle machine, or use another emulator: --with qemu.",
                )
            self._read_more()

    def _read_more(self) -> None:
        try:
            data = self._socket.recv(4096)
        except TimeoutError:
            return
        except OSError:
            data = b""
        self._is_closed = not data
        self._text += _TELNET_OR_COLOUR.sub(b"", data).decode("utf-8", "replace")


def connect(
    port: int, *, timeout_s: float, what: str, explain_end: Callable[[], str | None]
) -> socket.socket:
    """Connect to a port of this host that Renode is about to open.

    Args:
        port: The port.
        timeout_s: How long to try.
        what: What the port is for, for messages.
        explain_end: Says how Renode ended, or None while it runs.

    Raises:
        DeviceTimeoutError: If nothing listens there in time, or Renode ended.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=_POLL_S)
        except OSError as error:
            end = explain_end()
            if end is not None or time.monotonic() > deadline:
                raise DeviceTimeoutError(
                    f"Renode did not open its {what}: {end or f'no answer in {timeout_s:g} s'}",
                    hint="Start renode by hand to see what it says; "
                    "or use another emulator: --with qemu.",
                ) from error
            time.sleep(_POLL_S)


def free_port() -> int:
    """A port of this host that nothing uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
