"""What an emulator is to the rest of the tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tflm_gen.errors import TflmGenError
    from tflm_gen.runner.link import DeviceLink
    from tflm_gen.runner.target import DeviceTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """One way to run firmware without the board.

    Attributes:
        name: As in ``--with NAME``.
        timing_basis: What its ticks mean; one of the project's bases.
        is_described_for: The board's file has what this emulator needs to run the board.
        obstacle: Why it cannot run this project here and now, as the error to raise; else None.
        open: Starts it; it is stopped on leaving the context.
    """

    name: str
    timing_basis: str
    is_described_for: Callable[[DeviceTarget], bool]
    obstacle: Callable[[DeviceTarget], TflmGenError | None]
    open: Callable[[DeviceTarget], AbstractContextManager[DeviceLink]]
