"""A .tflite file as a tree of tables: everything the schema knows, nothing interpreted.

The frozen records of :mod:`tflm_gen.model.records` hold what this tool reasons about; a file that
is edited and written again must keep the rest too. A file that uses what the schema does not
know is refused, because it could not be written again with the same meaning.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.flatbuffer import Table, root_table
from tflm_gen.model.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.model.schema import FieldDef

Number = bool | int | float
_HINT = "Use the model as it is: tflm-gen build --no-clean"


@dataclass(frozen=True, slots=True)
class TableValue:
    """One table: the schema's name of it, and the fields the file stores.

    Strings and vectors of bytes are ``bytes``, so that names which are not UTF-8 survive.
    """

    name: str
    fields: Mapping[str, FieldValue]

    def get(self, field: str) -> FieldValue | None:
        """A stored field, or the schema's default of a scalar, or None."""
        if field in self.fields:
            return self.fields[field]
        definition = load_schema().tables[self.name].fields[field]
        return definition.default if definition.kind == "scalar" else None

    def integer(self, field: str) -> int:
        """An integer, enum or boolean field, or its default."""
        value = self.get(field)
        if not isinstance(value, (bool, int)):
            raise TypeError(f"{self.name}.{field} is no integer")
        return int(value)

    def text(self, field: str) -> bytes:
        """A string or byte vector; empty if absent."""
        value = self.get(field)
        return value if isinstance(value, bytes) else b""

    def integers(self, field: str) -> tuple[int, ...]:
        """A vector of integers; empty if absent."""
        value = self.fields.get(field, ())
        items = value if isinstance(value, tuple) else ()
        return tuple(int(item) for item in items if isinstance(item, (bool, int)))

    def numbers(self, field: str) -> tuple[float, ...]:
        """A vector of numbers; empty if absent."""
        value = self.fields.get(field, ())
        items = value if isinstance(value, tuple) else ()
        return tuple(float(item) for item in items if isinstance(item, (bool, int, float)))

    def table(self, field: str) -> TableValue | None:
        """A table or union field, or None."""
        value = self.fields.get(field)
        return value if isinstance(value, TableValue) else None

    def tables(self, field: str) -> tuple[TableValue, ...]:
        """A vector of tables; empty if absent."""
        value = self.fields.get(field, ())
        items = value if isinstance(value, tuple) else ()
        return tuple(item for item in items if isinstance(item, TableValue))

    def with_fields(self, **changes: FieldValue | None) -> TableValue:
        """A copy with fields replaced; None takes a field out."""
        merged = {**self.fields, **changes}
        kept = {name: value for name, value in merged.items() if value is not None}
        return replace(self, fields=kept)


FieldValue = Number | bytes | TableValue | tuple[Number | bytes | TableValue, ...]


def read_tree(data: bytes) -> TableValue:
    """Every table of a file that :func:`tflm_gen.model.reader.parse_model` has accepted.

    Raises:
        UnsupportedModelError: If the file stores fields or option tables the schema lacks.
    """
    return _read_table(root_table(data, load_schema()), data)


def _read_table(table: Table, data: bytes) -> TableValue:
    definition = table.definition
    _refuse_unknown_fields(table, data)
    fields: dict[str, FieldValue] = {}
    for name, field in definition.fields.items():
        if table.has(name):
            fields[name] = _read_field(table, field, data)
    return TableValue(definition.name, fields)


def _read_field(table: Table, field: FieldDef, data: bytes) -> FieldValue:
    if field.kind == "scalar":
        return table.scalar(field.name)
    if field.kind == "tables":
        return tuple(_read_table(child, data) for child in table.tables(field.name))
    if field.kind == "strings":
        return tuple(data[at : at + size] for at, size in table.string_spans(field.name))
    if field.kind == "string" or (field.kind == "vector" and field.type_name == "u8"):
        start, size = table.span(field.name) or (0, 0)
        return data[start : start + size]
    if field.kind == "vector":
        return table.numbers(field.name)
    child = table.table(field.name) if field.kind == "table" else table.union(field.name)
    if child is None:
        raise UnsupportedModelError(
            f"{table.path}.{field.name} is of a kind that this tool's schema does not have",
            hint=_HINT,
        )
    return _read_table(child, data)


def _refuse_unknown_fields(table: Table, data: bytes) -> None:
    """The table's own list of fields must not be longer than the schema's."""
    vtable = table.pos - struct.unpack_from("<i", data, table.pos)[0]
    n_slots = (struct.unpack_from("<H", data, vtable)[0] - 4) // 2
    known = {field.slot for field in table.definition.fields.values()}
    for slot in range(n_slots):
        offset = struct.unpack_from("<H", data, vtable + 4 + 2 * slot)[0]
        if offset and slot not in known:
            raise UnsupportedModelError(
                f"{table.path} stores field {slot}, which this tool's schema does not have",
                hint=_HINT,
            )
