"""Values of a TOML table, each of the type that its key asks for.

They raise KeyError for a missing key and ValueError, naming it, for another type.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# TOML's own, which Python's reader does not keep: a longer number is no float either.
_LARGEST_WHOLE = (1 << 63) - 1


def table_of(parent: Mapping[str, object], key: str, keys: str) -> Mapping[str, object]:
    """A table with no other keys than these, given as words."""
    value = parent[key]
    if not isinstance(value, dict):
        raise ValueError(f"{key} is not a table")
    refuse_unknown(value, keys, f"{key}.")
    return value


def refuse_unknown(table: Mapping[str, object], keys: str, prefix: str = "") -> None:
    """A misspelt key must not pass for one that was left out."""
    if unknown := sorted(set(table) - set(keys.split())):
        raise ValueError(f"unknown keys: {', '.join(prefix + key for key in unknown)}")


def text_of(parent: Mapping[str, object], key: str) -> str:
    """A text with something in it."""
    value = parent[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is not a text")
    return value


def texts_of(parent: Mapping[str, object], key: str) -> tuple[str, ...]:
    """A list of texts."""
    value = parent[key]
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(f"{key} is not a list of texts with something in them")
    return tuple(value)


def whole_of(parent: Mapping[str, object], key: str) -> int:
    """A whole number."""
    value = parent[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{key} is not a whole number")
    if abs(value) > _LARGEST_WHOLE:
        raise ValueError(f"{key} is beyond {_LARGEST_WHOLE}")
    return value


def number_of(parent: Mapping[str, object], key: str) -> float:
    """A finite number."""
    value = parent[key]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{key} is not a number")
    if isinstance(value, int):
        value = whole_of(parent, key)
    if not math.isfinite(value):
        raise ValueError(f"{key} is {value}")
    return float(value)


def numbers_of(parent: Mapping[str, object], key: str) -> tuple[float, ...]:
    """A list of numbers."""
    value = parent[key]
    if not isinstance(value, list):
        raise ValueError(f"{key} is not a list of numbers")
    return tuple(number_of({key: item}, key) for item in value)
