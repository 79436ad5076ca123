"""One request and one answer between this process and the oracle's child: JSON and byte strings."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAGIC = b"TGO1"
_LENGTH = struct.Struct("<Q")

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


class MessageError(Exception):
    """The bytes are no whole message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A JSON object and the byte strings that go with it."""

    header: dict[str, JsonValue]
    blobs: tuple[bytes, ...]

    def integer(self, key: str) -> int:
        """A whole number of the header."""
        value = self.header.get(key)
        if not isinstance(value, int):
            raise MessageError(f"{key} is {value!r}")
        return value

    def text(self, key: str) -> str:
        """A string of the header."""
        value = self.header.get(key)
        if not isinstance(value, str):
            raise MessageError(f"{key} is {value!r}")
        return value


def pack(header: dict[str, JsonValue], blobs: Sequence[bytes]) -> bytes:
    """Message as bytes: magic, then length and data of the header and of every byte string."""
    sizes: list[JsonValue] = [len(blob) for blob in blobs]
    head = json.dumps({"header": header, "sizes": sizes}).encode("utf-8")
    return b"".join([_MAGIC, _LENGTH.pack(len(head)), head, *blobs])


def unpack(stream: BinaryIO) -> Message:
    """Read one message.

    Raises:
        MessageError: If the stream ends early or holds something else.
    """
    if _exactly(stream, len(_MAGIC)) != _MAGIC:
        raise MessageError("not a message")
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    try:
        head = json.loads(_exactly(stream, length))
        header, sizes = head["header"], head["sizes"]
    except (ValueError, KeyError, TypeError) as error:
        raise MessageError("damaged header") from error
    return Message(header=header, blobs=tuple(_exactly(stream, size) for size in sizes))


def _exactly(stream: BinaryIO, n_bytes: int) -> bytes:
    data = stream.read(n_bytes)
    if len(data) != n_bytes:
        raise MessageError(f"{len(data)} bytes where {n_bytes} belong")
    return data
