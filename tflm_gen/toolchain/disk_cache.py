"""Results in the cache folder; a cache that cannot be used is never an error."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tflm_gen import resources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

JsonValue = str | int | float | bool | None | list[str]


def load_json(folder: str, name: str) -> dict[str, JsonValue] | None:
    """A stored result, or None if there is none that can be read."""
    path = resources.cache_dir() / folder / f"{name}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) else None


def store_json(folder: str, name: str, value: Mapping[str, JsonValue]) -> None:
    """Keep a result."""
    store_file(folder, f"{name}.json", lambda file: file.write(json.dumps(dict(value)).encode()))


def store_file(folder: str, name: str, write: Callable[[BinaryIO], object]) -> None:
    """Keep what ``write`` writes; readers never see half of it, a full disk is no error."""
    path = resources.cache_dir() / folder / name
    staged = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
        staged = Path(temporary)
        with os.fdopen(handle, "wb") as file:
            write(file)
        staged.replace(path)
    except OSError:
        if staged is not None:
            staged.unlink(missing_ok=True)
