"""Emulators, one module each: a module that defines ``EMULATOR`` is found by ``discover()``.

To add one, write ``<name>.py`` here with ``EMULATOR = Emulator(name=..., ...)``, and a test with
its exact command line. The order in which emulators are tried is the contract's: see
:mod:`tflm_gen.runner.select`.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.runner.emulators._emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Emulator", "discover"]


def discover() -> Mapping[str, Emulator]:
    """All emulators by name.

    Raises:
        TypeError: If a module of this folder has no ``EMULATOR``.
    """
    found: dict[str, Emulator] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.startswith("_"):
            continue
        emulator = getattr(importlib.import_module(f"{__name__}.{module.name}"), "EMULATOR", None)
        if not isinstance(emulator, Emulator):
            raise TypeError(f"{__name__}.{module.name} defines no EMULATOR")
        found[emulator.name] = emulator
    return found
