"""Bounds-checked access to a TFLite flatbuffer; nothing is read that the file does not hold.

A flatbuffer's references are byte offsets chosen by whoever wrote the file. Every one is checked
against the file's length and the element's alignment before it is followed, and a violation is a
:class:`MalformedModelError` that names the byte offset and the path through the tables.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NoReturn

from tflm_gen.errors import MalformedModelError
from tflm_gen.model.text import shortened

if TYPE_CHECKING:
    from tflm_gen.model.schema import FieldDef, Schema, TableDef

_SCALARS = {
    "bool": struct.Struct("<?"),
    "i8": struct.Struct("<b"),
    "u8": struct.Struct("<B"),
    "i16": struct.Struct("<h"),
    "u16": struct.Struct("<H"),
    "i32": struct.Struct("<i"),
    "u32": struct.Struct("<I"),
    "i64": struct.Struct("<q"),
    "u64": struct.Struct("<Q"),
    "f32": struct.Struct("<f"),
    "f64": struct.Struct("<d"),
}
_CODES = {name: packer.format[1:] for name, packer in _SCALARS.items()}
_U16 = _SCALARS["u16"]
_U32 = _SCALARS["u32"]
_I32 = _SCALARS["i32"]
_MESSAGE_LIMIT = 400
_HINT = "The file is damaged or was cut; convert or copy the model again."


def fail_malformed(message: str, *, hint: str = _HINT) -> NoReturn:
    """Raise the error of a broken structure; a file decides how long its lists are."""
    raise MalformedModelError(shortened(message, _MESSAGE_LIMIT), hint=hint)


def scalar_bytes(type_name: str) -> int:
    """Bytes of an element of that type."""
    return _SCALARS[type_name].size


class Table:
    """One table in the file: its position, its definition, and how it was reached."""

    __slots__ = (
        "_data",
        "_inline_bytes",
        "_slots",
        "_vtable",
        "definition",
        "path",
        "pos",
        "schema",
    )

    def __init__(
        self, data: bytes, pos: int, definition: TableDef, *, schema: Schema, path: str
    ) -> None:
        self._data = data
        self.pos = pos
        self.definition = definition
        self.schema = schema
        self.path = path
        self._require(pos, 4, 4, "table")
        vtable = pos - _I32.unpack_from(data, pos)[0]
        self._require(vtable, 4, 2, "vtable")
        vtable_bytes, inline_bytes = struct.unpack_from("<HH", data, vtable)
        if vtable_bytes < 4 or vtable_bytes % 2 or inline_bytes < 4:
            fail_malformed(
                f"{path}: vtable at byte {vtable} has sizes {vtable_bytes} and {inline_bytes}"
            )
        self._require(vtable, vtable_bytes, 2, "vtable")
        self._require(pos, inline_bytes, 4, "table")
        self._vtable: int = vtable
        self._inline_bytes: int = inline_bytes
        count = (vtable_bytes - 4) // 2
        self._slots: tuple[int, ...] = struct.unpack_from(f"<{count}H", data, vtable + 4)

    @property
    def structure_bytes(self) -> int:
        """Bytes of the table and its vtable."""
        return self._inline_bytes + 4 + 2 * len(self._slots)

    @property
    def spans(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First byte of the table and the one behind it; the same of its vtable."""
        vtable_bytes = 4 + 2 * len(self._slots)
        return (
            (self.pos, self.pos + self._inline_bytes),
            (self._vtable, self._vtable + vtable_bytes),
        )

    def has(self, name: str) -> bool:
        """The file stores this field."""
        return self._field_pos(self.definition.fields[name]) != 0

    def reference_pos(self, name: str) -> int:
        """Byte position of a field that refers to a table or vector, 0 if it is absent."""
        return self._field_pos(self.definition.fields[name])

    def integer(self, name: str) -> int:
        """An integer, enum or boolean field, or its default."""
        return int(self.scalar(name))

    def scalar(self, name: str) -> bool | int | float:
        """A scalar field, or its default."""
        field = self.definition.fields[name]
        pos = self._field_pos(field)
        if pos == 0:
            return field.default
        if field.type_name == "bool":
            return self._data[pos] != 0
        value: int | float = _SCALARS[field.type_name].unpack_from(self._data, pos)[0]
        return value

    def string(self, name: str) -> str | None:
        """A string field, or None; bytes that are not UTF-8 become backslash escapes."""
        span = self.span(name)
        if span is None:
            return None
        return self._text(*span)

    def string_spans(self, name: str) -> tuple[tuple[int, int], ...]:
        """First byte and length of every string of a vector."""
        return tuple(
            self._string_span(target, f"{self.path}.{name}[{index}]")
            for index, target in enumerate(self.references(name))
        )

    def strings(self, name: str) -> tuple[str, ...]:
        """A vector of strings; empty if absent."""
        return tuple(self._text(*span) for span in self.string_spans(name))

    def integers(self, name: str) -> tuple[int, ...]:
        """A vector of integers; empty if absent."""
        return tuple(int(value) for value in self.numbers(name))

    def numbers(self, name: str) -> tuple[int | float, ...]:
        """A vector of scalars; empty if absent."""
        span = self.span(name)
        if span is None:
            return ()
        start, count = span
        code = _CODES[self.definition.fields[name].type_name].replace("?", "B")
        return struct.unpack_from(f"<{count}{code}", self._data, start)

    def span(self, name: str) -> tuple[int, int] | None:
        """First byte and element count of a string or a vector of scalars, or None if absent."""
        field = self.definition.fields[name]
        pos = self._field_pos(field)
        if pos == 0:
            return None
        target = self._follow(pos, f"{self.path}.{name}")
        if field.kind == "string":
            return self._string_span(target, f"{self.path}.{name}")
        element_bytes = _SCALARS[field.type_name].size
        return self._vector_span(target, element_bytes, f"{self.path}.{name}")

    def reference_span(self, name: str) -> tuple[int, int] | None:
        """First byte and count of a vector of tables or strings, or None if absent."""
        pos = self._field_pos(self.definition.fields[name])
        if pos == 0:
            return None
        path = f"{self.path}.{name}"
        return self._vector_span(self._follow(pos, path), 4, path)

    def references(self, name: str) -> tuple[int, ...]:
        """Byte positions that a vector of tables or strings points to."""
        span = self.reference_span(name)
        if span is None:
            return ()
        path = f"{self.path}.{name}"
        start, count = span
        offsets = struct.unpack_from(f"<{count}I", self._data, start)
        limit = len(self._data) - 4
        targets = []
        for index, offset in enumerate(offsets):
            target = start + 4 * index + offset
            if offset == 0 or target > limit:
                fail_malformed(
                    f"{path}[{index}] points to byte {target:,}, "
                    f"but the file has {len(self._data):,} bytes"
                )
            targets.append(target)
        return tuple(targets)

    def tables(self, name: str) -> tuple[Table, ...]:
        """A vector of tables; empty if absent."""
        definition = self.schema.tables[self.definition.fields[name].type_name]
        return tuple(
            self._child(target, definition, f"{self.path}.{name}[{index}]")
            for index, target in enumerate(self.references(name))
        )

    def table(self, name: str) -> Table | None:
        """A table field, or None."""
        field = self.definition.fields[name]
        pos = self._field_pos(field)
        if pos == 0:
            return None
        path = f"{self.path}.{name}"
        return self._child(self._follow(pos, path), self.schema.tables[field.type_name], path)

    def union(self, name: str) -> Table | None:
        """A union field; None if it is empty or of a member this schema does not know."""
        field = self.definition.fields[name]
        pos = self._field_pos(field)
        definition = self.schema.union_table(field.type_name, self.integer(f"{name}_type"))
        if pos == 0 or definition is None:
            return None
        path = f"{self.path}.{name}"
        return self._child(self._follow(pos, path), definition, path)

    def _child(self, target: int, definition: TableDef, path: str) -> Table:
        return Table(self._data, target, definition, schema=self.schema, path=path)

    def _field_pos(self, field: FieldDef) -> int:
        """Byte position of a field, 0 if the file leaves it out."""
        if field.slot >= len(self._slots):
            return 0
        offset = self._slots[field.slot]
        if offset == 0:
            return 0
        size = _SCALARS[field.type_name].size if field.kind == "scalar" else 4
        pos = self.pos + offset
        if offset < 4 or offset + size > self._inline_bytes or pos % size:
            fail_malformed(
                f"{self.path}.{field.name}: {size} bytes at offset {offset} of a table that has "
                f"{self._inline_bytes} bytes (table at byte {self.pos})"
            )
        return pos

    def _follow(self, pos: int, path: str) -> int:
        offset: int = _U32.unpack_from(self._data, pos)[0]
        target = pos + offset
        if offset == 0 or target + 4 > len(self._data):
            fail_malformed(
                f"{path} (byte {pos:,}) points to byte {target:,}, "
                f"but the file has {len(self._data):,} bytes"
            )
        return target

    def _vector_span(self, pos: int, element_bytes: int, path: str) -> tuple[int, int]:
        self._require(pos, 4, 4, f"{path} (vector)")
        count: int = _U32.unpack_from(self._data, pos)[0]
        self._require(pos + 4, count * element_bytes, element_bytes, f"{path} ({count:,} elements)")
        return pos + 4, count

    def _string_span(self, pos: int, path: str) -> tuple[int, int]:
        start, length = self._vector_span(pos, 1, path)
        end = start + length
        if end >= len(self._data) or self._data[end] != 0:
            fail_malformed(f"{path}: the string at byte {start:,} is not closed by a zero byte")
        return start, length

    def _text(self, start: int, length: int) -> str:
        return self._data[start : start + length].decode("utf-8", "backslashreplace")

    def _require(self, pos: int, size: int, align: int, what: str) -> None:
        if pos < 4 or pos + size > len(self._data):
            fail_malformed(
                f"{self.path}: {what} at byte {pos:,} needs {size:,} bytes, "
                f"but the file has {len(self._data):,}"
            )
        if pos % align and size:
            fail_malformed(f"{self.path}: {what} at byte {pos:,} is not aligned to {align} bytes")


def root_table(data: bytes, schema: Schema) -> Table:
    """The model table that the file's first four bytes point to.

    The caller has checked that there are at least eight bytes.
    """
    pos: int = _U32.unpack_from(data, 0)[0]
    if pos < 8 or pos + 4 > len(data):
        fail_malformed(
            f"the root offset points to byte {pos:,}, but the file has {len(data):,} bytes"
        )
    return Table(data, pos, schema.tables["Model"], schema=schema, path="model")
