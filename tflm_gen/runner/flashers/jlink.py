"""SEGGER's J-Link Commander."""

from __future__ import annotations

import re

from tflm_gen.process import CommandLine
from tflm_gen.runner.flashers._flasher import PROGRAM_TIMEOUT_S, FlashRequest, Program


def command(program: str, request: FlashRequest) -> CommandLine:
    """The command line; the program's commands come on standard input."""
    probe = ("-USB", request.probe) if request.probe else ()
    script = f"loadfile {request.image.name}\nr\ng\nexit\n"
    return CommandLine(
        argv=(
            program,
            *("-NoGui", "1"),
            *("-ExitOnError", "1"),
            *("-Device", request.target),
            *("-If", "SWD"),
            *("-Speed", "4000"),
            *("-AutoConnect", "1"),
            *probe,
        ),
        purpose="flash with J-Link Commander",
        timeout_s=PROGRAM_TIMEOUT_S,
        cwd=request.image.parent,
        stdin=script.encode(),
    )


PROGRAM = Program(
    name="jlink",
    told_by="probe",
    executables=("JLinkExe", "JLink"),
    install_hint="Install SEGGER's J-Link software, or use --tool pyocd or --tool openocd",
    command=command,
    success=re.compile(r"^(J-Link>)?O\.K\.$"),
    failure=re.compile(r"Cannot connect to target|Writing (target memory )?failed", re.I),
    no_device=re.compile(r"Cannot connect to J-Link|Connecting to J-Link.*FAILED", re.I),
    looked_for="a J-Link probe on USB",
)
FLASHER = PROGRAM.as_flasher()
