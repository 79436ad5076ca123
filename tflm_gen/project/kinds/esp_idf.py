"""A project for ESP-IDF: the same sources, with ESP-IDF's files in place of our CMake files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.project.kinds._kind import Files, ProjectKind
from tflm_gen.project.kinds.cmake import ESP_FAMILY
from tflm_gen.project.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.board_spec import BoardSpec
    from tflm_gen.project.plan import ProjectSpec

_MEGA = 1_000_000
_MEBI = 1024 * 1024
# Our own build's files, which ESP-IDF's replace.
_LEFT_OUT = ("CMakeLists.txt", "CMakePresets.json", "cmake/")


@dataclass(frozen=True, slots=True, kw_only=True)
class EspIdfContext:
    """Fills ``sdkconfig.defaults`` and ``ESP-IDF.md``."""

    chip: str
    cpu_mhz: int
    flash_mib: int
    nn_setting: str


def _suits(board: BoardSpec) -> bool:
    return board.family == ESP_FAMILY


def _context(spec: ProjectSpec) -> EspIdfContext:
    board = spec.board.spec
    if board.esp_idf is None or board.cpu.clock_hz is None:
        raise ValueError(f"{spec.board.id} has no [esp_idf], or no clock_hz")
    return EspIdfContext(
        chip=board.esp_idf.chip,
        cpu_mhz=board.cpu.clock_hz // _MEGA,
        flash_mib=board.esp_idf.flash_bytes // _MEBI,
        nn_setting="NN_OPTIMIZED" if spec.kernels == "esp-nn" else "NN_ANSI_C",
    )


def _static_files() -> Iterator[tuple[PurePosixPath, bytes]]:
    root = resources.firmware_templates_dir()
    for path in (root / "project" / "esp_idf").rglob("*"):
        if path.is_file():
            relative = path.relative_to(root / "project" / "esp_idf")
            yield PurePosixPath(relative.as_posix()), path.read_bytes()


def _plan(spec: ProjectSpec, files: Files) -> Files:
    context = _context(spec)
    kept = {path: data for path, data in files.items() if not str(path).startswith(_LEFT_OUT)}
    return {
        **kept,
        **dict(_static_files()),
        PurePosixPath("sdkconfig.defaults"): render("esp_idf/sdkconfig.defaults.j2", context),
        PurePosixPath("ESP-IDF.md"): render("esp_idf/README.md.j2", context),
        PurePosixPath(".gitignore"): b"build/\nmanaged_components/\nsdkconfig\n",
    }


KIND = ProjectKind(name="esp-idf", suits=_suits, plan=_plan, is_linked_here=False)
