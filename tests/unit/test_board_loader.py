from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.board_loader import load_board, parse_board
from tflm_gen.errors import BoardFileError, UnknownBoardError

TEXT = load_board("nrf52840").file_bytes.decode()


def refuse(old: str, new: str) -> BoardFileError:
    assert old in TEXT
    with pytest.raises(BoardFileError) as caught:
        parse_board(TEXT.replace(old, new, 1).encode(), "some.toml")
    assert caught.value.message.startswith("some.toml")
    return caught.value


def test_values_arrive() -> None:
    spec = load_board("nrf52840").spec
    flash = spec.region_for("model")
    assert flash is not None
    assert (flash.name, flash.origin, flash.size_bytes) == ("FLASH", 0, 1024 * 1024)
    assert spec.cpu.clock_hz == 64_000_000
    assert spec.region_for("runtime") is None


def test_misspelt_key_names_file_key_and_the_right_one() -> None:
    error = refuse("clock_hz", "clok_hz")
    assert "cpu.clok_hz: no such key" in error.message
    assert error.hint == "Did you mean 'clock_hz'?"


def test_misspelt_key_in_a_list_has_its_position() -> None:
    error = refuse("size_bytes = 0x4_0000", "size_byte = 0x4_0000")
    assert "memory[1].size_byte: no such key" in error.message
    assert "size_bytes" in error.hint


def test_misspelt_key_in_an_optional_table() -> None:
    assert "Did you mean 'platform'?" in refuse("platform =", "platfrom =").hint


def test_missing_key_is_named() -> None:
    assert "cpu.cycle_counter: the key is missing" in refuse('cycle_counter = "dwt"', "").message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("clock_hz = 64_000_000", 'clock_hz = "64 MHz"', "cpu.clock_hz"),
        ("clock_hz = 64_000_000", "clock_hz = 0", "greater than 0"),
        ("clock_hz = 64_000_000", "clock_hz = 64e6", "cpu.clock_hz"),
        ('tier = "linked"', 'tier = "works"', "tier"),
        ('name = "RAM"', 'name = "FLASH"', "two memory regions have the same name"),
        ("origin = 0x2000_0000", "origin = 0x0008_0000", "FLASH and RAM overlap"),
        ("origin = 0x2000_0000", "origin = 0xFFFF_0000", "past the 32-bit address space"),
        ('holds = ["code", "model"]', 'holds = ["code"]', "must hold 'model', not no region"),
        ('"stack", "arena"]', '"stack", "arena", "code"]', "not FLASH and RAM"),
        ("stack_bytes = 8_192", "stack_bytes = 8_190", "multiple of 16"),
        ("schema_version = 1", "schema_version = 2", "schema_version"),
        ("size_bytes = 0x4_0000", "size_bytes = 0x4_0000\nreserved_bytes = 0x5_0000", "reserved"),
        ('name = "Nordic nRF52840 DK"', 'name = " Nordic"', "one line of text"),
    ],
)
def test_wrong_value_is_refused(old: str, new: str, words: str) -> None:
    assert words in refuse(old, new).message


def test_not_toml_names_the_line() -> None:
    with pytest.raises(BoardFileError, match=r"x\.toml is not TOML: .*line 1"):
        parse_board(b"name = \n", "x.toml")


def test_unknown_board_names_the_nearest() -> None:
    with pytest.raises(UnknownBoardError) as caught:
        load_board("nrf52480")
    assert "nrf52840" in caught.value.hint
    assert "corstone300" in caught.value.message


def test_board_id_is_no_path() -> None:
    with pytest.raises(UnknownBoardError):
        load_board("../boards/host")


def test_own_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TEXT)
    assert load_board("mine", tmp_path).spec.family == "nrf52"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    with pytest.raises(BoardFileError):
        parse_board(data, "x.toml")
