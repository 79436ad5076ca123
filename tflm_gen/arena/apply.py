"""Feeds an arena found on a device back into its project: the header, the manifest, the firmware."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen.memory_plan import ArenaResult
from tflm_gen.project.arena_header import arena_config
from tflm_gen.project.manifest import MANIFEST_NAME, check_files, read_manifest
from tflm_gen.project.writer import write_files
from tflm_gen.tflm.source_facts import SOURCES
from tflm_gen.tflm.sources import find_source
from tflm_gen.toolchain import cmake

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.arena.bisect import ArenaSearch
    from tflm_gen.project.manifest import Manifest

_HEADER = PurePosixPath("generated/arena_config.h")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedArena:
    """What was changed in a project.

    Attributes:
        before_bytes: Arena that was reserved.
        after_bytes: Arena that is reserved now.
        is_relinked: The firmware was linked again; otherwise the user has to.
    """

    before_bytes: int
    after_bytes: int
    is_relinked: bool


def apply_arena(root: Path, found: ArenaSearch, *, tflm_dir: Path | None) -> AppliedArena:
    """Reserve what a search on the device found, and record it as proven.

    Args:
        root: The project.
        found: What was tried on the device.
        tflm_dir: TFLM tree that the project links, if not one of the tool's own.

    Raises:
        ProjectModifiedError: If the project's files are not those that were built.
        BuildFailedError: If the compiler or linker refuses.
    """
    manifest = read_manifest(root)
    check_files(root, manifest)
    result = ArenaResult(
        size_bytes=found.ran_at_bytes,
        basis="proven",
        ran_at=found.ran_at_bytes,
        failed_at=found.failed_at_bytes,
        margin_bytes=0,
    )
    header = arena_config(
        result.size_bytes,
        result.words,
        floor_bytes=search_floor_in(root),
        needed_bytes=result.needed_bytes,
    )
    write_files(root, {_HEADER: header})
    is_relinked = manifest.linked is not None and _relink(root, manifest, tflm_dir)
    changed = _with_arena(manifest, result, root)
    write_files(root, {PurePosixPath(MANIFEST_NAME): changed.to_bytes()})
    return AppliedArena(
        before_bytes=manifest.arena.bytes,
        after_bytes=result.size_bytes,
        is_relinked=is_relinked,
    )


def search_floor_in(root: Path) -> int | None:
    """The smallest arena that start-up may try, as the project's header has it."""
    text = (root / _HEADER).read_text(encoding="utf-8")
    found = re.search(r"kSearchFloorBytes = (\d+);", text)
    return int(found[1]) if found else None


def _relink(root: Path, manifest: Manifest, tflm_dir: Path | None) -> bool:
    """Link every firmware of the project again; False if its TFLM is not on this machine."""
    facts = next(item for item in SOURCES.values() if item.id == manifest.tflm.source)
    source = find_source(facts.id, tflm_dir=tflm_dir)
    if source is None:
        return False
    own = {facts.cmake_variable: str(source.path)}
    for output, more in ((manifest.engine, {}), (f"{manifest.engine}-twin", {"ECG_TWIN": "ON"})):
        if (root / "out" / output).is_dir():
            cmake.configure(root, output, {**own, **more})
            cmake.build(root, output)
            shutil.rmtree(root / "out" / output / "build", ignore_errors=True)
    return True


def _with_arena(manifest: Manifest, arena: ArenaResult, root: Path) -> Manifest:
    """The manifest with the new certificate, and with the files as they are now."""
    hashes = {
        path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in manifest.files
    }
    info = manifest.arena.model_copy(
        update={
            "bytes": arena.size_bytes,
            "basis": arena.basis,
            "ran_at": arena.ran_at,
            "failed_at": arena.failed_at,
            "margin_bytes": 0,
            "rule": None,
        }
    )
    memory = manifest.memory.model_copy(update={"arena_ram_bytes": arena.size_bytes})
    decisions = tuple(
        item.model_copy(
            update={"choice": f"{arena.size_bytes} bytes", "reason": f"{arena.words}, on the board"}
        )
        if item.what == "arena"
        else item
        for item in manifest.decisions
    )
    return manifest.model_copy(
        update={"arena": info, "memory": memory, "files": hashes, "decisions": decisions}
    )
