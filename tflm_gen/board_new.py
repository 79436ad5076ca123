"""Makes a board file of the user's own from one that exists; it is read like any other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.board_loader import list_board_ids, load_board, parse_board
from tflm_gen.errors import OutputFolderError, UsageError
from tflm_gen.project.output_file import write_output

if TYPE_CHECKING:
    from pathlib import Path

TIER = "generated only"
_ID = re.compile(r"[a-z][a-z0-9_]*")


def new_board_text(file_bytes: bytes, *, board_id: str, from_id: str, name: str) -> str:
    """The file of a new board: that of another with the new name, and nothing said to be tried.

    Args:
        file_bytes: The other board's file.
        board_id: Of the new board.
        from_id: Of the other.
        name: Of the new board, for reports.
    """
    text = file_bytes.decode("utf-8")
    text = _replace(text, "name", name)
    text = _replace(text, "tier", TIER)
    where = f"copied from tflm-gen's board {from_id}; correct it and name what you read it in"
    text = re.sub(r"(?m)^source = \[", lambda _: f'source = [\n  "{where}",', text, count=1)
    return (
        f"# Made from {from_id}.toml. Correct what is different on your board: memory, console\n"
        "# pins, clock, flash tools; leave emulators out that are not like it. Then:\n"
        f"#   tflm-gen boards show {board_id}\n"
        f"{text}"
    )


def _replace(text: str, key: str, value: str) -> str:
    """The text with another value of a top-level key."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return re.sub(rf'(?m)^{key} = ".*?"', lambda _: f'{key} = "{quoted}"', text, count=1)


def write_new_board(board_id: str, *, from_id: str, name: str | None = None) -> Path:
    """Write the file of a new board into the user's folder and check that it can be read.

    Args:
        board_id: Of the new board.
        from_id: The board to start from.
        name: For reports; the id by default.

    Raises:
        UsageError: If the id is no identifier or is taken.
        UnknownBoardError: If there is no board to start from.
        BoardFileError: If the result does not follow the schema, for example for its name.
        OutputFolderError: If it cannot be written.
    """
    if not _ID.fullmatch(board_id):
        raise UsageError(
            f"{board_id!r} cannot be a board's id",
            hint="Take lower case letters, digits and _, a letter first.",
        )
    if board_id in list_board_ids():
        raise UsageError(
            f"there is a board {board_id} already", hint=f"See: tflm-gen boards show {board_id}"
        )
    source = load_board(from_id)
    text = new_board_text(
        source.file_bytes, board_id=board_id, from_id=from_id, name=name or board_id
    )
    path = resources.user_boards_dir() / f"{board_id}.toml"
    parse_board(text.encode("utf-8"), path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFolderError(
            f"cannot write {path}: {error.strerror}",
            hint="Name another folder: TFLM_GEN_BOARDS=FOLDER.",
        ) from error
    write_output(path, text.encode("utf-8"), option="TFLM_GEN_BOARDS=FOLDER")
    return path
