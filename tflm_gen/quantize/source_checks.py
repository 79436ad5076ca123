"""Looks at a float model before TensorFlow does: what kind of node, how large, and of what shape.

Nothing is unpacked or loaded. What passes goes to TensorFlow in a child process with limits.
"""

from __future__ import annotations

import json
import os
import stat
import zipfile
from typing import TYPE_CHECKING

from tflm_gen.errors import ModelFileError
from tflm_gen.model.text import printable

if TYPE_CHECKING:
    from pathlib import Path

# Float models for microcontrollers, also with an optimizer's state, are far smaller.
MAX_BYTES = 512 << 20
MAX_FILES = 10_000
_MAX_CONFIG_BYTES = 16 << 20
_PATH_HINT = "Give a .keras file, a SavedModel folder or a float .tflite."
_SAVE_HINT = "Save the model again with model.save('model.keras')."
_HDF5_HEAD_BYTES = 2048


def check_node(path: Path) -> None:
    """Make sure that the path is a folder, or a regular file of sane size.

    Raises:
        ModelFileError: If it is neither.
    """
    shown = printable(str(path))
    try:
        info = path.stat()
    except FileNotFoundError as error:
        raise ModelFileError(f"{shown}: no such file", hint="Check the path.") from error
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"{shown}: cannot be opened ({getattr(error, 'strerror', error)})", hint=_PATH_HINT
        ) from error
    if stat.S_ISDIR(info.st_mode):
        _check_folder(path)
        return
    if not stat.S_ISREG(info.st_mode):
        raise ModelFileError(f"{shown}: neither a regular file nor a folder", hint=_PATH_HINT)
    if info.st_size == 0:
        raise ModelFileError(f"{shown}: the file is empty (0 bytes)", hint=_PATH_HINT)
    _check_size(shown, info.st_size)


def _check_size(shown: str, n_bytes: int) -> None:
    if n_bytes > MAX_BYTES:
        raise ModelFileError(
            f"{shown}: {n_bytes:,} bytes, and the limit is {MAX_BYTES:,}",
            hint="Float models for microcontrollers are far below that; check the path.",
        )


def _check_folder(path: Path) -> None:
    """A SavedModel has regular files only, few enough and not too large together."""
    shown = printable(str(path))
    n_bytes, pending, n_entries = 0, [str(path)], 0
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                n_entries += 1
                if n_entries > MAX_FILES:
                    raise ModelFileError(f"{shown}: more than {MAX_FILES:,} files", hint=_PATH_HINT)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    n_bytes += entry.stat(follow_symlinks=False).st_size
                else:
                    raise ModelFileError(
                        f"{shown}: holds {printable(entry.name)[:80]!r}, which is a link or no "
                        "regular file",
                        hint="Copy the SavedModel's files themselves into one folder.",
                    )
    _check_size(shown, n_bytes)


def check_keras_archive(path: Path) -> None:
    """Make sure that a .keras archive describes a model.

    Raises:
        ModelFileError: If its config.json is no JSON object of sane size.
    """
    shown = printable(str(path))
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as member:
            data = member.read(_MAX_CONFIG_BYTES + 1)
        config = json.loads(data) if len(data) <= _MAX_CONFIG_BYTES else None
    # A hostile archive makes its parsers raise any of these; encrypted members RuntimeError.
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError, RuntimeError) as error:
        raise ModelFileError(
            f"{shown}: its config.json cannot be read ({printable(str(error))[:120]})",
            hint=_SAVE_HINT,
        ) from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelFileError(f"{shown}: its config.json describes no model", hint=_SAVE_HINT)


def check_hdf5(path: Path) -> None:
    """Make sure that an HDF5 file has the end that its own head states.

    Raises:
        ModelFileError: If it was cut, or has nothing but the magic number.
    """
    with path.open("rb") as file:
        head = file.read(_HDF5_HEAD_BYTES)
    size = path.stat().st_size
    # Superblock versions 0 and 1 have the file's end at byte 40 or 44, versions 2 and 3 at 28,
    # for 8-byte offsets, which all of Keras' files have.
    at = {0: 40, 1: 44, 2: 28, 3: 28}.get(head[8] if len(head) > 8 else -1)
    width = head[9 if at == 28 else 13] if at is not None and len(head) > 13 else 0
    end = int.from_bytes(head[at : at + 8], "little") if at is not None and width == 8 else 0
    if not 96 <= end <= size:
        raise ModelFileError(
            f"{printable(str(path))}: a damaged HDF5 file (of {size:,} bytes, says {end:,})",
            hint=_SAVE_HINT,
        )
