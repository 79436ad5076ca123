"""A project as the runner sees it, without the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.board_loader import load_board
from tflm_gen.runner.target import DeviceTarget

if TYPE_CHECKING:
    from pathlib import Path


def dummy_target(root: Path, board_id: str, *, elf_path: Path | None = None) -> DeviceTarget:
    """A target without a model; its firmware, where none is named, is where builds put it."""
    return DeviceTarget(
        root=root,
        board_id=board_id,
        board=load_board(board_id).spec,
        elf_path=elf_path or root / "out" / "tflm" / "firmware.elf",
        engine="tflm",
        kernels="reference",
        model_name="m",
        model=b"",
        model_crc=0,
    )
