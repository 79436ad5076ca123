"""OpenOCD: the probe and chip of one of its board files."""

from __future__ import annotations

import re

from tflm_gen.process import CommandLine
from tflm_gen.runner.flashers._flasher import PROGRAM_TIMEOUT_S, FlashRequest, Program


def command(program: str, request: FlashRequest) -> CommandLine:
    """The command line.

    The image is named without its folder, which is the working folder: OpenOCD's commands are Tcl,
    and a path of the user could mean something there.
    """
    probe = ("-c", f"adapter serial {request.probe}") if request.probe else ()
    return CommandLine(
        argv=(
            program,
            *("-f", request.target),
            *probe,
            *("-c", f"program {request.image.name} verify reset exit"),
        ),
        purpose="flash with openocd",
        timeout_s=PROGRAM_TIMEOUT_S,
        cwd=request.image.parent,
    )


PROGRAM = Program(
    name="openocd",
    told_by="probe",
    executables=("openocd",),
    install_hint="Run: sudo apt-get install openocd",
    command=command,
    success=re.compile(r"\*\* ?Verified OK"),
    failure=re.compile(r"\*\* (Verify|Programming) Failed"),
    no_device=re.compile(
        r"unable to find a matching CMSIS-DAP device|No J-Link device found"
        r"|open failed|unable to find Nu-Link"
    ),
    looked_for="the probe of the board file on USB",
)
FLASHER = PROGRAM.as_flasher()
