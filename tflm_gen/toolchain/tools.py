"""The programs, packages and parts that the verbs use: which are here, and how to get the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tflm_gen import process
from tflm_gen.tflm.image import IMAGE, find_image
from tflm_gen.tflm.source_facts import SOURCES, WHEEL_VERSION

Kind = Literal["program", "package", "library", "part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something a verb needs that does not come with this tool.

    Attributes:
        name: Program on PATH, Python package, or part.
        kind: How it is looked for.
        purpose: What it is for.
        verbs: Who uses it.
        is_required: The main job needs it: build and prove firmware for corstone300.
        package: What installs it: a Debian package, or a pip requirement.
        installer: Program that installs the package.
    """

    name: str
    kind: Kind
    purpose: str
    verbs: tuple[str, ...]
    is_required: bool
    package: str
    installer: Literal["apt", "pip", "tflm-gen", "web"] = "apt"


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


ARM_LIBRARY = "libstdc++_nano.a"
TOOLS = (
    Tool(
        name="cmake",
        kind="program",
        purpose="configures firmware builds",
        verbs=("build",),
        is_required=True,
        package="cmake",
    ),
    Tool(
        name="ninja",
        kind="program",
        purpose="runs firmware builds",
        verbs=("build",),
        is_required=True,
        package="ninja-build",
    ),
    Tool(
        name="arm-none-eabi-g++",
        kind="program",
        purpose="compiles for Cortex-M",
        verbs=("build",),
        is_required=True,
        package="gcc-arm-none-eabi libnewlib-arm-none-eabi",
    ),
    Tool(
        name=ARM_LIBRARY,
        kind="library",
        purpose="C++ library for Cortex-M",
        verbs=("build",),
        is_required=True,
        package="libstdc++-arm-none-eabi-newlib",
    ),
    Tool(
        name="qemu-system-arm",
        kind="program",
        purpose="emulates corstone300",
        verbs=("build", "emulate", "verify", "bench"),
        is_required=True,
        package="qemu-system-arm",
    ),
    Tool(
        name="tflite-micro",
        kind="package",
        purpose="the oracle of output bytes",
        verbs=("build", "verify"),
        is_required=True,
        package=f"tflite-micro=={WHEEL_VERSION}",
        installer="pip",
    ),
    Tool(
        name=IMAGE.dependency,
        kind="part",
        purpose="TFLM with CMSIS-NN for corstone300",
        verbs=("build",),
        is_required=True,
        package=SOURCES["corstone300_image"].how_to_get,
        installer="tflm-gen",
    ),
    Tool(
        name="pip",
        kind="package",
        purpose="fetches the image",
        verbs=("deps",),
        is_required=False,
        package="python3-pip python3-venv",
    ),
    Tool(
        name="g++",
        kind="program",
        purpose="compiles for --board host",
        verbs=("build",),
        is_required=False,
        package="g++",
    ),
    Tool(
        name="gdb-multiarch",
        kind="program",
        purpose="checks our declarations of the image (tests)",
        verbs=(),
        is_required=False,
        package="gdb-multiarch",
    ),
    Tool(
        name="renode",
        kind="program",
        purpose="emulates boards that QEMU does not have",
        verbs=("emulate", "verify", "bench"),
        is_required=False,
        package="renode.io",
        installer="web",
    ),
    Tool(
        name="tensorflow",
        kind="package",
        purpose="quantizes models",
        verbs=("quantize",),
        is_required=False,
        package="tflm-gen[quantize]",
        installer="pip",
    ),
    Tool(
        name="pyocd",
        kind="package",
        purpose="writes firmware into boards",
        verbs=("flash",),
        is_required=False,
        package="tflm-gen[flash]",
        installer="pip",
    ),
)

# The import name where it is not the package's own name with underscores.
_DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu")}


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
    return tool.package if tool.installer == "tflm-gen" else f"see {tool.package}"


def _find(tool: Tool) -> Finding:
    if tool.kind == "package":
        version, place = _package(tool.name)
    elif tool.kind == "part":
        path = find_image(IMAGE)
        version, place = (f"sha256 {IMAGE.sha256[:12]}", str(path)) if path else (None, None)
    elif tool.kind == "library":
        version, place = _arm_library(tool.name)
    else:
        version, place = _program(tool.name)
    return Finding(tool=tool, version=version, place=place)


def _program(name: str) -> tuple[str | None, str | None]:
    path = shutil.which(name)
    if path is None:
        return None, None
    result = process.run(
        process.CommandLine(
            argv=(path, "--version"), purpose=f"ask {name} for its version", timeout_s=30.0
        )
    )
    lines = result.text.splitlines() if result.returncode == 0 else []
    return (lines[0].strip() if lines else "does not say its version"), path


def _package(name: str) -> tuple[str | None, str | None]:
    spec = importlib.util.find_spec(name.replace("-", "_"))
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
