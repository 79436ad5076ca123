"""Finished builds by the hash of everything that went into them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.memory_plan import ArenaResult
from tflm_gen.toolchain.elf_size import FirmwareSizes

if TYPE_CHECKING:
    from collections.abc import Mapping


_RESULT = "result.json"
_KEPT_ENTRIES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOutcome:
    """What a build left.

    Attributes:
        arena: The arena.
        sizes: Flash and RAM.
        files: Firmware files by path below ``out/`` (``tflm/firmware.elf`` ...).
        warnings: What the user should know.
    """

    arena: ArenaResult
    sizes: FirmwareSizes
    files: Mapping[str, bytes]
    warnings: tuple[str, ...]


def cache_key(parts: Mapping[str, str]) -> str:
    """Key of a build: a hash over the named inputs."""
    text = json.dumps(dict(parts), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _root() -> Path:
    return resources.cache_dir() / "builds"


def load_outcome(key: str) -> BuildOutcome | None:
    """The finished build of that key, or None if there is none or a file of it is damaged."""
    folder = _root() / key
    try:
        result = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
        files = {name: (folder / name).read_bytes() for name in result["files"]}
        if any(hashlib.sha256(files[name]).hexdigest() != result["files"][name] for name in files):
            return None
        outcome = BuildOutcome(
            arena=ArenaResult(**result["arena"]),
            sizes=FirmwareSizes(**result["sizes"]),
            files=files,
            warnings=tuple(result["warnings"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)  # Used just now: pruned last.
    return outcome


def store_outcome(key: str, outcome: BuildOutcome) -> None:
    """Keep a finished build; a cache that cannot be written is no error."""
    root = _root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".build-", dir=root))
    except OSError:
        return
    try:
        for name, data in outcome.files.items():
            (staging / name).parent.mkdir(exist_ok=True)
            (staging / name).write_bytes(data)
        result = {
            "arena": asdict(outcome.arena),
            "sizes": asdict(outcome.sizes),
            "files": {
                name: hashlib.sha256(data).hexdigest() for name, data in outcome.files.items()
            },
            "warnings": list(outcome.warnings),
        }
        (staging / _RESULT).write_text(json.dumps(result, indent=2), encoding="utf-8")
        if (root / key).exists():
            shutil.rmtree(root / key)
        staging.rename(root / key)
        _prune(root)
    except OSError:
        return
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _prune(root: Path) -> None:
    """Delete all but the most recently used builds."""
    entries = sorted(
        (path for path in root.iterdir() if not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for path in entries[_KEPT_ENTRIES:]:
        shutil.rmtree(path, ignore_errors=True)
