"""Sections, program headers and symbols of a little-endian ELF file (32 and 64 bits)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHT_SYMTAB = 2
_SHT_NOBITS = 8
_SHT_DYNSYM = 11
_SHF_WRITE = 1
_SHF_ALLOC = 2
_PT_LOAD = 1


class NotElfError(ValueError):
    """The bytes are no little-endian ELF file, or its tables are cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section: where it lies in memory and in the file.

    Attributes:
        name: Name of the section.
        address: Run-time address; 0 if it is not loaded.
        offset: Position in the file.
        size_bytes: Size in memory.
        kind: ELF's sh_type.
        flags: ELF's sh_flags.
    """

    name: str
    address: int
    offset: int
    size_bytes: int
    kind: int
    flags: int

    @property
    def is_loaded(self) -> bool:
        """The section takes memory when the program runs."""
        return bool(self.flags & _SHF_ALLOC) and self.size_bytes > 0

    @property
    def has_file_bytes(self) -> bool:
        """The section's contents are stored in the file (unlike .bss)."""
        return self.kind != _SHT_NOBITS

    @property
    def is_writable(self) -> bool:
        """The program may write the section."""
        return bool(self.flags & _SHF_WRITE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One loadable program header."""

    address: int
    load_address: int
    offset: int
    file_bytes: int
    memory_bytes: int


class Symbol(NamedTuple):
    """One defined symbol; the address keeps the Thumb bit of functions.

    A NamedTuple, because a firmware image has tens of thousands and dataclasses cost three times
    as much to make.
    """

    name: str
    address: int
    size_bytes: int


class _Layout(NamedTuple):
    """Struct formats of one ELF class."""

    header: str
    section: str
    program: str
    symbol: str


_LAYOUT_32 = _Layout(
    "<16sHHIIIIIHHHHHH",
    "<IIIIIIIIII",
    "<IIIIIIII",
    "<IIIBBH",
)
_LAYOUT_64 = _Layout(
    "<16sHHIQQQIHHHHHH",
    "<IIQQQQIIQQ",
    "<IIQQQQQQ",
    "<IBBHQQ",
)


class ElfFile:
    """A parsed ELF file; the bytes stay with the caller's buffer.

    Raises:
        NotElfError: If the bytes are no little-endian ELF file.
    """

    def __init__(self, data: bytes) -> None:
        if data[:4] != b"\x7fELF" or len(data) < 52 or data[4] not in (1, 2) or data[5] != 1:
            raise NotElfError("not a little-endian ELF file")
        self.data = data
        self.is_64_bit = data[4] == 2
        self._layout = _LAYOUT_64 if self.is_64_bit else _LAYOUT_32
        try:
            self._read_tables()
        except (struct.error, IndexError) as error:
            raise NotElfError("the tables of the ELF file are cut off") from error

    def _read_tables(self) -> None:
        header = struct.unpack_from(self._layout.header, self.data)
        self.machine: int = header[2]
        self.entry: int = header[4]
        phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = header[5:14]
        raw = [
            struct.unpack_from(self._layout.section, self.data, shoff + i * shentsize)
            for i in range(shnum)
        ]
        names_offset = raw[shstrndx][4] if raw else 0
        self.sections = tuple(
            Section(
                name=self._string(names_offset + entry[0]),
                address=entry[3],
                offset=entry[4],
                size_bytes=entry[5],
                kind=entry[1],
                flags=entry[2],
            )
            for entry in raw
        )
        self._links = tuple(entry[6] for entry in raw)
        self.segments = tuple(
            segment
            for i in range(phnum)
            if (segment := self._segment(phoff + i * phentsize)) is not None
        )

    def _segment(self, offset: int) -> Segment | None:
        fields = struct.unpack_from(self._layout.program, self.data, offset)
        if fields[0] != _PT_LOAD:
            return None
        if self.is_64_bit:
            _, _, file_offset, address, load_address, file_bytes, memory_bytes, _ = fields
        else:
            _, file_offset, address, load_address, file_bytes, memory_bytes, _, _ = fields
        return Segment(
            address=address,
            load_address=load_address,
            offset=file_offset,
            file_bytes=file_bytes,
            memory_bytes=memory_bytes,
        )

    def _string(self, offset: int) -> str:
        end = self.data.index(b"\0", offset)
        return self.data[offset:end].decode("utf-8", "replace")

    def symbols(self) -> Iterator[Symbol]:
        """All defined, named symbols of the symbol tables (also the dynamic one)."""
        for section, link in zip(self.sections, self._links, strict=True):
            if section.kind not in (_SHT_SYMTAB, _SHT_DYNSYM):
                continue
            strings = self.sections[link].offset
            size = struct.calcsize(self._layout.symbol)
            table = self.data[section.offset : section.offset + section.size_bytes]
            table = table[: len(table) // size * size]
            for fields in struct.iter_unpack(self._layout.symbol, table):
                if self.is_64_bit:
                    name, _, _, index, address, size_bytes = fields
                else:
                    name, address, size_bytes, _, _, index = fields
                if index != 0 and name != 0:
                    yield Symbol(self._string(strings + name), address, size_bytes)

    def read(self, address: int, n_bytes: int) -> bytes:
        """Bytes stored at a run-time address.

        Raises:
            NotElfError: If no loaded section with file contents covers the range.
        """
        for section in self.sections:
            start = address - section.address
            if (
                section.is_loaded
                and section.has_file_bytes
                and 0 <= start <= section.size_bytes - n_bytes
            ):
                at = section.offset + start
                return self.data[at : at + n_bytes]
        raise NotElfError(f"no section holds {n_bytes} B at {address:#x}")
