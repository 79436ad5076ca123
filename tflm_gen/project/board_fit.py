"""Which boards have the flash and RAM that a model needs: an estimate, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.board_loader import list_board_ids, load_board
from tflm_gen.errors import DoesNotFitError
from tflm_gen.memory_plan import LinkedSizes, plan_memory

if TYPE_CHECKING:
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
        fits: The estimate says that everything has room.
        reason: The first region that is too small, with numbers; empty if it fits.
    """

    board: Board
    fits: bool
    reason: str


def fit_all_boards(*, model_bytes: int, arena: ArenaResult) -> tuple[BoardFit, ...]:
    """Every board but the host, with the answer."""
    boards = [load_board(board_id) for board_id in list_board_ids()]
    return tuple(_fit(board, model_bytes, arena) for board in boards if not board.spec.is_host)


def _fit(board: Board, model_bytes: int, arena: ArenaResult) -> BoardFit:
    has_image = "corstone300_image" in board.spec.tflm.sources
    code_bytes = OWN_CODE_BYTES + (0 if has_image else RUNTIME_CODE_BYTES)
    try:
        plan_memory(
            board=board,
            model_bytes=model_bytes,
            arena=arena,
            linked=LinkedSizes(code_bytes=code_bytes, data_bytes=OWN_DATA_BYTES),
        )
    except DoesNotFitError as error:
        return BoardFit(board=board, fits=False, reason=error.message)
    return BoardFit(board=board, fits=True, reason="")
