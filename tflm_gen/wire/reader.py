"""Cuts a byte stream into lines, finds the records in it, and keeps everything that was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.wire.codec import Record, WireFormatError, decode_line
from tflm_gen.wire.schema import WireSchema, load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEQUENCE_MODULUS = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line as it came.

    Attributes:
        elapsed_s: Host time of its last byte, from the start of the stream.
        text: What it said, undecodable bytes escaped.
        record: The record it carried, or None.
        problem: Why a line with a '$' is no record, or None.
        lost: Records missing between the record before and this one.
        restarted: The device counts from the start again (it was reset).
    """

    elapsed_s: float
    text: str
    record: Record | None = None
    problem: str | None = None
    lost: int = 0
    restarted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All lines of one run, raw, each with its time."""

    lines: tuple[tuple[float, str], ...]
    source: str


class LineReader:
    """Splits bytes into :class:`Line` objects; never raises on what it reads.

    After garbage it takes the next record that is whole: a '$' cannot occur inside a record, so
    the last one on a line starts the only candidate.

    Args:
        schema: The protocol; the shipped one by default.
    """

    def __init__(self, schema: WireSchema | None = None) -> None:
        self._schema = schema or load_schema()
        self._pending = b""
        self._expected: int | None = None
        self._raw: list[tuple[float, str]] = []

    def feed(self, data: bytes, elapsed_s: float) -> Iterator[Line]:
        """Lines completed by these bytes."""
        self._pending += data
        *complete, self._pending = self._pending.split(b"\n")
        if len(self._pending) > 2 * self._schema.max_line_chars:
            keep_from = self._pending.rfind(b"$", len(self._pending) - self._schema.max_line_chars)
            cut = keep_from if keep_from > 0 else len(self._pending)
            complete.append(self._pending[:cut])
            self._pending = self._pending[cut:]
        return iter([self._line(raw.removesuffix(b"\r"), elapsed_s) for raw in complete])

    def finish(self, elapsed_s: float) -> Iterator[Line]:
        """The unfinished last line, if any: the stream has ended."""
        rest, self._pending = self._pending, b""
        return iter([self._line(rest, elapsed_s)] if rest else [])

    def transcript(self, source: str) -> Transcript:
        """Everything read so far."""
        return Transcript(lines=tuple(self._raw), source=source)

    def _line(self, raw: bytes, elapsed_s: float) -> Line:
        text = raw.decode("utf-8", "backslashreplace")
        self._raw.append((elapsed_s, text))
        start = raw.rfind(b"$")
        if start < 0:
            return Line(elapsed_s=elapsed_s, text=text)
        try:
            record = decode_line(raw[start:], self._schema.records)
        except WireFormatError as error:
            return Line(elapsed_s=elapsed_s, text=text, problem=str(error))
        lost, restarted = self._follow(record)
        return Line(elapsed_s=elapsed_s, text=text, record=record, lost=lost, restarted=restarted)

    def _follow(self, record: Record) -> tuple[int, bool]:
        expected = self._expected
        self._expected = (record.sequence + 1) % _SEQUENCE_MODULUS
        if expected is None:
            return 0, False
        ahead = (record.sequence - expected) % _SEQUENCE_MODULUS
        backwards = ahead >= _SEQUENCE_MODULUS // 2
        return (0, True) if backwards else (ahead, False)
