"""Links a project's firmware in a folder of its own, or takes the finished build of equal inputs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen import __version__
from tflm_gen.arena.modelled import modelled_for
from tflm_gen.memory_plan import largest_arena_bytes, unproven_arena
from tflm_gen.project.plan import (
    ARENA_CONFIG,
    FirmwareProject,
    ProjectSpec,
    plan_project,
    sources_digest,
    with_arena,
)
from tflm_gen.project.writer import write_files
from tflm_gen.toolchain import cmake
from tflm_gen.toolchain.build_cache import BuildOutcome, cache_key, load_outcome, store_outcome
from tflm_gen.toolchain.device_arena import check_start, find_arena
from tflm_gen.toolchain.elf_file import ElfFile
from tflm_gen.toolchain.elf_size import FirmwareSizes, KnownSizes, firmware_sizes
from tflm_gen.toolchain.npu_arena import check_npu_start
from tflm_gen.toolchain.work_tree import ELF, FirmwareJob, WorkTree

if TYPE_CHECKING:
    from tflm_gen.memory_plan import ArenaResult

OnStep = Callable[[str], None]

HOST_ARENA_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFirmware:
    """A finished firmware, the programs that made it, and what it was made from.

    Attributes:
        outcome: What came out.
        project: The project as it was before its arena was known.
        toolchain: Compiler and CMake.
        is_from_cache: It was built earlier.
    """

    outcome: BuildOutcome
    project: FirmwareProject
    toolchain: cmake.Toolchain
    is_from_cache: bool


def start_arena_bytes(spec: ProjectSpec) -> int:
    """Size of the arena of the first build: all that the board has, if it is not known yet."""
    if spec.compiled_arena is not None:
        return spec.compiled_arena.size_bytes
    return largest_arena_bytes(spec.board) or HOST_ARENA_BYTES


def arena_without_build(job: FirmwareJob, on_step: OnStep) -> ArenaResult:
    """The arena of a project that is not linked here.

    Raises:
        OracleError: If the reference interpreter refuses the model, or crashes on it.
    """
    spec = job.spec
    if spec.compiled_arena is not None:
        return spec.compiled_arena
    largest = unproven_arena(start_arena_bytes(spec))
    if job.arena_mode != "proven" or spec.npu is not None:
        return largest
    on_step("find the smallest arena on this machine")
    return modelled_for(spec) or largest


def build_or_reuse(job: FirmwareJob, *, use_cache: bool, on_step: OnStep) -> BuiltFirmware:
    """The firmware from the cache of finished builds, else built and put there.

    Args:
        job: What to build.
        use_cache: Take a finished build of the same inputs.
        on_step: Told the name of every step that takes a while.

    Raises:
        TflmGenError: As :func:`build_firmware`.
    """
    toolchain = cmake.find_toolchain(is_host=job.spec.board.spec.is_host)
    known = job.spec.compiled_arena
    project = plan_project(
        job.spec,
        arena_bytes=start_arena_bytes(job.spec),
        arena_basis=known.words if known else "all there is",
    )
    key = cache_key(
        {
            "tool": __version__,
            "sources": sources_digest(project),
            "tflm": job.source.sha256 if job.source else "none",
            "compiler": toolchain.compiler,
            "cmake": toolchain.cmake,
            "arena": job.arena_mode,
            "emulators": installed_emulators(),
        }
    )
    outcome = load_outcome(key) if use_cache else None
    is_from_cache = outcome is not None
    if outcome is None:
        outcome = build_firmware(job, project, on_step)
        store_outcome(key, outcome)
    return BuiltFirmware(
        outcome=outcome, project=project, toolchain=toolchain, is_from_cache=is_from_cache
    )


def installed_emulators() -> str:
    """The emulators of this machine with their versions; part of what decides a build."""
    paths = [shutil.which(name) for name in ("qemu-system-arm", "renode")]
    return "; ".join(cmake.first_line(path) for path in paths if path) or "none"


def build_firmware(job: FirmwareJob, project: FirmwareProject, on_step: OnStep) -> BuildOutcome:
    """Compile, link, find the arena, link again.

    Args:
        job: What to build.
        project: Its files, with an arena to start with.
        on_step: Told the name of every step that takes a while.

    Raises:
        MissingToolError: If a program of the build is not installed.
        BuildFailedError: If the compiler or linker refuses.
        FirmwareError: If the firmware does not run even in the largest arena.
        DeviceFaultError: If it crashes there.
    """
    spec = job.spec
    with tempfile.TemporaryDirectory(prefix="tflm-gen-") as folder:
        tree = WorkTree(root=Path(folder), job=job)
        start_bytes = start_arena_bytes(spec)
        known = spec.compiled_arena
        write_files(tree.root, project.files)
        on_step("compile")
        tree.configure()
        tree.build()
        arena, warnings = find_arena(tree, start_bytes, on_step)
        if known is None:
            final = with_arena(
                project,
                spec,
                arena_bytes=arena.size_bytes,
                arena_basis=arena.words,
                needed_bytes=arena.needed_bytes,
            )
            tree.replace_file(ARENA_CONFIG, final.files[ARENA_CONFIG])
        if arena.basis in ("proven", "static"):
            on_step("start the final firmware")
            warnings += check_start(tree)
        elif spec.npu is not None and arena.basis == "modelled":
            on_step("start the final firmware")
            check_npu_start(tree)
        files = tree.artifacts()
    sizes = _sizes(job, files[f"{spec.engine}/{ELF}"], arena)
    return BuildOutcome(arena=arena, sizes=sizes, files=files, warnings=warnings)


def _sizes(job: FirmwareJob, elf: bytes, arena: ArenaResult) -> FirmwareSizes:
    """Flash and RAM of the firmware."""
    is_image = job.source is not None and job.source.facts.id == "corstone300_image"
    return firmware_sizes(
        ElfFile(elf),
        KnownSizes(
            model=job.spec.model_array_bytes,
            stack=job.spec.board.spec.firmware.stack_bytes,
            arena=arena.size_bytes,
        ),
        image=ElfFile(job.source.path.read_bytes()) if job.source and is_image else None,
    )
