"""PlatformIO: ``pio run -t upload`` of a project that has a ``platformio.ini``."""

from __future__ import annotations

import re

from tflm_gen.process import CommandLine
from tflm_gen.runner.flashers._flasher import FlashRequest, Program

_TIMEOUT_S = 600.0  # It may build first.


def command(program: str, request: FlashRequest) -> CommandLine:
    """The command line; the target is the environment's name."""
    port = ("--upload-port", request.port) if request.port else ()
    return CommandLine(
        argv=(
            program,
            "run",
            *("--project-dir", str(request.project)),
            *("--environment", request.target),
            *("--target", "upload"),
            *port,
        ),
        purpose="flash with PlatformIO",
        timeout_s=_TIMEOUT_S,
        cwd=request.project,
        env={
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
            "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
            "PLATFORMIO_NO_ANSI": "true",
        },
    )


PROGRAM = Program(
    name="pio",
    executables=("pio", "platformio"),
    install_hint='Run: pip install "tflm-gen[platformio]"',
    command=command,
    # PlatformIO's own SUCCESS is no proof: it prints it also where no upload command is set.
    success=re.compile(
        r"\*\* ?Verified OK|Hash of data verified|Erased .*programmed \d+ bytes|^O\.K\.$"
    ),
    failure=re.compile(r"\[FAILED\]|Error \d+$"),
    no_device=re.compile(
        r"unable to find a matching CMSIS-DAP device|No J-Link device found|open failed"
        r"|No (connected|available) debug probe|[Cc]ould not open .*port|no debugger connected"
    ),
    looked_for="the upload tool's board",
)
FLASHER = PROGRAM.as_flasher()
