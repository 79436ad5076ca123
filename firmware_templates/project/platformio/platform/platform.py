"""PlatformIO development platform of this project: compilers on PATH, no registry."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from platformio.dependencies import get_core_dependencies
from platformio.exception import UserSideException
from platformio.package.meta import PackageSpec
from platformio.platform.base import PlatformBase
from platformio.project.config import ProjectConfig

SCONS = "tool-scons"
# tflm-gen puts this file into a core folder that is its own.
OWN_CORE_MARK = ".tflm-gen"


class MissingHostToolError(UserSideException):
    """A compiler, or the version of SCons that PlatformIO wants, is not on this machine."""

    MESSAGE = "{0}"


class TflmgenPlatform(PlatformBase):
    """The platform; PlatformIO derives the name of this class from platform.json."""

    def is_embedded(self) -> bool:
        """Tests are built and checked for size before they run."""
        return True

    def configure_default_packages(self, options: dict[str, str], targets: list[str]) -> object:
        """Check the compiler; serve SCons from this Python where that was asked for."""
        self.packages.pop(SCONS, None)
        self._serve_scons()
        prefix = self.board_config(options["board"]).get("build.toolchain_prefix", "")
        if not shutil.which(f"{prefix}g++"):
            package = "gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib" if prefix else "g++"
            raise MissingHostToolError(
                f"{prefix}g++ is not on PATH (Debian: apt install {package})"
            )
        return super().configure_default_packages(options, targets)

    def _serve_scons(self) -> None:
        """PlatformIO takes SCons from its registry only; offer the wheel of this Python instead.

        Only in a core folder of tflm-gen's own: left behind in a user's, the offer would break all
        their projects as soon as another Python runs PlatformIO.
        """
        core = Path(ProjectConfig.get_instance().get("platformio", "core_dir"))
        if os.environ.get("TFLM_GEN_PIO_OFFLINE") != "1" or not (core / OWN_CORE_MARK).is_file():
            return
        wanted = get_core_dependencies()[SCONS]
        spec = PackageSpec(owner="platformio", name=SCONS, requirements=wanted)
        if self.pm.get_package(spec) is not None:
            return
        version = installed_scons()
        if version is None or as_package_version(version) not in str(wanted):
            raise MissingHostToolError(
                f"PlatformIO wants {SCONS} {wanted}; this Python has SCons {version or 'not at all'} "
                "(pip install scons==4.11.1 platformio==6.2.0)"
            )
        self.packages[SCONS] = {
            "owner": "platformio",
            "type": "builder",
            "optional": False,
            "version": f"symlink://{Path(self.get_dir(), 'packages', SCONS)}",
        }


def as_package_version(version: str) -> str:
    """PlatformIO's number of an SCons: 4.11.1 is 4.41101."""
    major, minor, patch = (*version.split("."), "0", "0")[:3]
    return f"{major}.{major}{int(minor):02d}{int(patch):02d}"


def installed_scons() -> str | None:
    """Version of SCons in this Python, or None."""
    if importlib.util.find_spec("SCons") is None:
        return None
    try:
        return importlib.metadata.version("scons")
    except importlib.metadata.PackageNotFoundError:
        return None
