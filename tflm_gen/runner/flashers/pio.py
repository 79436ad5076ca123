"""PlatformIO: ``pio run -t upload`` of a project that has a ``platformio.ini``."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from tflm_gen.errors import MissingToolError, ProjectModifiedError
from tflm_gen.process import CommandLine, run
from tflm_gen.runner.flashers._flasher import (
    PROGRAM_TIMEOUT_S,
    Flasher,
    FlashReport,
    FlashRequest,
    Program,
)
from tflm_gen.toolchain.platformio import own_core_dir, quiet_environment, refuse_registry
from tflm_gen.toolchain.project_kind import local_environments

if TYPE_CHECKING:
    from pathlib import Path


def built_image(project: Path, environment: str) -> Path:
    """What ``pio run`` has made of the project in an environment."""
    return project / ".pio" / "build" / environment / "firmware.hex"


def command(program: str, request: FlashRequest) -> CommandLine:
    """The command line; the target is the environment's name. What was built is written, as it is."""
    port = ("--upload-port", request.port) if request.port else ()
    return CommandLine(
        argv=(
            program,
            "run",
            *("--project-dir", str(request.project)),
            *("--environment", request.target),
            *("--target", "nobuild"),
            *("--target", "upload"),
            # Another core folder than that of the build would have it delete the firmware first.
            "--disable-auto-clean",
            *port,
        ),
        purpose="flash with PlatformIO",
        timeout_s=PROGRAM_TIMEOUT_S,
        cwd=request.project,
        env={
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
            "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
            "PLATFORMIO_NO_ANSI": "true",
        },
    )


def flash(request: FlashRequest) -> FlashReport:
    """Have PlatformIO upload what it has built, and judge it.

    Raises:
        MissingToolError: If it is not installed.
        ProjectModifiedError: If it has not built the environment.
        DownloadError: If it wants a package of its registry.
        NoDeviceError: If no board was found.
        FlashFailedError: If nothing proves that the image was written.
        ProcessTimeoutError: If it did not end.
    """
    program = PROGRAM.find()
    if program is None:
        raise MissingToolError("pio is not installed", hint=PROGRAM.install_hint)
    if not built_image(request.project, request.target).is_file():
        raise ProjectModifiedError(
            f"PlatformIO has not built environment {request.target}",
            hint="Build the project again: tflm-gen build ... --project platformio",
        )
    asked = command(program, request)
    if request.target in local_environments(request.project):
        quiet = quiet_environment(own_core_dir())
        asked = dataclasses.replace(asked, env={**asked.env, **quiet})
    done = run(asked)
    refuse_registry(done.text)
    proof = PROGRAM.judge(done.text, returncode=done.returncode)
    return FlashReport(tool=PROGRAM.name, proof=proof, command=asked.argv)


PROGRAM = Program(
    name="pio",
    told_by="port",
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
FLASHER = Flasher(
    name=PROGRAM.name,
    told_by=PROGRAM.told_by,
    find=PROGRAM.find,
    install_hint=PROGRAM.install_hint,
    flash=flash,
)
