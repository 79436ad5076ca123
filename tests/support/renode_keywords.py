"""The keywords of ``renode-test`` that our suites use, over QEMU: no Renode, but real firmware.

Started as ``python renode_keywords.py SUITE RESULT.xml [options of robot]`` it runs a suite as
``renode-test`` does: it lends the keywords and resets after each test. Arguments are bound as
Renode binds them, which is not how Robot Framework does, and an unknown command or keyword fails.
The environment says which machine of QEMU stands in for the board: ``STAND_IN_MACHINE``,
``STAND_IN_ICOUNT_SHIFT``.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

# Renode itself splits an argument there, whatever Robot Framework made of it.
_NAMED = re.compile(r"^([A-Za-z0-9_]+)=(.*)$", re.S)
_COMMANDS = (
    r'mach create "\w+"',
    r"machine LoadPlatformDescription @(?P<platform>\S+)",
    r"sysbus LoadELF @(?P<elf>\S+)",
    r"cpu VectorTableOffset 0x0",
    r"(?P<count>cpu ExecutedInstructions)",
)
_COUNTED = 0x4C4B40


def _bind(given: tuple[str, ...], *names: str) -> dict[str, str]:
    """Arguments by name, or the error that Renode answers with."""
    bound: dict[str, str] = {}
    places = iter(names)
    for argument in given:
        named = _NAMED.match(argument)
        name = named[1] if named else next(places, "")
        if name not in names or name in bound:
            raise AssertionError(f"Arguments types do not match: {argument}")
        bound[name] = named[2] if named else argument
    return bound


def _is_true(text: str | None) -> bool:
    return (text or "false").lower() == "true"


class Match:
    """What a wait returns."""

    def __init__(self, line: str, groups: tuple[str, ...]) -> None:
        self.Line = line
        self.Groups = groups


class Library:
    """The keywords; one object a test."""

    ROBOT_LIBRARY_SCOPE = "TEST"

    def __init__(self) -> None:
        self._elf: Path | None = None
        self._has_platform = False
        self._timeout_s = 8.0
        self._failing: list[str] = []
        self._lines: list[str] = []
        self._rest = b""
        self._line: socket.socket | None = None
        self._qemu: subprocess.Popen[bytes] | None = None

    def execute_command(self, command: str) -> str:
        """A command of the monitor, if it is one that our files may use."""
        for pattern in _COMMANDS:
            match = re.fullmatch(pattern, command)
            if match is None:
                continue
            for kind, text in match.groupdict().items():
                if kind == "count":
                    return f"0x{_COUNTED:016X}"
                if not Path(text).is_file():
                    raise AssertionError(f"There was an error executing command '{command}'")
                if kind == "elf":
                    self._elf = Path(text)
                else:
                    self._has_platform = True
            return ""
        raise AssertionError(f"No such command or device: {command}")

    def create_terminal_tester(self, *given: str) -> int:
        """A tester of the console."""
        bound = _bind(given, "uart", "timeout")
        assert bound["uart"] == "sysbus.uart0"
        assert self._has_platform, "There is no machine in the emulation"
        self._timeout_s = float(bound.get("timeout", "8"))
        return 1

    def start_emulation(self) -> None:
        """Boot the firmware."""
        assert self._elf is not None
        self._line, theirs = socket.socketpair()
        self._qemu = subprocess.Popen(
            [
                *("qemu-system-arm", "-M", os.environ["STAND_IN_MACHINE"], "-display", "none"),
                *("-monitor", "none", "-icount", f"shift={os.environ['STAND_IN_ICOUNT_SHIFT']}"),
                *("-chardev", f"socket,id=wire,fd={theirs.fileno()}", "-serial", "chardev:wire"),
                *("-kernel", str(self._elf)),
            ],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def register_failing_uart_string(self, *given: str) -> None:
        """Text whose line fails the wait that meets it."""
        self._failing.append(_bind(given, "pattern")["pattern"])

    def wait_for_line_on_uart(self, *given: str) -> Match:
        """The first line that matches; it and those before it are taken."""
        bound = _bind(given, "content", "timeout", "treatAsRegex", "pauseEmulation")
        content = bound["content"]
        is_regex = _is_true(bound.get("treatAsRegex"))
        pattern = re.compile(content if is_regex else re.escape(content))
        deadline = time.monotonic() + min(float(bound.get("timeout", self._timeout_s)), 20.0)
        while True:
            for index, line in enumerate(self._lines):
                bad = next((text for text in self._failing if text in line), None)
                assert bad is None, f"Test failing entry has been found on UART: {line}"
                found = pattern.search(line)
                if found:
                    del self._lines[: index + 1]
                    return Match(line, found.groups())
            assert self._read(deadline), f"no line {content}; full report: {self._lines}"

    def _read(self, deadline: float) -> bool:
        assert self._line is not None
        ready, _, _ = select.select([self._line], [], [], max(0.0, deadline - time.monotonic()))
        data = self._line.recv(65536) if ready else b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines += [line.decode("latin-1").replace("\r", "") for line in lines]
        return bool(data)

    def write_line_to_uart(self, *given: str) -> None:
        """Characters and a carriage return: Renode sends no line feed."""
        bound = _bind(given, "content", "waitForEcho")
        assert not _is_true(bound.get("waitForEcho", "true")), "the firmware echoes nothing"
        assert self._line is not None
        self._line.sendall(bound["content"].encode() + b"\r")

    def reset_emulation(self) -> None:
        """What renode-test does after a test."""
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait()
        if self._line is not None:
            self._line.close()


# Robot Framework looks in a file for the class of the file's name.
renode_keywords = Library


def main() -> int:
    """Run a suite, with the keywords and the teardown that renode-test lends it."""
    from robot.api import TestSuite

    path, output, *options = sys.argv[1:]
    given = list(zip(options[::2], options[1::2], strict=True))
    suite = TestSuite.from_file_system(path)
    suite.resource.imports.library(str(Path(__file__).resolve()))
    suite.configure(
        include_tags=[value for name, value in given if name == "--include"] or None,
        exclude_tags=[value for name, value in given if name == "--exclude"] or None,
    )
    for test in suite.tests:
        test.teardown.config(name="Reset Emulation")
    variables = [value for name, value in given if name == "--variable"]
    result = suite.run(variable=variables, output=output, console="none")
    return int(result.return_code)


if __name__ == "__main__":
    sys.exit(main())
