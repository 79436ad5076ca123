"""esptool: ESP32 chips over their serial port, with what ``idf.py build`` left."""

from __future__ import annotations

import re

from tflm_gen.errors import UsageError
from tflm_gen.process import CommandLine
from tflm_gen.runner.flashers._flasher import PROGRAM_TIMEOUT_S, FlashRequest, Program


def command(program: str, request: FlashRequest) -> CommandLine:
    """The command line; addresses and files are in ESP-IDF's ``build/flash_args``.

    Raises:
        UsageError: If no port is named: esptool would try every port of the machine.
    """
    if request.port is None:
        raise UsageError(
            "esptool needs the board's serial port",
            hint="Name it: --port /dev/ttyACM0 (on Linux: ls /dev/ttyACM* /dev/ttyUSB*)",
        )
    return CommandLine(
        argv=(
            program,
            *("--chip", request.target),
            *("--port", request.port),
            *("--after", "hard-reset"),
            "write-flash",
            "@flash_args",
        ),
        purpose="flash with esptool",
        timeout_s=PROGRAM_TIMEOUT_S,
        cwd=request.project / "build",
    )


PROGRAM = Program(
    name="esptool",
    told_by="port",
    executables=("esptool", "esptool.py"),
    install_hint='Run: pip install "tflm-gen[flash]"',
    command=command,
    success=re.compile(r"Hash of data verified"),
    failure=re.compile(r"fatal error occurred"),
    no_device=re.compile(
        r"[Cc]ould not open .*port|Could not connect to an Espressif device"
        r"|Failed to connect to ESP"
    ),
    looked_for="an ESP chip on that serial port",
)
FLASHER = PROGRAM.as_flasher()
