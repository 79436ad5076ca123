"""Bisects the smallest arena; where the sizes are tried is the caller's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import FirmwareError

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_BYTES = 16
"""TFLM aligns to 16 bytes, so no other sizes make a difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaSearch:
    """What was tried.

    Attributes:
        ran_at_bytes: Smallest size that ran.
        failed_at_bytes: Largest size that failed, one step below; 0 if nothing failed.
        trials: Every (size, ran), in the order tried.
        is_steady: The outputs did not depend on the arena's size; see :mod:`tflm_gen.arena.search`.
    """

    ran_at_bytes: int
    failed_at_bytes: int
    trials: tuple[tuple[int, bool], ...]
    is_steady: bool = True


def find_smallest_arena(
    runs_at: Callable[[int], bool], *, high_bytes: int, guess_bytes: int | None = None
) -> ArenaSearch:
    """Bisect between nothing and high_bytes, both multiples of the step.

    The answer was tried itself, and so was the size one step below: an arena is proven only if
    it ran and the next smaller one did not. That larger arenas work where smaller ones do is
    assumed between, not tried.

    Args:
        runs_at: Tries one size.
        high_bytes: Largest size to consider.
        guess_bytes: Likely answer (the runtime's own figure); narrows the search first.

    Raises:
        FirmwareError: If not even the largest size runs.
    """
    trials: list[tuple[int, bool]] = []

    def run(size_bytes: int) -> bool:
        ran = runs_at(size_bytes)
        trials.append((size_bytes, ran))
        return ran

    high = high_bytes // STEP_BYTES
    low = 0  # Nothing runs in no memory.
    is_high_known = False
    if guess_bytes is not None and guess_bytes > 0:
        guess = min(high, max(1, -(-guess_bytes // STEP_BYTES)))
        low, high, is_high_known = _bracket(run, guess, high)
    if not is_high_known and not run(high * STEP_BYTES):
        raise FirmwareError(
            f"the model does not run in an arena of {high * STEP_BYTES:,} bytes",
            hint="Choose a board with more memory: tflm-gen boards list",
        )
    while high - low > 1:
        middle = (low + high) // 2
        if run(middle * STEP_BYTES):
            high = middle
        else:
            low = middle
    return ArenaSearch(
        ran_at_bytes=high * STEP_BYTES, failed_at_bytes=low * STEP_BYTES, trials=tuple(trials)
    )


def _bracket(run: Callable[[int], bool], guess: int, high: int) -> tuple[int, int, bool]:
    """Walk away from the guess in growing steps.

    Returns:
        A size that fails, one above it, and whether that one was tried and ran.
    """
    step = 1
    if run(guess * STEP_BYTES):
        low = guess
        while low > 0:
            known, low = low, max(0, low - step)
            if low == 0 or not run(low * STEP_BYTES):
                return low, known, True
            step *= 4
    low, upper = guess, guess + step
    while upper < high:
        if run(upper * STEP_BYTES):
            return low, upper, True
        low, upper, step = upper, upper + 4 * step, 4 * step
    return low, high, False
