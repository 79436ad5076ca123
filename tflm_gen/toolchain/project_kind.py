"""What else is built here for a kind of project, beyond the firmware that CMake has linked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.errors import MissingToolError
from tflm_gen.project.kinds.platformio import LOCAL_PLATFORM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tflm_gen.tflm.choice import EngineChoice

_PLATFORMIO = "platformio"


def build_kind(
    kind: str, root: Path, choice: EngineChoice, on_step: Callable[[str], None]
) -> tuple[str, ...]:
    """Build a written project with the program of its kind, if that is here.

    Args:
        kind: Name of the kind.
        root: The project.
        choice: What the project links.
        on_step: Told the name of every step that takes a while.

    Returns:
        Lines for the summary.

    Raises:
        BuildFailedError: If the program refuses the project.
        DownloadError: If it wants the network.
    """
    if kind != _PLATFORMIO:
        return ()
    if not choice.can_link:
        return ("PlatformIO: not built, because there is no TFLM to link",)
    from tflm_gen.toolchain.platformio import build_environment

    tflm = {choice.source.facts.cmake_variable: str(choice.source.path)} if choice.source else {}
    lines = []
    for environment in local_environments(root):
        on_step(f"build environment {environment} with PlatformIO")
        try:
            used = build_environment(root, environment, tflm=tflm)
        except MissingToolError as missing:
            return (f"PlatformIO: not built: {missing.message} ({missing.hint})",)
        lines.append(f"PlatformIO: environment {environment} builds: {used}")
    return tuple(lines)


def local_environments(root: Path) -> tuple[str, ...]:
    """Environments of a project that need nothing of PlatformIO's registry."""
    import configparser

    ini = configparser.ConfigParser(interpolation=None)
    ini.read(root / "platformio.ini", encoding="utf-8")
    return tuple(
        section.removeprefix("env:")
        for section in ini.sections()
        if section.startswith("env:") and ini[section].get("platform") == LOCAL_PLATFORM
    )
