"""Configures and builds a generated project with CMake and Ninja."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen import process
from tflm_gen.errors import BuildFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILD_TOOLS_HINT = "Debian: apt install cmake ninja-build"
ARM_COMPILER = "arm-none-eabi-g++"
ARM_COMPILER_HINT = (
    "Debian: apt install gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"
)
HOST_COMPILER = "g++"
HOST_COMPILER_HINT = "Debian: apt install g++"

_JOBS = 2
_CONFIGURE_TIMEOUT_S = 120.0
_BUILD_TIMEOUT_S = 600.0
_MESSAGE = re.compile(r"\b(?:error|fatal|undefined reference|overflowed|will not fit)\b", re.I)
_COMMAND = re.compile(r"^(?:FAILED:|: &&|/\S*/(?:cmake|ninja|\S*g\+\+) |ninja: )")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The programs of one build, with the versions they report.

    Attributes:
        compiler: First line of the compiler's version.
        cmake: First line of CMake's version.
    """

    compiler: str
    cmake: str


def find_toolchain(*, is_host: bool) -> Toolchain:
    """Check that every program of the build is there, and ask for the versions.

    Raises:
        MissingToolError: Naming the program; the hint is the install line.
    """
    process.find_tool("ninja", install_hint=BUILD_TOOLS_HINT)
    cmake = process.find_tool("cmake", install_hint=BUILD_TOOLS_HINT)
    name, hint = (
        (HOST_COMPILER, HOST_COMPILER_HINT) if is_host else (ARM_COMPILER, ARM_COMPILER_HINT)
    )
    compiler = process.find_tool(name, install_hint=hint)
    return Toolchain(compiler=first_line(compiler), cmake=first_line(cmake))


@cache
def first_line(program: str) -> str:
    """First line of what ``program --version`` prints."""
    result = process.run(
        process.CommandLine(
            argv=(program, "--version"),
            purpose=f"ask {Path(program).name} for its version",
            timeout_s=30.0,
        )
    )
    lines = result.text.splitlines()
    return lines[0].strip() if lines else "unknown version"


def configure_command(
    project: Path, output: str, definitions: Mapping[str, str]
) -> tuple[str, ...]:
    """Arguments that configure the build of a project.

    Args:
        project: Folder of the project.
        output: Folder below ``out/`` for the results.
        definitions: CMake cache variables.
    """
    return (
        *("cmake", "-S", str(project), "-B", str(project / "out" / output / "build")),
        *("-G", "Ninja"),
        *(f"-D{name}={value}" for name, value in definitions.items()),
    )


def build_command(project: Path, output: str) -> tuple[str, ...]:
    """Arguments that build a configured project."""
    build = project / "out" / output / "build"
    return ("cmake", "--build", str(build), "--parallel", str(_JOBS))


def configure(project: Path, output: str, definitions: Mapping[str, str]) -> None:
    """Configure the build.

    Raises:
        BuildFailedError: With what CMake said.
        ProcessTimeoutError: If it hangs.
    """
    argv = configure_command(project, output, definitions)
    _run(argv, "configure the build", _CONFIGURE_TIMEOUT_S)


def build(project: Path, output: str) -> None:
    """Compile and link.

    Raises:
        BuildFailedError: With the compiler's first messages.
        ProcessTimeoutError: If it hangs.
    """
    _run(build_command(project, output), "build the firmware", _BUILD_TIMEOUT_S)


def _run(argv: tuple[str, ...], purpose: str, timeout_s: float) -> None:
    result = process.run(process.CommandLine(argv=argv, purpose=purpose, timeout_s=timeout_s))
    if result.returncode != 0:
        raise BuildFailedError(
            f"cannot {purpose}: {explain(result.text)}",
            hint="To see all of it: tflm-gen build ... --no-build --out DIR, then the two cmake "
            "lines of DIR/README.md",
        )


def explain(log: str) -> str:
    """The lines of a build log that say what went wrong, in one line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    lines = [line for line in lines if not _COMMAND.match(line)]
    telling = [line for line in lines if _MESSAGE.search(line)] or lines[-3:]
    return " | ".join(telling[:3]) or "no message"
