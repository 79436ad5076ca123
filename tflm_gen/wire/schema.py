"""Reads the record declarations that the firmware compiles."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.resources import firmware_templates_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = re.compile(
    r"ECG_(?P<what>RECORD|COMMAND)_(?P<edge>BEGIN|END)\((?P<name>[A-Z][A-Z0-9_]*)\)"
    r"|ECG_FIELD_(?P<kind>[A-Z0-9]+)\((?P<field>[a-z][a-z0-9_]*)\)"
    r"|\#define (?P<macro>ECG_WIRE_[A-Z_]+) (?P<number>[0-9]+)"
)


class FieldKind(Enum):
    """How a field's value is written on the line."""

    U32 = "U32"
    U64 = "U64"
    I32 = "I32"
    HEX32 = "HEX32"
    STR = "STR"
    BYTES = "BYTES"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field of a record or command."""

    name: str
    kind: FieldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSpec:
    """One record (device to host) or command (host to device); fields in their fixed order."""

    name: str
    fields: tuple[FieldSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSchema:
    """The whole protocol.

    Attributes:
        version: Number that the BANNER record must carry.
        max_line_chars: Longest line, without its newline.
        chunk_bytes: Tensor data in one WRITE or OUTPUT.
        records: Device to host, by name.
        commands: Host to device, by name.
    """

    version: int
    max_line_chars: int
    chunk_bytes: int
    records: Mapping[str, MessageSpec]
    commands: Mapping[str, MessageSpec]


def parse_schema(text: str) -> WireSchema:
    """Parse the declarations.

    Raises:
        ValueError: If a line is none of comment, number, begin, field or end, or they do not nest.
    """
    parser = _Parser()
    for line_number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("//", 1)[0].strip()
        match = _LINE.fullmatch(line)
        if not line:
            continue
        if match is None or not parser.take(match):
            raise ValueError(f"line {line_number}: {line!r} cannot stand here")
    return parser.schema()


class _Parser:
    """The messages so far, and the one that is open."""

    def __init__(self) -> None:
        self._messages: dict[str, dict[str, MessageSpec]] = {"RECORD": {}, "COMMAND": {}}
        self._numbers: dict[str, int] = {}
        self._open: tuple[str, str] | None = None
        self._fields: list[FieldSpec] = []

    def take(self, match: re.Match[str]) -> bool:
        """Take one declaration; False if it cannot stand here."""
        if match["macro"]:
            self._numbers[match["macro"]] = int(match["number"])
            return True
        if match["field"]:
            return self._take_field(match["field"], match["kind"])
        message = (match["what"], match["name"])
        if match["edge"] == "BEGIN":
            if self._open is not None or message[1] in self._messages[message[0]]:
                return False
            self._open, self._fields = message, []
            return True
        if self._open != message:
            return False
        spec = MessageSpec(name=message[1], fields=tuple(self._fields))
        self._messages[message[0]][message[1]] = spec
        self._open = None
        return True

    def _take_field(self, name: str, kind: str) -> bool:
        is_new = name not in [field.name for field in self._fields]
        if self._open is None or not is_new or kind not in FieldKind.__members__:
            return False
        self._fields.append(FieldSpec(name=name, kind=FieldKind[kind]))
        return True

    def schema(self) -> WireSchema:
        """The whole protocol."""
        if self._open is not None:
            raise ValueError(f"{self._open[1]} has no end")
        return WireSchema(
            version=self._numbers["ECG_WIRE_VERSION"],
            max_line_chars=self._numbers["ECG_WIRE_MAX_LINE"],
            chunk_bytes=self._numbers["ECG_WIRE_CHUNK"],
            records=MappingProxyType(self._messages["RECORD"]),
            commands=MappingProxyType(self._messages["COMMAND"]),
        )


@functools.cache
def load_schema() -> WireSchema:
    """The protocol that the shipped firmware sources speak."""
    path = firmware_templates_dir() / "common" / "include" / "ecg" / "wire_records.def"
    return parse_schema(path.read_text(encoding="utf-8"))
