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
CPPCHECK = "tool-cppcheck"
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
        """Check the compiler; serve this machine's SCons and Cppcheck where that was asked for."""
        prefix = self.board_config(options["board"]).get("build.toolchain_prefix", "")
        if not shutil.which(f"{prefix}g++"):
            package = "gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib" if prefix else "g++"
            raise MissingHostToolError(
                f"{prefix}g++ is not on PATH (Debian: apt install {package})"
            )
        configured = super().configure_default_packages(options, targets)
        # After PlatformIO, which calls all packages optional where nothing is to be built.
        for name in (SCONS, CPPCHECK):
            self.packages.pop(name, None)
            if is_own_core() and not self._has(name):
                self._serve(name)
        return configured

    def _has(self, name: str) -> bool:
        """The core folder has the package in a version that PlatformIO takes."""
        wanted = get_core_dependencies()[name]
        spec = PackageSpec(owner="platformio", name=name, requirements=wanted)
        return self.pm.get_package(spec) is not None

    def _serve(self, name: str) -> None:
        """PlatformIO takes its tools from its registry only; offer the one of this machine instead."""
        if name == SCONS:
            check_scons(str(get_core_dependencies()[SCONS]))
        place = Path(self.get_dir(), "packages", name)
        for program in place.glob("cppcheck"):
            program.chmod(0o755)
        self.packages[name] = {
            "owner": "platformio",
            "type": "builder",
            "optional": False,
            "version": f"symlink://{place}",
        }


def is_own_core() -> bool:
    """PlatformIO's core folder is one of tflm-gen's own, and serving tools there was asked for.

    Left behind in a user's core folder, the offer would break all their projects as soon as another
    Python runs PlatformIO.
    """
    core = Path(ProjectConfig.get_instance().get("platformio", "core_dir"))
    return os.environ.get("TFLM_GEN_PIO_OFFLINE") == "1" and (core / OWN_CORE_MARK).is_file()


def check_scons(wanted: str) -> None:
    """This Python has the SCons that PlatformIO wants, or the build ends with one line."""
    version = installed_scons()
    if version is None or as_package_version(version) not in wanted:
        raise MissingHostToolError(
            f"PlatformIO wants {SCONS} {wanted}; this Python has SCons {version or 'not at all'} "
            "(pip install scons==4.11.1 platformio==6.2.0)"
        )


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
