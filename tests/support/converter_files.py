"""The fixtures that TensorFlow's converter wrote; :mod:`tests.support.converter_models` made them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "converter"
MANIFEST = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))
NAMES: tuple[str, ...] = tuple(sorted(MANIFEST["sha256"]))


@cache
def converted(name: str) -> bytes:
    """The bytes of a fixture."""
    return (FOLDER / f"{name}.tflite").read_bytes()
