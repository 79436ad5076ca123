from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tflm_gen.board_loader import list_board_ids, load_board
from tflm_gen.board_new import TIER, write_new_board
from tflm_gen.cli import run
from tflm_gen.errors import BoardFileError, OutputFolderError, UnknownBoardError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = list_board_ids()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of boards, not there yet."""
    path = tmp_path / "mine" / "boards"
    monkeypatch.setenv("TFLM_GEN_BOARDS", str(path))
    return path


@pytest.mark.parametrize("board_id", SHIPPED)
def test_a_board_can_be_made_from_every_board(board_id: str, folder: Path) -> None:
    name = 'The "new" \\1 board'
    path = write_new_board("mine", from_id=board_id, name=name)
    assert path == folder / "mine.toml"
    made, origin = load_board("mine").spec, load_board(board_id).spec
    assert (made.name, made.tier) == (name, TIER)
    assert made.source[0].startswith(f"copied from tflm-gen's board {board_id};")
    assert made.source[1:] == origin.source
    changed = {"name": origin.name, "tier": origin.tier, "source": origin.source}
    assert made.model_copy(update=changed) == origin
    assert "mine" in list_board_ids()


def test_the_name_is_the_id_by_default() -> None:
    write_new_board("my_board", from_id="nrf52840")
    assert load_board("my_board").spec.name == "my_board"


@pytest.mark.parametrize("board_id", ["", "My", "../x", "a-b", "1a", "a b"])
def test_what_is_no_id_is_refused(board_id: str) -> None:
    with pytest.raises(UsageError, match="cannot be a board's id"):
        write_new_board(board_id, from_id="nrf52840")


def test_no_board_is_replaced() -> None:
    write_new_board("mine", from_id="host")
    for taken in ("mine", "nrf52840"):
        with pytest.raises(UsageError, match=f"there is a board {taken} already"):
            write_new_board(taken, from_id="host")


def test_the_board_to_start_from_must_exist() -> None:
    with pytest.raises(UnknownBoardError, match="no board 'nrf528'"):
        write_new_board("mine", from_id="nrf528")


def test_a_name_that_the_schema_refuses_writes_nothing(folder: Path) -> None:
    with pytest.raises(BoardFileError, match="name: must be one line"):
        write_new_board("mine", from_id="host", name=" x")
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    folder.parent.write_text("a file")
    with pytest.raises(OutputFolderError, match=r"cannot write .*mine\.toml"):
        write_new_board("mine", from_id="host")


def test_a_file_of_the_user_cannot_replace_a_board_of_the_tool(folder: Path) -> None:
    write_new_board("mine", from_id="host")
    (folder / "mine.toml").rename(folder / "nrf52840.toml")
    assert load_board("nrf52840").spec.name == "Nordic nRF52840 DK"


def test_a_mistake_made_later_is_named_with_file_and_key(folder: Path) -> None:
    path = write_new_board("mine", from_id="nrf52840")
    path.write_text(path.read_text().replace("baud =", "bawd =", 1))
    with pytest.raises(BoardFileError, match=r"mine\.toml: console\.bawd: no such key"):
        load_board("mine")


def test_the_command_says_where_the_file_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["boards", "new", "mine", "--from", "nrf52840", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "schema": "tflm-gen/boards-new/1",
        "board": "mine",
        "from": "nrf52840",
        "file": str(folder / "mine.toml"),
    }
    assert run(["boards", "show", "mine"]) == 0
    assert run(["boards", "list"]) == 0
    assert "mine" in capsys.readouterr().out
    assert run(["boards", "new", "mine", "--from", "nrf52840"]) == 2
