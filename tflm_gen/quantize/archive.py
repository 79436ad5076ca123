"""Looks at a Keras archive before anything opens it: member names and sizes, nothing unpacked."""

from __future__ import annotations

import stat
import zipfile
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from tflm_gen.errors import ModelFileError
from tflm_gen.model.text import printable

if TYPE_CHECKING:
    from pathlib import Path

MAX_MEMBERS = 10_000
# Models for microcontrollers are far smaller, also as floats with an optimizer's state.
MAX_UNPACKED_BYTES = 1 << 30
MAX_RATIO = 200
_RATIO_FREE_BYTES = 16 << 20
_HINT = "Save the model again with model.save('model.keras'), on a machine you trust."


def keras_members(path: Path) -> tuple[str, ...]:
    """Names in a zip archive that could be a Keras model.

    Raises:
        ModelFileError: If it is damaged, or made to do harm: paths out of the archive, links, or
            far more bytes than it shows.
    """
    shown = printable(str(path))
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    # The archive is hostile until shown otherwise, and its parser has raised all of these.
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise ModelFileError(
            f"{shown}: a damaged zip archive ({printable(str(error))})", hint=_HINT
        ) from error
    if len(members) > MAX_MEMBERS:
        raise ModelFileError(
            f"{shown}: {len(members):,} members, and the limit is {MAX_MEMBERS:,}", hint=_HINT
        )
    for member in members:
        _require_inside(member, shown)
    unpacked = sum(member.file_size for member in members)
    packed = max(1, path.stat().st_size)
    is_bomb = unpacked > _RATIO_FREE_BYTES and unpacked > MAX_RATIO * packed
    if unpacked > MAX_UNPACKED_BYTES or is_bomb:
        raise ModelFileError(
            f"{shown}: {packed:,} bytes that unpack to {unpacked:,}; the limits are "
            f"{MAX_UNPACKED_BYTES:,} bytes and {MAX_RATIO} times the archive",
            hint=_HINT,
        )
    return tuple(member.filename for member in members)


def _require_inside(member: zipfile.ZipInfo, shown: str) -> None:
    """Refuse names that lead out of a folder, and links."""
    name = member.filename
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    leads_out = ".." in posix.parts or ".." in windows.parts
    is_absolute = posix.is_absolute() or bool(windows.drive) or bool(windows.root)
    if leads_out or is_absolute or stat.S_ISLNK(member.external_attr >> 16):
        raise ModelFileError(
            f"{shown}: the archive has a member {printable(name)[:80]!r}, which leads out of it",
            hint=_HINT,
        )
