"""The serial protocol between host and firmware, version 1.

The records are declared once, in ``firmware_templates/common/include/ecg/wire_records.def``: the
firmware includes that file, :mod:`tflm_gen.wire.schema` parses it.
"""

from __future__ import annotations

from tflm_gen.wire.codec import Record, Value, WireFormatError, decode_line, encode_line
from tflm_gen.wire.reader import Line, LineReader, Transcript
from tflm_gen.wire.schema import FieldKind, FieldSpec, MessageSpec, WireSchema, load_schema

__all__ = [
    "FieldKind",
    "FieldSpec",
    "Line",
    "LineReader",
    "MessageSpec",
    "Record",
    "Transcript",
    "Value",
    "WireFormatError",
    "WireSchema",
    "decode_line",
    "encode_line",
    "load_schema",
]
