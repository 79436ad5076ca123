"""write_project(): the files of a finished build, its manifest, and the swap into their place."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen.project.manifest import MANIFEST_NAME
from tflm_gen.project.manifest_plan import ManifestInputs, plan_manifest
from tflm_gen.project.plan import plan_project, with_arena
from tflm_gen.project.preprocessing import preprocess_warnings
from tflm_gen.project.writer import staged_project, write_files

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.memory_plan import ArenaResult, MemoryPlan
    from tflm_gen.project.kinds import ProjectKind
    from tflm_gen.project.manifest import Manifest
    from tflm_gen.project.plan import ProjectSpec
    from tflm_gen.tflm.choice import EngineChoice
    from tflm_gen.toolchain.firmware import BuiltFirmware


def write_project(
    root: Path,
    *,
    spec: ProjectSpec,
    kind: ProjectKind,
    choice: EngineChoice,
    built: BuiltFirmware | None,
    arena: ArenaResult,
    plan: MemoryPlan,
) -> Manifest:
    """Write the project and swap it in.

    Args:
        root: Where it shall be.
        spec: Model, board and choices.
        kind: Kind of the project.
        choice: What is linked and why.
        built: The firmware, or None if nothing was linked.
        arena: The arena.
        plan: What lies where.

    Raises:
        OutputFolderError: If the folder cannot be written or replaced.
    """
    build = partial(with_arena, built.project) if built is not None else plan_project
    project = build(
        spec,
        arena_bytes=arena.size_bytes,
        arena_basis=arena.words,
        needed_bytes=arena.needed_bytes,
    )
    files = dict(sorted(kind.plan(spec, project.files).items()))
    if built is not None:
        out = PurePosixPath("out")
        files.update({out / path: data for path, data in built.outcome.files.items()})
    manifest = plan_manifest(
        ManifestInputs(
            spec=spec,
            kind=kind.name,
            reasons=choice.reasons,
            source_sha256=choice.source.sha256 if built and choice.source else None,
            arena=arena,
            plan=plan,
            files=files,
            sizes=built.outcome.sizes if built else None,
            compiler=built.toolchain.compiler if built else None,
            cmake=built.toolchain.cmake if built else None,
            warnings=(
                *preprocess_warnings(spec),
                *spec.check_warnings,
                *(built.outcome.warnings if built else ()),
            ),
        )
    )
    with staged_project(root) as staging:
        write_files(staging, files)
        write_files(staging, {PurePosixPath(MANIFEST_NAME): manifest.to_bytes()})
    return manifest
