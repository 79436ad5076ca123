"""What a flash tool is to the rest of the tool, and how one that is a program is judged."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.errors import FlashFailedError, MissingToolError, NoDeviceError
from tflm_gen.process import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.process import CommandLine

PROGRAM_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashRequest:
    """What to write where.

    Attributes:
        project: Folder of the generated project.
        image: The firmware, as Intel HEX.
        target: The board, in the tool's own words; from the board file.
        port: The board's serial port, for tools that write over it; None if not named.
        probe: Serial number of the debug probe, if there are several.
        drive: The bootloader's drive, if there are several.
    """

    project: Path
    image: Path
    target: str
    port: str | None = None
    probe: str | None = None
    drive: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashReport:
    """A successful flash.

    Attributes:
        tool: Which tool did it.
        proof: The line of its output, or the event, that says that the image is in flash.
        command: What was run; empty for tools that are no program.
    """

    tool: str
    proof: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flasher:
    """One way to write firmware into a board.

    Attributes:
        name: As in board files and ``--tool NAME``.
        told_by: What tells it one board from another: "port", "probe" or "drive", a field of the request.
        find: Absolute path of its program, or None if it is not installed.
        install_hint: What to do then.
        flash: Writes, checks, and reports; raises otherwise.
    """

    name: str
    told_by: str
    find: Callable[[], str | None]
    install_hint: str
    flash: Callable[[FlashRequest], FlashReport]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A flash tool that is a program.

    Attributes:
        name: As in :class:`Flasher`.
        told_by: As in :class:`Flasher`.
        executables: Names of the program, the usual one first.
        install_hint: As in :class:`Flasher`.
        command: Program path and request to command line; pure.
        success: Matches the line that proves the write. Exit codes prove nothing: some of these
            tools leave with 0 after a failure.
        failure: Matches a line that disproves it, whatever else was printed; None if none does.
        no_device: Matches what the tool says when nothing is connected.
        looked_for: What it searched for, for that message.
    """

    name: str
    told_by: str
    executables: tuple[str, ...]
    install_hint: str
    command: Callable[[str, FlashRequest], CommandLine]
    success: re.Pattern[str]
    failure: re.Pattern[str] | None
    no_device: re.Pattern[str]
    looked_for: str

    def find(self) -> str | None:
        """The program: on PATH, or beside the Python that runs this tool."""
        beside = str(Path(sys.executable).parent)
        for name in self.executables:
            path = shutil.which(name) or shutil.which(name, path=beside)
            if path is not None:
                return path
        return None

    def flash(self, request: FlashRequest) -> FlashReport:
        """Run the program and judge it.

        Raises:
            MissingToolError: If it is not installed.
            NoDeviceError: If it found no board.
            FlashFailedError: If nothing proves that the image was written.
            ProcessTimeoutError: If it did not end.
        """
        program = self.find()
        if program is None:
            raise MissingToolError(f"{self.name} is not installed", hint=self.install_hint)
        command = self.command(program, request)
        done = run(command)
        proof = self.judge(done.text, returncode=done.returncode)
        return FlashReport(tool=self.name, proof=proof, command=command.argv)

    def judge(self, output: str, *, returncode: int) -> str:
        """The line that proves success.

        Raises:
            NoDeviceError: If the output says that nothing is connected.
            FlashFailedError: If it proves nothing.
        """
        lines = [_plain(line) for line in output.splitlines()]
        missing = next((line for line in lines if self.no_device.search(line)), None)
        if missing is not None:
            raise NoDeviceError(
                f"no board found: {self.name} looked for {self.looked_for} and said: {missing}",
                hint="Connect the board by its debug USB port and try again, or run without one: "
                "tflm-gen emulate DIR",
            )
        proof = next((line for line in lines if self.success.search(line)), None)
        bad = next((line for line in lines if self.failure and self.failure.search(line)), None)
        if proof is None or bad is not None or returncode != 0:
            last = bad or next((line for line in reversed(lines) if line), "nothing")
            raise FlashFailedError(
                f"{self.name} did not prove that the firmware was written (exit code "
                f"{returncode}); it said: {last}",
                hint="Check the cable and the board's power, then try again; "
                "another tool: --tool NAME.",
            )
        return proof

    def as_flasher(self) -> Flasher:
        """This program as the rest of the tool sees it."""
        return Flasher(
            name=self.name,
            told_by=self.told_by,
            find=self.find,
            install_hint=self.install_hint,
            flash=self.flash,
        )


_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def _plain(line: str) -> str:
    """A line without colours, and of one overwritten by carriage returns only what was left."""
    return _COLOUR.sub("", line).rsplit("\r", 1)[-1].strip()
