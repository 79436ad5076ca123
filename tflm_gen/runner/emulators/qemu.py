"""QEMU's Arm system emulator, with its instruction counter as the clock."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from tflm_gen.errors import MissingToolError, TflmGenError, UnsupportedChoiceError
from tflm_gen.runner.clock import INSTRUCTIONS, icount_clock
from tflm_gen.runner.emulators._emulator import Emulator
from tflm_gen.runner.faults import describe_qemu_end
from tflm_gen.runner.link import DeviceLink, run_with_socket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tflm_gen.runner.target import DeviceTarget

PROGRAM = "qemu-system-arm"


def command(*, machine: str, icount_shift: int, elf_path: Path, serial: str) -> tuple[str, ...]:
    """QEMU's command line.

    Args:
        machine: QEMU's machine name.
        icount_shift: One instruction takes 2**shift ns of virtual time; without it counts would
            follow the host's clock and differ from run to run.
        elf_path: The firmware.
        serial: QEMU's character device for the first serial line ("fd=5" or "pty").
    """
    chardev = f"socket,id=wire,{serial}" if serial.startswith("fd=") else f"{serial},id=wire"
    return (
        PROGRAM,
        *("-M", machine),
        *("-display", "none"),
        *("-monitor", "none"),
        *("-parallel", "none"),
        "-no-user-config",
        *("-icount", f"shift={icount_shift}"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-chardev", chardev),
        *("-serial", "chardev:wire"),
        *("-kernel", str(elf_path)),
    )


def firmware_path(target: DeviceTarget) -> Path:
    """The firmware that QEMU runs: a twin of its own where QEMU has no machine for the chip."""
    machine = target.board.emulator.qemu
    if machine is None or machine.twin_family is None:
        return target.elf_path
    folder = target.elf_path.parent
    return folder.with_name(f"{folder.name}-twin") / target.elf_path.name


def _obstacle(target: DeviceTarget) -> TflmGenError | None:
    if target.board.emulator.qemu is None:
        return UnsupportedChoiceError(
            f"QEMU has no machine for {target.board_id}",
            hint="Run on the board with --port PORT, or choose another with --with.",
        )
    if shutil.which(PROGRAM) is None:
        return MissingToolError(
            f"{PROGRAM} is not on PATH", hint="Run: sudo apt-get install qemu-system-arm"
        )
    return None


@contextlib.contextmanager
def open_qemu(target: DeviceTarget) -> Iterator[DeviceLink]:
    """Boot the project's firmware in QEMU."""
    machine = target.board.emulator.qemu
    if machine is None:
        raise ValueError(f"{target.board_id} has no QEMU machine")

    def argv_for(descriptor: int) -> tuple[str, ...]:
        return command(
            machine=machine.machine,
            icount_shift=machine.icount_shift,
            elf_path=firmware_path(target),
            serial=f"fd={descriptor}",
        )

    with run_with_socket(argv_for) as program:
        yield DeviceLink(
            stream=program.stream,
            title=f"QEMU {machine.machine}",
            clock=icount_clock(machine.icount_shift),
            explain=lambda: describe_qemu_end(*program.end()),
        )


EMULATOR = Emulator(
    name="qemu",
    timing_basis=INSTRUCTIONS,
    is_described_for=lambda target: target.board.emulator.qemu is not None,
    obstacle=_obstacle,
    open=open_qemu,
)
