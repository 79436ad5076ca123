"""Writes single files whole or not at all: beside their place first, then a rename."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tflm_gen.errors import OutputFolderError


def check_output(out: Path) -> None:
    """Make sure that a file can be put there, before minutes are spent on its content.

    Raises:
        OutputFolderError: It cannot.
    """
    if not out.parent.is_dir():
        raise OutputFolderError(f"{out.parent}: no such folder", hint="Create it, or change --out.")
    if out.is_dir():
        raise OutputFolderError(f"{out}: a folder", hint="Name a file in it.")
    stage_beside(out).unlink()


def write_output(out: Path, data: bytes, *, option: str = "--out") -> None:
    """Put a file there whole, or leave there what was.

    Raises:
        OutputFolderError: It cannot be written.
    """
    staged = stage_beside(out, option=option)
    try:
        staged.write_bytes(data)
        publish(staged, out)
    except OSError as error:
        raise OutputFolderError(
            f"{out}: cannot be written ({error.strerror})", hint=f"Free space, or change {option}."
        ) from error
    finally:
        staged.unlink(missing_ok=True)


def stage_beside(out: Path, *, option: str = "--out") -> Path:
    """An empty file in the same folder, for a later rename.

    Raises:
        OutputFolderError: The folder cannot be written, or a rename would replace a device, a
            pipe, or a link such as /dev/stdout.
    """
    if out.is_symlink() or (out.exists() and not out.is_file()):
        raise OutputFolderError(f"{out}: not a regular file", hint=f"Change {option}.")
    try:
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    except OSError as error:
        raise OutputFolderError(
            f"{out.parent}: cannot be written ({error.strerror})", hint=f"Change {option}."
        ) from error
    os.close(handle)
    return Path(name)


def publish(staged: Path, out: Path) -> None:
    """Rename a staged file to where it belongs, readable for everybody."""
    staged.chmod(0o644)
    staged.replace(out)
