"""Reads ``boards/<id>.toml``; every error names the file and the key."""

from __future__ import annotations

import difflib
import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tflm_gen import resources
from tflm_gen.board_spec import BoardSpec
from tflm_gen.errors import BoardFileError, UnknownBoardError
from tflm_gen.project.read_file import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board with its id and the exact bytes of its file.

    Attributes:
        id: File name less ``.toml``.
        spec: What the file says.
        file_bytes: The file, for hashes and for the copy in generated projects.
    """

    id: str
    spec: BoardSpec
    file_bytes: bytes


def list_board_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Ids of all boards, sorted: the tool's own and the user's, or those of one folder."""
    return tuple(sorted(_board_files(folder)))


def _board_files(folder: Path | None) -> dict[str, Path]:
    """Board files by id. The user's cannot replace one of the tool's: its facts have sources."""
    folders = (resources.user_boards_dir(), resources.boards_dir()) if folder is None else (folder,)
    return {path.stem: path for each in folders for path in each.glob("*.toml")}


def load_board(board_id: str, folder: Path | None = None) -> Board:
    """Read a board by its id.

    Args:
        board_id: File name in the folder, less ``.toml``.
        folder: Where the board files are; the tool's own and the user's by default.

    Raises:
        UnknownBoardError: If there is no such file; the hint names the nearest ids.
        BoardFileError: If the file does not follow the schema.
    """
    files = _board_files(folder)
    known = sorted(files)
    if board_id not in files:
        near = difflib.get_close_matches(board_id.lower(), known, n=3, cutoff=0.5)
        guess = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UnknownBoardError(
            f"no board {board_id!r}; there are {len(known)}: {', '.join(known)}",
            hint=f"{guess}See: tflm-gen boards list",
        )
    path = files[board_id]
    try:
        file_bytes = read_regular(path, limit=_MAX_BYTES)
    except OSError as error:
        raise BoardFileError(
            f"{path}: cannot be read ({error.strerror})", hint="A board is a small TOML file."
        ) from error
    return Board(id=board_id, spec=parse_board(file_bytes, path.name), file_bytes=file_bytes)


def parse_board(file_bytes: bytes, file_name: str) -> BoardSpec:
    """Check the text of a board file.

    Raises:
        BoardFileError: Naming the file and the first key that is wrong.
    """
    try:
        values = tomllib.loads(file_bytes.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BoardFileError(
            f"{file_name} is not TOML: {error}", hint="Correct the line the message names."
        ) from error
    try:
        # Through JSON, whose arrays a strict schema takes for tuples.
        return BoardSpec.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        # An unknown key first: where one is misspelled, the right one is missing too.
        details = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        first = details[0]
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        raise BoardFileError(
            f"{file_name}: {_key(first)}: {_words(first)}{more}",
            hint=_hint(first, values),
        ) from error


def _key(detail: ErrorDetails) -> str:
    """The place of an error as a TOML reader writes it: ``memory[1].size_bytes``."""
    text = ""
    for part in detail["loc"]:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the whole file"


def _words(detail: ErrorDetails) -> str:
    """The message of an error without pydantic's own prefixes."""
    if detail["type"] == "extra_forbidden":
        return "no such key"
    if detail["type"] == "missing":
        return "the key is missing"
    return detail["msg"].removeprefix("Value error, ")


def _hint(detail: ErrorDetails, values: dict[str, object]) -> str:
    """What to do about an error: the nearest key for a misspelled one."""
    if detail["type"] == "extra_forbidden":
        known = _keys_at(detail)
        near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1, cutoff=0.5)
        if near:
            return f"Did you mean {near[0]!r}?"
    return "The keys and their values are described in boards/schema.json."


def _keys_at(detail: ErrorDetails) -> list[str]:
    """Keys that the schema allows where an unknown one stands."""
    schema = BoardSpec.model_json_schema()
    node = schema
    for part in detail["loc"][:-1]:
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part, {})
        for option in node.get("anyOf", ()):
            node = option if "$ref" in option else node
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return list(node.get("properties", {}))


def board_schema() -> str:
    """Text of ``boards/schema.json``, for editors that check TOML files."""
    schema = BoardSpec.model_json_schema()
    schema["title"] = "tflm-gen board file"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
