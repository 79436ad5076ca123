"""The TFLite schema as data: tables with their field slots, unions and enums.

``tables/schema.json`` is derived from the schema bindings that the pinned ``tflite-micro`` wheel
carries (a test derives it again and compares), so that reading a model needs neither the wheel
nor generated code, and every access can be checked against the file's bounds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 3
FILE_IDENTIFIER = b"TFL3"

_TABLE_PATH = Path(__file__).parent / "tables" / "schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDef:
    """One field of a table.

    Attributes:
        name: Schema name in snake case.
        slot: Position in the vtable, from 0.
        kind: "scalar", "string", "table", "union", or a vector: "vector" (of scalars),
            "strings", "tables".
        type_name: Scalar type ("i32"), table or union name; "" for strings.
        default: Value of an absent scalar.
        enum: Enum of a scalar, or "".
    """

    name: str
    slot: int
    kind: str
    type_name: str
    default: bool | int | float
    enum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDef:
    """A table's fields by name."""

    name: str
    fields: Mapping[str, FieldDef]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """All tables by name, and unions and enums as member names by number (None: a gap)."""

    tables: Mapping[str, TableDef]
    unions: Mapping[str, tuple[str | None, ...]]
    enums: Mapping[str, tuple[str | None, ...]]

    def enum_name(self, enum: str, number: int) -> str | None:
        """Name of an enum's value, or None if the schema has no such value."""
        names = self.enums[enum]
        return names[number] if 0 <= number < len(names) else None

    def union_table(self, union: str, number: int) -> TableDef | None:
        """Table of a union member; None for the empty member and for unknown numbers."""
        names = self.unions[union]
        name = names[number] if 0 <= number < len(names) else None
        return self.tables.get(name) if name else None


@cache
def load_schema() -> Schema:
    """Read the committed table (once per process)."""
    raw = json.loads(_TABLE_PATH.read_text(encoding="utf-8"))
    return Schema(
        tables={name: _table(name, fields) for name, fields in raw["tables"].items()},
        unions={name: tuple(members) for name, members in raw["unions"].items()},
        enums={name: tuple(members) for name, members in raw["enums"].items()},
    )


def _table(name: str, rows: list[list[str | int | float | bool]]) -> TableDef:
    fields = {}
    for slot, field_name, kind, *rest in rows:
        fields[str(field_name)] = FieldDef(
            name=str(field_name),
            slot=int(slot),
            kind=str(kind),
            type_name=str(rest[0]) if rest else "",
            default=rest[1] if len(rest) > 1 and not isinstance(rest[1], str) else 0,
            enum=str(rest[2]) if len(rest) > 2 else "",
        )
    return TableDef(name=name, fields=fields)
