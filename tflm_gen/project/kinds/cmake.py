"""The plain project: CMake and Ninja, nothing else. Every other kind starts from its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.project.kinds._kind import Files, ProjectKind

if TYPE_CHECKING:
    from tflm_gen.board_spec import BoardSpec
    from tflm_gen.project.plan import ProjectSpec

ESP_FAMILY = "esp32"


def has_cmake_port(board: BoardSpec) -> bool:
    """Boards of Espressif are built by ESP-IDF alone."""
    return board.family != ESP_FAMILY


def _plan(spec: ProjectSpec, files: Files) -> Files:
    return files


KIND = ProjectKind(name="cmake", suits=has_cmake_port, plan=_plan)
