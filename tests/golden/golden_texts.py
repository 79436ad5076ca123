"""Compares generated files with whole texts in expected/; TFLM_GEN_UPDATE_GOLDEN=1 rewrites them."""

from __future__ import annotations

import os
from pathlib import Path

EXPECTED = Path(__file__).resolve().parent / "expected"
UPDATE_VARIABLE = "TFLM_GEN_UPDATE_GOLDEN"


def check_golden(case: str, files: dict[str, bytes], *, may_update: bool = True) -> None:
    """Every file of the case must have its expected text, and no expected file may be left over."""
    folder = EXPECTED / case
    if may_update and os.environ.get(UPDATE_VARIABLE) == "1":
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, data in files.items():
            (folder / name).write_bytes(data)
    expected = {path.name: path.read_text() for path in folder.iterdir()}
    assert {name: data.decode() for name, data in files.items()} == expected
