"""Writes a project beside its place and swaps it in whole; never over a folder of somebody else."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen.errors import OutputFolderError
from tflm_gen.project.manifest import MANIFEST_NAME
from tflm_gen.project.read_file import MAX_MANIFEST_BYTES, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ELF_MAGIC = b"\x7fELF"
# In a staging folder: the lock of its run, the new project, and the old one during the swap.
_LOCK, _NEW, _OLD = "lock", "new", "old"


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
        manifest = json.loads(read_regular(root / MANIFEST_NAME, limit=MAX_MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    tool = manifest.get("tool") if isinstance(manifest, dict) else None
    return isinstance(tool, dict) and tool.get("name") == "tflm-gen"


@contextlib.contextmanager
def staged_project(root: Path) -> Iterator[Path]:
    """A temporary folder beside ``root`` that takes its place when the block ends well.

    If the block raises (also on Ctrl-C), the temporary folder goes and ``root`` stays as it was.
    What a run that was killed left beside ``root`` is cleared away first.

    Args:
        root: Where the project shall be.

    Raises:
        OutputFolderError: If ``root`` may not be replaced, or its parent cannot be written.
    """
    check_replaceable(root)
    clear_stale(root)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_prefix(root), dir=root.parent))
        (staging / _NEW).mkdir(mode=0o755)
        (staging / _NEW).chmod(0o755)
    except OSError as error:
        raise OutputFolderError(
            f"cannot write into {root.parent}: {error.strerror}",
            hint="Name a folder that can be written: --out DIR",
        ) from error
    lock = _try_lock(staging)
    try:
        yield staging / _NEW
        _swap_in(staging, root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def clear_stale(root: Path) -> None:
    """Remove the staging folders of runs that were killed, and put back what they had moved away.

    A folder that a run still uses is locked, and stays; so does any that is not one of ours.
    """
    for staging in sorted(root.parent.glob(f"{glob.escape(_prefix(root))}*")):
        if staging.is_symlink() or not (staging / _LOCK).is_file():
            continue
        lock = _try_lock(staging)
        if lock is None:
            continue
        with contextlib.suppress(OSError):
            # Killed between the two renames of a swap: the old project is the only one.
            if not root.exists() and (staging / _OLD).is_dir():
                (staging / _OLD).rename(root)
        if not (staging / _OLD).is_dir() or root.exists():
            shutil.rmtree(staging, ignore_errors=True)
        os.close(lock)


def _prefix(root: Path) -> str:
    return f".{root.name}-staging-"


def _try_lock(staging: Path) -> int | None:
    """Descriptor of the folder's lock, which ends with the process; None if another has it."""
    try:
        import fcntl
    except ImportError:
        return None
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(staging / _LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _swap_in(staging: Path, root: Path) -> None:
    """Give the staged folder its name; the old one is moved aside first and deleted last."""
    check_replaceable(root)
    is_retired = root.exists()
    if is_retired:
        root.rename(staging / _OLD)
    try:
        (staging / _NEW).rename(root)
    except BaseException:
        if is_retired:
            (staging / _OLD).rename(root)
        raise


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
