"""Which boards have the flash and RAM that a model needs: an estimate, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.board_loader import list_board_ids, load_board
from tflm_gen.errors import DoesNotFitError
from tflm_gen.memory_plan import LinkedSizes, plan_memory, unproven_arena

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.board_loader import Board
    from tflm_gen.memory_plan import ArenaResult

# What our application and an interpreter with a few dozen operators take, generously: the field's
# guides name 20 to 50 KB for the interpreter, and our own application has about 30 KB.
RUNTIME_CODE_BYTES = 96 * 1024
OWN_CODE_BYTES = 40 * 1024
OWN_DATA_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFit:
    """One board and one model.

    Attributes:
        board: The board.
        arena: The tensor arena there, or None if it is not known.
        flash_bytes: Model and code, estimated.
        ram_bytes: Arena, stack and variables, estimated; None without an arena.
        fits: The estimate says that everything has room.
        reason: The first region that is too small, with numbers; empty if it fits.
    """

    board: Board
    arena: ArenaResult | None
    flash_bytes: int
    ram_bytes: int | None
    fits: bool
    reason: str


def fit_all_boards(
    *, model_bytes: int, arena_on: Callable[[Board], ArenaResult | None]
) -> tuple[BoardFit, ...]:
    """Every board but the host, with the answer.

    Args:
        model_bytes: Length of the model.
        arena_on: The arena on a board, or None if it is not known.
    """
    boards = [load_board(board_id) for board_id in list_board_ids()]
    return tuple(
        _fit(board, model_bytes, arena_on(board)) for board in boards if not board.spec.is_host
    )


def _fit(board: Board, model_bytes: int, arena: ArenaResult | None) -> BoardFit:
    has_image = "corstone300_image" in board.spec.tflm.sources
    code_bytes = OWN_CODE_BYTES + (0 if has_image else RUNTIME_CODE_BYTES)
    reason = ""
    try:
        plan_memory(
            board=board,
            model_bytes=model_bytes,
            arena=arena or unproven_arena(0),
            linked=LinkedSizes(code_bytes=code_bytes, data_bytes=OWN_DATA_BYTES),
        )
    except DoesNotFitError as error:
        reason = error.message
    ram_bytes = None
    if arena is not None:
        ram_bytes = arena.size_bytes + board.spec.firmware.stack_bytes + OWN_DATA_BYTES
    return BoardFit(
        board=board,
        arena=arena,
        flash_bytes=model_bytes + code_bytes,
        ram_bytes=ram_bytes,
        fits=not reason,
        reason=reason,
    )
