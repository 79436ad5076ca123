"""A firmware cannot be built with less arena than its certificate names, nor with more beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.programs import run
from tests.support.requirements import require
from tflm_gen.project.arena_header import arena_config
from tflm_gen.resources import firmware_templates_dir

TEMPLATES = firmware_templates_dir()
INTRUDER = '[[gnu::section(".arena"), gnu::used]] unsigned char intruder[16];\n'


def write_header(folder: Path, arena_bytes: int, needed_bytes: int) -> None:
    header = arena_config(arena_bytes, "a test", floor_bytes=None, needed_bytes=needed_bytes)
    (folder / "arena_config.h").write_bytes(header)


def compile_arena(folder: Path, *more: str) -> str:
    """What the compiler says; empty if it is content."""
    source = TEMPLATES / "common" / "src" / "arena.cc"
    include = TEMPLATES / "common" / "include"
    return run(
        *("arm-none-eabi-g++", "-mcpu=cortex-m4", "-mthumb", "-std=c++17"),
        *(f"-I{folder}", f"-I{include}", *more, source),
    ).stderr


def test_the_compiler_refuses_less_than_is_needed(tmp_path: Path) -> None:
    require("cross")
    write_header(tmp_path, 1600, 1600)
    assert compile_arena(tmp_path, "-fsyntax-only") == ""
    write_header(tmp_path, 1584, 1600)
    said = compile_arena(tmp_path, "-fsyntax-only")
    assert "the arena is smaller than what the model is known to need" in said


@pytest.mark.parametrize("port", ["cortex_m", "corstone300"])
@pytest.mark.parametrize(
    ("linked_bytes", "has_intruder", "is_refused"),
    [(1600, False, False), (1584, False, True), (1616, False, True), (1600, True, True)],
)
def test_the_linker_refuses_another_size(
    port: str, linked_bytes: int, has_intruder: bool, is_refused: bool, tmp_path: Path
) -> None:
    require("cross")
    write_header(tmp_path, 1600, 1600)
    other = tmp_path / "other.cc"
    other.write_text(INTRUDER if has_intruder else "")
    script = shutil.copy(TEMPLATES / "port" / port / "link.ld", tmp_path)
    numbers = {
        "ECG_ARENA_BYTES": linked_bytes,
        **{"ECG_FLASH_ORIGIN": 0, "ECG_FLASH_BYTES": 1 << 20},
        **{"ECG_RAM_ORIGIN": 0x20000000, "ECG_RAM_BYTES": 1 << 16},
        **{"ECG_ARENA_ORIGIN": 0x31000000, "ECG_ARENA_REGION_BYTES": 1 << 20},
    }
    said = compile_arena(
        tmp_path,
        *("-nostdlib", "-Wl,--entry=0", f"-T{script}", f"-o{tmp_path / 'out.elf'}"),
        *(f"-L{TEMPLATES / 'port' / 'corstone300' / 'no_image'}",),
        *(f"-Wl,--defsym={name}={value}" for name, value in numbers.items()),
        str(other),
    )
    assert ("the arena is not as large as generated/arena_config.h says" in said) == is_refused
