"""nrfjprog: Nordic's own program, for J-Link probes and Nordic's kits."""

from __future__ import annotations

import re

from tflm_gen.process import CommandLine
from tflm_gen.runner.flashers._flasher import PROGRAM_TIMEOUT_S, FlashRequest, Program


def command(program: str, request: FlashRequest) -> CommandLine:
    """The command line."""
    probe = ("--snr", request.probe) if request.probe else ()
    return CommandLine(
        argv=(
            program,
            *("--family", request.target),
            *probe,
            *("--program", str(request.image)),
            "--sectorerase",
            "--verify",
            "--reset",
        ),
        purpose="flash with nrfjprog",
        timeout_s=PROGRAM_TIMEOUT_S,
        cwd=request.project,
    )


PROGRAM = Program(
    name="nrfjprog",
    told_by="probe",
    executables=("nrfjprog",),
    install_hint="Install Nordic's nRF Command Line Tools, or use --tool pyocd or --tool openocd",
    command=command,
    success=re.compile(r"Verified OK|Verify file - Done|Done verifying"),
    failure=re.compile(r"^(\[error\]|ERROR)"),
    no_device=re.compile(r"no debugger connected|no connected debugger|JLinkARM DLL", re.I),
    looked_for="a J-Link probe on USB",
)
FLASHER = PROGRAM.as_flasher()
