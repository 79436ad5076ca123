"""The programs, packages and parts that the verbs use: which are here, and how to get the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tflm_gen import process
from tflm_gen.errors import ProcessTimeoutError
from tflm_gen.tflm.image import IMAGE, find_image
from tflm_gen.toolchain.tool_list import TOOLS, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A tool and whether it is here.

    Attributes:
        tool: The tool.
        version: What it says of itself; None if it is not here.
        place: Where it was found.
    """

    tool: Tool
    version: str | None
    place: str | None

    @property
    def is_here(self) -> bool:
        """It can be used."""
        return self.version is not None


_VERSION_TIMEOUT_S = 30.0
_NO_VERSION = "does not say its version"
# The import name where it is not the package's own name with underscores.
_DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu")}
_MODULES = {"ethos-u-vela": "ethosu.vela", "scons": "SCons"}


def find_tools() -> tuple[Finding, ...]:
    """Look for every tool."""
    return tuple(_find(tool) for tool in TOOLS)


def install_lines(findings: tuple[Finding, ...], *, is_root: bool) -> list[str]:
    """Commands that install what is missing and required, one per installer.

    Args:
        findings: From :func:`find_tools`.
        is_root: The user may install packages without sudo.
    """
    missing = [found.tool for found in findings if not found.is_here and found.tool.is_required]
    apt = [tool.package for tool in missing if tool.installer == "apt"]
    pip = [tool.package for tool in missing if tool.installer == "pip"]
    own = [tool.package for tool in missing if tool.installer == "tflm-gen"]
    lines = []
    if apt:
        lines.append(f"{'' if is_root else 'sudo '}apt-get install -y {' '.join(apt)}")
    if pip:
        lines.append(f"{Path(sys.executable).name} -m pip install {' '.join(pip)}")
    return lines + own


def install_line(tool: Tool, *, is_root: bool) -> str:
    """The command that installs one tool."""
    if tool.installer == "apt":
        return f"{'' if is_root else 'sudo '}apt-get install -y {tool.package}"
    if tool.installer == "pip":
        return f"{Path(sys.executable).name} -m pip install '{tool.package}'"
    return tool.package if tool.installer == "tflm-gen" else f"get {tool.package}"


def _find(tool: Tool) -> Finding:
    if tool.kind == "package":
        version, place = _package(tool.name)
        if version is None and tool.programs:
            version, place = _program(tool)
    elif tool.kind == "part":
        path = find_image(IMAGE)
        version, place = (f"sha256 {IMAGE.sha256[:12]}", str(path)) if path else (None, None)
    elif tool.kind == "library":
        version, place = _arm_library(tool.name)
    else:
        version, place = _program(tool)
    return Finding(tool=tool, version=version, place=place)


def _program(tool: Tool) -> tuple[str | None, str | None]:
    names = tool.programs or (tool.name,)
    path = next((found for found in map(shutil.which, names) if found is not None), None)
    if path is None:
        return None, None
    return (_ask_version(path) if tool.asks_version else None) or _NO_VERSION, path


def _ask_version(path: str) -> str | None:
    """First line of what a program says when asked for its version."""
    command = process.CommandLine(
        argv=(path, "--version"),
        purpose=f"ask {path} for its version",
        timeout_s=_VERSION_TIMEOUT_S,
    )
    try:
        result = process.run(command)
    except ProcessTimeoutError:
        return None
    lines = result.text.splitlines() if result.returncode == 0 else []
    return lines[0].strip() if lines else None


def _package(name: str) -> tuple[str | None, str | None]:
    try:
        spec = importlib.util.find_spec(_MODULES.get(name, name.replace("-", "_")))
    except ModuleNotFoundError:  # The package around the module is missing.
        return None, None
    if spec is None:
        return None, None
    for distribution in _DISTRIBUTIONS.get(name, (name,)):
        try:
            return importlib.metadata.version(distribution), spec.origin
        except importlib.metadata.PackageNotFoundError:
            continue
    return "version unknown", spec.origin


def _arm_library(name: str) -> tuple[str | None, str | None]:
    """A library of the cross compiler, which prints its path if it has it."""
    compiler = shutil.which("arm-none-eabi-g++")
    if compiler is None:
        return None, None
    result = process.run(
        process.CommandLine(
            argv=(compiler, "-mcpu=cortex-m55", "-mthumb", f"-print-file-name={name}"),
            purpose=f"look for {name}",
            timeout_s=30.0,
        )
    )
    path = result.text.strip()
    is_here = result.returncode == 0 and Path(path).is_absolute()
    return ("with the compiler", path) if is_here else (None, None)
