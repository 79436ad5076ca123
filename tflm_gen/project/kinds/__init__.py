"""Kinds of projects, one module a kind with a ``KIND``; found by looking into this folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from tflm_gen.errors import UnsupportedChoiceError
from tflm_gen.project.kinds._kind import ProjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.board_loader import Board

__all__ = ["ProjectKind", "choose_kind", "discover"]

AUTO = "auto"
_ORDER = ("cmake", "esp-idf")
"""Which kind ``auto`` takes of those that suit a board."""


@cache
def discover() -> Mapping[str, ProjectKind]:
    """Every kind by its name.

    Raises:
        TypeError: If a module of this folder has no ``KIND``.
    """
    found: dict[str, ProjectKind] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        kind = getattr(importlib.import_module(f"{__name__}.{module.name}"), "KIND", None)
        if not isinstance(kind, ProjectKind):
            raise TypeError(f"{module.name} has no KIND")
        found[kind.name] = kind
    return found


def choose_kind(board: Board, name: str) -> ProjectKind:
    """The kind that was asked for, or the first that suits the board.

    Args:
        board: The board.
        name: A kind, or "auto".

    Raises:
        UnsupportedChoiceError: If it does not suit the board.
    """
    kinds = discover()
    suiting = [kind for kind in kinds.values() if kind.suits(board.spec)]
    if name == AUTO:
        return next(kinds[known] for known in _ORDER if kinds[known] in suiting)
    kind = kinds.get(name)
    if kind is None or kind not in suiting:
        raise UnsupportedChoiceError(
            f"{board.id} cannot have a project of kind {name!r}; it can have "
            f"{' or '.join(sorted(each.name for each in suiting))}",
            hint="Leave --project out, or choose one of those.",
        )
    return kind
