"""Our ELF reader against pyelftools, on a 64-bit library and on a 32-bit image."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from hypothesis import given
from hypothesis import strategies as st

from tests.support.requirements import require
from tflm_gen.tflm.image import IMAGE, find_image
from tflm_gen.tflm.sources import find_wheel_library
from tflm_gen.toolchain.elf_file import ElfFile, NotElfError


def library() -> bytes:
    require("oracle")
    path = find_wheel_library()
    assert path is not None
    return path.read_bytes()


def image() -> bytes:
    require("image")
    path = find_image(IMAGE)
    assert path is not None
    return path.read_bytes()


@pytest.mark.parametrize("load", [library, image])
def test_same_as_pyelftools(load) -> None:
    data = load()
    ours, theirs = ElfFile(data), ELFFile(io.BytesIO(data))
    assert [(s.name, s.address, s.size_bytes) for s in ours.sections] == [
        (s.name, s["sh_addr"], s["sh_size"]) for s in theirs.iter_sections()
    ]
    assert [(s.address, s.load_address, s.file_bytes, s.memory_bytes) for s in ours.segments] == [
        (s["p_vaddr"], s["p_paddr"], s["p_filesz"], s["p_memsz"])
        for s in theirs.iter_segments()
        if s["p_type"] == "PT_LOAD"
    ]
    expected = [
        (symbol.name, symbol["st_value"], symbol["st_size"])
        for table in theirs.iter_sections()
        if isinstance(table, SymbolTableSection)
        for symbol in table.iter_symbols()
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name
    ]
    assert sorted(map(tuple, ours.symbols())) == sorted(expected)


def test_read_gives_the_bytes_of_a_section() -> None:
    data = image()
    elf = ElfFile(data)
    section = next(s for s in elf.sections if s.name == ".text.at_itcm")
    assert elf.read(section.address + 4, 8) == data[section.offset + 4 : section.offset + 12]
    with pytest.raises(NotElfError, match="no section holds"):
        elf.read(0xFFFF_FFF0, 4)
    bss = next(s for s in elf.sections if s.name == ".bss")
    with pytest.raises(NotElfError):
        elf.read(bss.address, 4)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(NotElfError):
        ElfFile(data)


def test_cut_files_are_refused(tmp_path: Path) -> None:
    data = library()
    for length in (10, 60, 1000, len(data) // 2):
        with pytest.raises(NotElfError):
            ElfFile(data[:length])
