"""pyOCD: CMSIS-DAP, ST-Link and J-Link probes."""

from __future__ import annotations

import re

from tflm_gen.process import CommandLine
from tflm_gen.runner.flashers._flasher import PROGRAM_TIMEOUT_S, FlashRequest, Program


def command(program: str, request: FlashRequest) -> CommandLine:
    """The command line. Without ``--no-wait`` it would wait for a probe for ever."""
    probe = ("--uid", request.probe) if request.probe else ()
    return CommandLine(
        argv=(
            program,
            "flash",
            "--no-wait",
            "--no-config",
            *("--color", "never"),
            *("--target", request.target),
            *probe,
            str(request.image),
        ),
        purpose="flash with pyocd",
        timeout_s=PROGRAM_TIMEOUT_S,
        cwd=request.project,
    )


PROGRAM = Program(
    name="pyocd",
    told_by="probe",
    executables=("pyocd",),
    install_hint='Run: pip install "tflm-gen[flash]"',
    command=command,
    success=re.compile(r"Erased .*programmed \d+ bytes"),
    failure=None,
    no_device=re.compile(r"No (connected|available) debug probe|No target device available"),
    looked_for="CMSIS-DAP, ST-Link and J-Link probes on USB",
)
FLASHER = PROGRAM.as_flasher()
