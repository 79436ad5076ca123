"""Writes Intel HEX files."""

from __future__ import annotations


def hex_record(kind: int, address: int, payload: bytes) -> str:
    """One line with its checksum."""
    body = bytes([len(payload), address >> 8 & 0xFF, address & 0xFF, kind]) + payload
    return ":" + (body + bytes([-sum(body) & 0xFF])).hex().upper()


def hex_file(chunks: dict[int, bytes]) -> str:
    """A file of these bytes by start address."""
    lines = []
    for start, data in chunks.items():
        for offset in range(0, len(data), 16):
            address = start + offset
            lines.append(hex_record(4, 0, (address >> 16).to_bytes(2, "big")))
            lines.append(hex_record(0, address & 0xFFFF, data[offset : offset + 16]))
    return "\n".join([*lines, hex_record(1, 0, b"")]) + "\n"
