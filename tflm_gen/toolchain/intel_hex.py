"""Reads Intel HEX files, as far as linkers write them for flash."""

from __future__ import annotations

from tflm_gen.errors import ProjectModifiedError

_DATA, _END, _SEGMENT, _START_SEGMENT, _LINEAR, _START_LINEAR = range(6)


def parse_intel_hex(text: str) -> dict[int, bytes]:
    """Contents by start address; neighbouring records are joined.

    Raises:
        ProjectModifiedError: If a record is malformed or its checksum is wrong.
    """
    chunks: dict[int, bytearray] = {}
    base = 0
    run_start, run_end = -1, -1
    for number, line in enumerate(text.splitlines(), start=1):
        record = _record(line.strip(), number)
        kind, address, payload = record
        if kind == _END:
            break
        if kind == _LINEAR:
            base = int.from_bytes(payload, "big") << 16
        elif kind == _SEGMENT:
            base = int.from_bytes(payload, "big") << 4
        elif kind == _DATA:
            start = base + address
            if start != run_end:
                run_start = start
                chunks[run_start] = bytearray()
            chunks[run_start] += payload
            run_end = start + len(payload)
    return {start: bytes(data) for start, data in chunks.items() if data}


def _record(line: str, number: int) -> tuple[int, int, bytes]:
    """Kind, address and payload of one line."""
    try:
        data = bytes.fromhex(line[1:])
    except ValueError:
        data = b""
    is_whole = line.startswith(":") and len(data) >= 5 and len(data) == data[0] + 5
    if not is_whole or sum(data) & 0xFF:
        raise ProjectModifiedError(
            f"line {number} is no valid Intel HEX record: {line[:40]!r}",
            hint="Build the project again: tflm-gen build",
        )
    return data[3], int.from_bytes(data[1:3], "big"), data[4:-1]
