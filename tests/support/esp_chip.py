"""An ESP32-S3's loader at one end of a pseudo-terminal: what esptool needs to write a flash."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pty
import struct
import threading
import tty
import zlib

_END, _ESCAPE = b"\xc0", b"\xdb"
_SYNC, _READ_REGISTER, _SECURITY, _MEMORY_END = 0x08, 0x0A, 0x14, 0x06
_BEGIN, _DATA, _PACKED_BEGIN, _PACKED_DATA, _MD5 = 0x02, 0x03, 0x10, 0x11, 0x13
_CHIP_ID_ESP32S3 = 9
_SPI_RESULT_REGISTER, _FLASH_ID_8_MIB = 0x6000_2058, 0x1740EF
_ROM = 0x2012_0707
"""In the answer to SYNC: the ROM's loader speaks, not one that was loaded before."""


class EspChip(threading.Thread):
    """The chip; ``port`` is its serial port, ``flash`` what has been written, by address.

    Args:
        broken_at: An address that cannot be written.
    """

    def __init__(self, *, broken_at: int | None = None) -> None:
        super().__init__(daemon=True)
        self._ours, self._theirs = pty.openpty()
        for end in (self._ours, self._theirs):
            tty.setraw(end)
        self.port = os.ttyname(self._theirs)
        self.flash: dict[int, int] = {}
        self._broken_at = broken_at
        self._address = 0
        self._unpack = zlib.decompressobj()
        self._has_stub = False

    def run(self) -> None:
        """Answer packets until the port is closed."""
        waiting = b""
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, 65_536):
                *packets, waiting = (waiting + data).split(_END)
                for packet in filter(None, packets):
                    plain = packet.replace(_ESCAPE + b"\xdc", _END)
                    self._answer(plain.replace(_ESCAPE + b"\xdd", _ESCAPE))

    def close(self) -> None:
        """Unplug it."""
        os.close(self._theirs)
        os.close(self._ours)

    def _send(self, packet: bytes) -> None:
        escaped = packet.replace(_ESCAPE, _ESCAPE + b"\xdd").replace(_END, _ESCAPE + b"\xdc")
        os.write(self._ours, _END + escaped + _END)

    def _reply(self, command: int, value: int = 0, data: bytes = b"") -> None:
        body = data + bytes(2 if self._has_stub else 4)
        self._send(struct.pack("<BBHI", 1, command, len(body), value) + body)

    def _answer(self, packet: bytes) -> None:
        command, data = packet[1], packet[8:]
        if command == _SYNC:
            for _ in range(8):
                self._reply(command, _ROM)
        elif command == _READ_REGISTER:
            (register,) = struct.unpack("<I", data)
            self._reply(command, _FLASH_ID_8_MIB if register == _SPI_RESULT_REGISTER else 0)
        elif command == _SECURITY:
            self._reply(command, 0, struct.pack("<I8BII", 0, *bytes(8), _CHIP_ID_ESP32S3, 0))
        elif command == _MEMORY_END:
            self._reply(command)
            self._has_stub = True
            self._send(b"OHAI")
        elif command == _MD5:
            start, size = struct.unpack_from("<2I", data)
            found = bytes(self.flash.get(start + i, 0xFF) for i in range(size))
            self._reply(command, 0, hashlib.md5(found, usedforsecurity=False).digest())
        else:
            self._write(command, data)
            self._reply(command)

    def _write(self, command: int, data: bytes) -> None:
        if command in (_BEGIN, _PACKED_BEGIN):
            self._address = struct.unpack_from("<4I", data)[3]
            self._unpack = zlib.decompressobj()
        elif command in (_DATA, _PACKED_DATA):
            (size,) = struct.unpack_from("<I", data)
            block = data[16 : 16 + size]
            if command == _PACKED_DATA:
                block = self._unpack.decompress(block)
            for value in block:
                self.flash[self._address] = 0xFF if self._address == self._broken_at else value
                self._address += 1
