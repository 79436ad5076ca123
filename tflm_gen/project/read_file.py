"""Reads files that somebody else may have made: regular files of sane size only."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Firmware with its debug information is the largest.
MAX_BYTES = 256 << 20
MAX_MANIFEST_BYTES = 16 << 20


def read_regular(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file; opening a pipe or a device does not wait.

    Raises:
        OSError: If it cannot be read, is no regular file, or has more bytes.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if info.st_size > limit:
            raise OSError(errno.EFBIG, f"{info.st_size:,} bytes; the limit is {limit:,}")
        return file.read(limit)


def require_regular(path: Path, *, limit: int = MAX_BYTES) -> None:
    """Look at a file that other code will open and read.

    Raises:
        OSError: If it is not there, is no regular file, or has more bytes.
    """
    info = path.stat()
    if not stat.S_ISREG(info.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if info.st_size > limit:
        raise OSError(errno.EFBIG, f"{info.st_size:,} bytes; the limit is {limit:,}")
