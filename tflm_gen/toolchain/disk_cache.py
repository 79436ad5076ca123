"""Small JSON results in the cache folder; a cache that cannot be used is never an error."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen import resources

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Keep a result; readers never see half of it."""
    path = resources.cache_dir() / folder / f"{name}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(dict(value), stream)
        Path(temporary).replace(path)
    except OSError:
        return
