"""Encodes and decodes single protocol lines; refuses whatever is not exactly as declared."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.wire.schema import FieldKind, MessageSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = int | str | bytes

_U32_MAX = 2**32 - 1
_U64_MAX = 2**64 - 1
_ENVELOPE = re.compile(rb"\$([^$*]*) \*([0-9A-F]{8})")
_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2}|[^%])*")
_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_SIGNED = re.compile(r"0|-?[1-9][0-9]*")
_HEX32 = re.compile(r"0x[0-9a-f]{8}")
_HEX_BYTES = re.compile(r"(?:[0-9a-f]{2})*")


class WireFormatError(ValueError):
    """A line is no valid protocol line; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One decoded record or command."""

    sequence: int
    name: str
    fields: Mapping[str, Value]

    def integer(self, field: str) -> int:
        """Value of a U32, U64, I32 or HEX32 field."""
        value = self.fields[field]
        if not isinstance(value, int):
            raise TypeError(f"{self.name}.{field} is no integer")
        return value

    def text(self, field: str) -> str:
        """Value of a STR field."""
        value = self.fields[field]
        if not isinstance(value, str):
            raise TypeError(f"{self.name}.{field} is no string")
        return value

    def data(self, field: str) -> bytes:
        """Value of a BYTES field."""
        value = self.fields[field]
        if not isinstance(value, bytes):
            raise TypeError(f"{self.name}.{field} is no byte string")
        return value


def _plain(char: int) -> bool:
    return 0x20 < char < 0x7F and char not in b"%*$"


def _escape(text: str) -> str:
    return "".join(chr(c) if _plain(c) else f"%{c:02X}" for c in text.encode("utf-8"))


def _unescape(text: str) -> str:
    if not _ESCAPED.fullmatch(text):
        raise WireFormatError(f"bad percent escape in {text!r}")
    raw = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("ascii", "strict")
    )
    # Firmware may pass on bytes that are no UTF-8 (a tensor name cut in the middle).
    return raw.decode("utf-8", "replace")


def _integer_text(value: Value, low: int, high: int) -> str:
    if not isinstance(value, int) or not low <= value <= high:
        raise WireFormatError(f"{value!r} is no integer in [{low}, {high}]")
    return str(value)


def _encode_value(kind: FieldKind, value: Value) -> str:
    if kind is FieldKind.STR:
        if not isinstance(value, str):
            raise WireFormatError(f"{value!r} is no string")
        return _escape(value)
    if kind is FieldKind.BYTES:
        if not isinstance(value, bytes):
            raise WireFormatError(f"{value!r} is no byte string")
        return value.hex()
    if kind is FieldKind.HEX32:
        return f"0x{int(_integer_text(value, 0, _U32_MAX)):08x}"
    low, high = {
        FieldKind.U32: (0, _U32_MAX),
        FieldKind.U64: (0, _U64_MAX),
        FieldKind.I32: (-(2**31), 2**31 - 1),
    }[kind]
    return _integer_text(value, low, high)


def _decode_integer(pattern: re.Pattern[str], low: int, high: int) -> Callable[[str], int]:
    def decode(text: str) -> int:
        if not pattern.fullmatch(text) or len(text) > 20 or not low <= int(text, 0) <= high:
            raise WireFormatError(f"{text!r} is no number of its kind")
        return int(text, 0)

    return decode


def _decode_bytes(text: str) -> bytes:
    if not _HEX_BYTES.fullmatch(text):
        raise WireFormatError("data is not made of lower-case hex pairs")
    return bytes.fromhex(text)


_DECODERS: Mapping[FieldKind, Callable[[str], Value]] = {
    FieldKind.U32: _decode_integer(_DECIMAL, 0, _U32_MAX),
    FieldKind.U64: _decode_integer(_DECIMAL, 0, _U64_MAX),
    FieldKind.I32: _decode_integer(_SIGNED, -(2**31), 2**31 - 1),
    FieldKind.HEX32: _decode_integer(_HEX32, 0, _U32_MAX),
    FieldKind.STR: _unescape,
    FieldKind.BYTES: _decode_bytes,
}


def encode_line(
    spec: MessageSpec, sequence: int, fields: Mapping[str, Value], *, max_line_chars: int
) -> bytes:
    """One protocol line with its newline.

    Raises:
        WireFormatError: If a field is missing, unknown or out of range, or the line is too long.
    """
    if set(fields) != {field.name for field in spec.fields}:
        raise WireFormatError(f"{spec.name} takes {[f.name for f in spec.fields]}, not {[*fields]}")
    words = [_integer_text(sequence, 0, _U32_MAX), spec.name]
    words += [f"{f.name}={_encode_value(f.kind, fields[f.name])}" for f in spec.fields]
    payload = " ".join(words).encode("ascii")
    line = b"$%b *%08X" % (payload, zlib.crc32(payload))
    if len(line) > max_line_chars:
        raise WireFormatError(f"{spec.name} would take {len(line)} characters of {max_line_chars}")
    return line + b"\n"


def decode_line(line: bytes, specs: Mapping[str, MessageSpec]) -> Record:
    """Decode one line without its newline.

    Raises:
        WireFormatError: If anything about the line is not exactly as declared.
    """
    match = _ENVELOPE.fullmatch(line)
    if match is None:
        raise WireFormatError("not of the form $<payload> *<CRC>")
    payload = match[1]
    found = zlib.crc32(payload)
    if found != int(match[2], 16):
        raise WireFormatError(f"CRC is {found:08X}, line says {match[2].decode()}")
    try:
        words = payload.decode("ascii").split(" ")
    except UnicodeDecodeError as error:
        raise WireFormatError("not ASCII") from error
    if len(words) < 2 or words[1] not in specs:
        raise WireFormatError(f"no such record: {' '.join(words[:2])!r}")
    spec = specs[words[1]]
    if len(words) != len(spec.fields) + 2:
        raise WireFormatError(f"{spec.name} has {len(words) - 2} fields of {len(spec.fields)}")
    fields: dict[str, Value] = {}
    for field, word in zip(spec.fields, words[2:], strict=True):
        name, equals, value = word.partition("=")
        if name != field.name or not equals:
            raise WireFormatError(f"{spec.name}: {word!r} stands where {field.name} belongs")
        fields[name] = _DECODERS[field.kind](value)
    sequence = _DECODERS[FieldKind.U32](words[0])
    assert isinstance(sequence, int)
    return Record(sequence=sequence, name=spec.name, fields=fields)
