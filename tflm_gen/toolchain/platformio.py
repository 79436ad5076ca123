"""Runs PlatformIO on a generated project: nothing is fetched, nothing is sent, errors are explained."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from typing import TYPE_CHECKING

from tflm_gen import process, resources
from tflm_gen.errors import BuildFailedError, DownloadError, MissingToolError
from tflm_gen.process import CommandLine
from tflm_gen.toolchain.cmake import explain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INSTALL_HINT = 'Run: pip install "tflm-gen[platformio]"'
OWN_CORE_MARK = ".tflm-gen"
"""Tells the project's platform that it may serve SCons from this Python in a core folder."""

_TIMEOUT_S = 600.0
_PACKAGE = re.compile(r"(?:Tool|Platform|Library) Manager: Installing (\S+)")
_USED = re.compile(r"^(RAM|Flash):.*\(used (\d+) bytes from (\d+) bytes\)", re.M)


def find_platformio() -> tuple[str, ...]:
    """How PlatformIO is started: with this Python if it is installed there, else from PATH.

    Raises:
        MissingToolError: If it is nowhere.
    """
    if importlib.util.find_spec("platformio") is not None:
        return (sys.executable, "-m", "platformio")
    path = shutil.which("pio") or shutil.which("platformio")
    if path is None:
        raise MissingToolError("PlatformIO is not installed", hint=INSTALL_HINT)
    return (path,)


def own_core_dir() -> Path:
    """PlatformIO's core folder for our runs, made if need be: never the user's own."""
    core = resources.cache_dir() / "platformio"
    core.mkdir(parents=True, exist_ok=True)
    (core / OWN_CORE_MARK).touch()
    return core


def quiet_environment(core_dir: Path) -> dict[str, str]:
    """Variables that keep PlatformIO from the network and in a folder of ours."""
    return {
        "PLATFORMIO_CORE_DIR": str(core_dir),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
        "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "3650",
        "PLATFORMIO_SETTING_CHECK_PRUNE_SYSTEM_THRESHOLD": "0",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_NO_ANSI": "true",
        "TFLM_GEN_PIO_OFFLINE": "1",
    }


def run_command(
    program: tuple[str, ...], project: Path, *, environment: str, variables: Mapping[str, str]
) -> CommandLine:
    """``pio run`` of one environment.

    Args:
        program: From :func:`find_platformio`.
        project: The project.
        environment: Its name in ``platformio.ini``.
        variables: Environment variables.
    """
    return CommandLine(
        argv=(*program, "run", "--project-dir", str(project), "--environment", environment),
        purpose=f"build environment {environment} with PlatformIO",
        timeout_s=_TIMEOUT_S,
        cwd=project,
        env=dict(variables),
    )


def build_environment(project: Path, environment: str, *, tflm: Mapping[str, str]) -> str:
    """Build one environment that needs no registry; what PlatformIO said of its size.

    Args:
        project: The project.
        environment: Its name in ``platformio.ini``.
        tflm: The variable that names the TFLM to link, if the engine needs one.

    Raises:
        MissingToolError: If PlatformIO is not installed.
        DownloadError: If it wants something of its registry.
        BuildFailedError: If the build fails.
        ProcessTimeoutError: If it hangs.
    """
    variables = {**quiet_environment(own_core_dir()), **tflm}
    command = run_command(find_platformio(), project, environment=environment, variables=variables)
    completed = process.run(command)
    check_run(completed.returncode, completed.text, environment)
    used = [
        f"{what} {int(n):,} of {int(limit):,} B" for what, n, limit in _USED.findall(completed.text)
    ]
    return ", ".join(used)


def check_run(returncode: int, text: str, environment: str) -> None:
    """Translate what a failed run printed.

    PlatformIO ends an unreachable registry with the word HTTPClientError and nothing else.

    Raises:
        DownloadError: If it wanted something of its registry.
        BuildFailedError: For any other failure.
    """
    if returncode == 0:
        return
    refuse_registry(text)
    raise BuildFailedError(
        f"PlatformIO cannot build environment {environment}: {_reason(text)}",
        hint=f"To see all of it: pio run -e {environment} in the project's folder",
    )


def refuse_registry(text: str) -> None:
    """Say what PlatformIO wanted of its registry, if that is why it failed.

    Raises:
        DownloadError: Then.
    """
    if "HTTPClientError" in text or "InternetConnectionError" in text:
        wanted = _PACKAGE.findall(text)
        what = f"package {wanted[-1]}" if wanted else "a package"
        raise DownloadError(
            f"PlatformIO needs {what} from its registry, which cannot be reached",
            hint="Use an environment with the compilers of this machine (its name ends in _local "
            "or is the board's), or run PlatformIO once online.",
        )


def _reason(text: str) -> str:
    """The telling lines of a failed run."""
    own = [
        line.strip() for line in text.splitlines() if re.match(r"(Error:|\w+(Tool|Error): )", line)
    ]
    return " | ".join(own[:2]) if own else explain(text)
