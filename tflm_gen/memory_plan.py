"""What the firmware reserves, and whether the board has that much: arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tflm_gen.errors import DoesNotFitError
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.board_loader import Board
    from tflm_gen.board_spec import Holding

ArenaBasis = Literal["proven", "modelled", "static", "unproven"]

ARENA_GUARD_BYTES = 64
"""Guard bytes that the firmware keeps round the arena, with their alignment."""

# Our own variables before they are linked, generously; only to choose the first arena to try.
_OWN_DATA_BYTES = 16 * 1024

_WORDS: Mapping[Holding, str] = {
    "code": "code",
    "model": "model",
    "data": "variables",
    "stack": "stack",
    "arena": "tensor arena",
    "runtime": "TFLM",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaResult:
    """Size of the arena and how it is known.

    Attributes:
        size_bytes: Reserved bytes.
        basis: "proven", "modelled", "static" or "unproven".
        ran_at: Smallest size that ran, if proven.
        failed_at: Largest size that failed, if one did.
        margin_bytes: Headroom in ``size_bytes``.
        modelled_from: What the margin was added to, if modelled; how good the plan is, if static.
    """

    size_bytes: int
    basis: ArenaBasis
    ran_at: int | None
    failed_at: int | None
    margin_bytes: int
    modelled_from: str = "smallest of this machine"

    @property
    def needed_bytes(self) -> int:
        """What the model is known to need; 0 if that is not known."""
        return 0 if self.basis == "unproven" else self.size_bytes - self.margin_bytes

    @property
    def words(self) -> str:
        """How the size is known, for comments and reasons."""
        if self.basis == "proven":
            failed = f", failed at {self.failed_at}" if self.failed_at else ""
            apart = (
                f", and {self.margin_bytes} bytes that keep temporary data apart"
                if self.margin_bytes
                else ""
            )
            return f"proven: ran at {self.ran_at}{failed}{apart}"
        if self.basis == "modelled":
            return f"modelled: {self.modelled_from} and {self.margin_bytes} bytes of margin"
        if self.basis == "static":
            return f"static plan of the compiled engine: exact, {self.modelled_from}"
        return "unproven: all that the board has"


def unproven_arena(size_bytes: int) -> ArenaResult:
    """An arena of some size that nobody has tried."""
    return ArenaResult(
        size_bytes=size_bytes, basis="unproven", ran_at=None, failed_at=None, margin_bytes=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Something that lies in a memory region of the board.

    Attributes:
        what: What it is.
        region: Name of the region.
        size_bytes: Its length.
        free_bytes: Length of the region, less what others keep of it.
    """

    what: Holding
    region: str
    size_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """Bytes the generated firmware reserves.

    Attributes:
        model_flash_bytes: The .tflite image as it lies in flash.
        arena_used_bytes: The smallest arena known to work.
        arena_margin_bytes: Headroom on top of it; 0 for a proven arena.
        arena_align_bytes: Start alignment of the arena; a power of two.
        arena_basis: How arena_used_bytes is known; printed next to it in every report.
        placements: What lies where; empty on the host.
    """

    model_flash_bytes: int
    arena_used_bytes: int
    arena_margin_bytes: int
    arena_align_bytes: int = 16
    arena_basis: ArenaBasis
    placements: tuple[Placement, ...] = ()

    def __post_init__(self) -> None:
        """Reject an alignment that the linker would refuse later and less clearly."""
        if self.arena_align_bytes.bit_count() != 1:
            raise ValueError(f"arena_align_bytes={self.arena_align_bytes} is not a power of two")

    @property
    def arena_bytes(self) -> int:
        """Arena to reserve: used plus margin, rounded up to the alignment."""
        wanted_bytes = self.arena_used_bytes + self.arena_margin_bytes
        return align_up(wanted_bytes, self.arena_align_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedSizes:
    """What the linker made of our own code: code with its constants, and variables."""

    code_bytes: int
    data_bytes: int


def plan_memory(
    *, board: Board, model_bytes: int, arena: ArenaResult, linked: LinkedSizes | None = None
) -> MemoryPlan:
    """Place model, arena, stack and code in the board's memory and check that all fit.

    Args:
        board: Where the firmware runs.
        model_bytes: Length of the .tflite image.
        arena: The tensor arena.
        linked: Sizes of our code, once it is linked.

    Raises:
        DoesNotFitError: With the region, the bytes that are wanted, and what to shorten.
    """
    wanted: dict[Holding, int] = {
        "model": model_bytes,
        "stack": board.spec.firmware.stack_bytes,
        "arena": arena.size_bytes + ARENA_GUARD_BYTES,
        "code": linked.code_bytes if linked else 0,
        "data": linked.data_bytes if linked else 0,
    }
    placements: list[Placement] = []
    for what, size_bytes in wanted.items():
        region = board.spec.region_for(what)
        if region is not None and size_bytes:
            placements.append(
                Placement(
                    what=what,
                    region=region.name,
                    size_bytes=size_bytes,
                    free_bytes=region.free_bytes,
                )
            )
    _check_fit(placements, board.id)
    return MemoryPlan(
        model_flash_bytes=model_bytes,
        arena_used_bytes=arena.size_bytes - arena.margin_bytes,
        arena_margin_bytes=arena.margin_bytes,
        arena_basis=arena.basis,
        placements=tuple(placements),
    )


def largest_arena_bytes(board: Board) -> int | None:
    """Bytes that an arena may take at most on a board, or None without a limit."""
    region = board.spec.region_for("arena")
    if region is None:
        return None
    others = ARENA_GUARD_BYTES
    if "stack" in region.holds:
        others += board.spec.firmware.stack_bytes
    if "data" in region.holds:
        others += _OWN_DATA_BYTES
    return max(0, region.free_bytes - others) // 16 * 16


def _check_fit(placements: list[Placement], board_id: str) -> None:
    """Compare what is wanted of every region with what it has."""
    by_region: dict[str, list[Placement]] = {}
    for placement in placements:
        by_region.setdefault(placement.region, []).append(placement)
    for region, items in by_region.items():
        needed_bytes = sum(item.size_bytes for item in items)
        free_bytes = items[0].free_bytes
        if needed_bytes <= free_bytes:
            continue
        parts = " + ".join(f"{_WORDS[item.what]} {item.size_bytes:,} B" for item in items)
        largest = max(items, key=lambda item: item.size_bytes)
        raise DoesNotFitError(
            f"{board_id}: {parts} = {needed_bytes:,} B do not fit into the {free_bytes:,} B of "
            f"{region} ({needed_bytes - free_bytes:,} B too many)",
            hint=_shorten(largest.what),
        )


def _shorten(what: Holding) -> str:
    """What makes the largest item smaller."""
    if what == "arena":
        return (
            "Shorten the ECG window or narrow the widest layer (the arena holds activations), "
            "or list boards that fit: tflm-gen boards fit MODEL"
        )
    if what == "model":
        return (
            "Quantize the model to int8 or take filters out of its largest layer, "
            "or list boards that fit: tflm-gen boards fit MODEL"
        )
    return "List boards that fit: tflm-gen boards fit MODEL"
