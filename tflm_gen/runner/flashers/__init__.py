"""Flash tools, one module each: a module that defines ``FLASHER`` is found by ``discover()``.

To add one, write ``<name>.py`` here with ``FLASHER = Flasher(name=..., ...)``, add its name to
``FlashTool`` in :mod:`tflm_gen.board_spec`, and a test with its exact command line and with the
output of one success and one failure.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.runner.flashers._flasher import Flasher

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Flasher", "discover"]


def discover() -> Mapping[str, Flasher]:
    """All flash tools by name.

    Raises:
        TypeError: If a module of this folder has no ``FLASHER``.
    """
    found: dict[str, Flasher] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.startswith("_"):
            continue
        flasher = getattr(importlib.import_module(f"{__name__}.{module.name}"), "FLASHER", None)
        if not isinstance(flasher, Flasher):
            raise TypeError(f"{__name__}.{module.name} defines no FLASHER")
        found[flasher.name] = flasher
    return found
