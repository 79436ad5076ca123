"""Writes a project beside its place and swaps it in whole; never over a folder of somebody else."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen.errors import OutputFolderError
from tflm_gen.project.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ELF_MAGIC = b"\x7fELF"


def check_replaceable(root: Path) -> None:
    """Make sure that the output folder is free, empty, or a project of ours.

    Raises:
        OutputFolderError: If it is anything else.
    """
    if root.is_symlink() or (root.exists() and not root.is_dir()):
        raise OutputFolderError(
            f"{root} exists and is not a folder", hint="Name another folder: --out DIR"
        )
    if not root.exists() or _is_ours(root) or not any(root.iterdir()):
        return
    raise OutputFolderError(
        f"{root} exists and holds files that are not a project of tflm-gen",
        hint="Name another folder: --out DIR, or move that one away.",
    )


def _is_ours(root: Path) -> bool:
    """The folder has a manifest that names this tool (of any version)."""
    try:
        manifest = json.loads((root / MANIFEST_NAME).read_bytes())
    except (OSError, ValueError):
        return False
    tool = manifest.get("tool") if isinstance(manifest, dict) else None
    return isinstance(tool, dict) and tool.get("name") == "tflm-gen"


@contextlib.contextmanager
def staged_project(root: Path) -> Iterator[Path]:
    """A temporary folder beside ``root`` that takes its place when the block ends well.

    If the block raises (also on Ctrl-C), the temporary folder goes and ``root`` stays as it was.

    Args:
        root: Where the project shall be.

    Raises:
        OutputFolderError: If ``root`` may not be replaced, or its parent cannot be written.
    """
    check_replaceable(root)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
        staging.chmod(0o755)
    except OSError as error:
        raise OutputFolderError(
            f"cannot write into {root.parent}: {error.strerror}",
            hint="Name a folder that can be written: --out DIR",
        ) from error
    try:
        yield staging
        _swap_in(staging, root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _swap_in(staging: Path, root: Path) -> None:
    """Give the staged folder its name; the old one is moved aside first and deleted last."""
    check_replaceable(root)
    retired: Path | None = None
    if root.exists():
        retired = Path(tempfile.mkdtemp(prefix=f".{root.name}-old-", dir=root.parent))
        root.rename(retired / "project")
    try:
        staging.rename(root)
    except BaseException:
        if retired is not None:
            (retired / "project").rename(root)
        raise
    finally:
        if retired is not None:
            shutil.rmtree(retired, ignore_errors=True)


def write_files(folder: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    """Write files into a folder, making folders as needed.

    Raises:
        OutputFolderError: If a file cannot be written (disk full, no permission).
    """
    made: set[Path] = set()
    for relative, data in files.items():
        path = folder / relative
        try:
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            path.write_bytes(data)
            if data.startswith(_ELF_MAGIC):
                path.chmod(0o755)  # Firmware for this machine is started as it lies here.
        except OSError as error:
            raise OutputFolderError(
                f"cannot write {path}: {error.strerror}",
                hint="Free space or name another folder: --out DIR",
            ) from error
