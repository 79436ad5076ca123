"""build_project(): the stages of a build, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen.arena.modelled import modelled_arena
from tflm_gen.board_loader import load_board
from tflm_gen.golden import make_golden_vector
from tflm_gen.memory_plan import LinkedSizes, plan_memory, unproven_arena
from tflm_gen.model.ops import op_usage
from tflm_gen.project.manifest import MANIFEST_NAME
from tflm_gen.project.manifest_plan import ManifestInputs, plan_manifest
from tflm_gen.project.plan import ProjectSpec, plan_project
from tflm_gen.project.writer import check_replaceable, staged_project, write_files
from tflm_gen.tflm.choice import choose_engine
from tflm_gen.tflm.op_table import load_op_table, select_ops
from tflm_gen.toolchain.firmware import build_or_reuse, start_arena_bytes
from tflm_gen.toolchain.work_tree import FirmwareJob

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tflm_gen.board_loader import Board
    from tflm_gen.memory_plan import ArenaResult, MemoryPlan
    from tflm_gen.model.records import Model
    from tflm_gen.project.manifest import Manifest
    from tflm_gen.tflm.choice import EngineChoice
    from tflm_gen.toolchain.firmware import BuiltFirmware
    from tflm_gen.toolchain.work_tree import ArenaMode


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What shall be built.

    Attributes:
        model: The model, already read.
        board_id: The board.
        out: Folder of the project.
        engine: "auto", "tflm" or "compiled".
        kernels: "auto" or a kernel library.
        tflm_dir: An own TFLM tree, for boards that link upstream's sources.
        arena_mode: "proven" searches for the smallest arena; "largest" takes all the board has.
        is_linked: False writes the project and builds nothing.
        allow_fault_injection: The firmware obeys INJECT; only for tests.
        use_cache: Take a finished build of the same inputs.
    """

    model: Model
    board_id: str
    out: Path
    engine: str = "auto"
    kernels: str = "auto"
    tflm_dir: Path | None = None
    arena_mode: ArenaMode = "proven"
    is_linked: bool = True
    allow_fault_injection: bool = False
    use_cache: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """A project that is in its place.

    Attributes:
        root: Its folder.
        manifest: Its manifest.
        plan: What lies where in memory.
        choice: Engine, kernels and TFLM, with the reasons.
        is_from_cache: The firmware was taken from the cache.
    """

    root: Path
    manifest: Manifest
    plan: MemoryPlan
    choice: EngineChoice
    is_from_cache: bool


def build_project(
    request: BuildRequest, on_step: Callable[[str], None] = lambda _: None
) -> BuildResult:
    """Plan a project, build its firmware, and put the whole in its place.

    Nothing is at the output folder until everything has succeeded.

    Args:
        request: What shall be built.
        on_step: Told the name of every step that takes a while.

    Raises:
        TflmGenError: A subclass for every expected way to fail; see :mod:`tflm_gen.errors`.
    """
    check_replaceable(request.out)
    board = load_board(request.board_id)
    choice = choose_engine(
        board, engine=request.engine, kernels=request.kernels, tflm_dir=request.tflm_dir
    )
    spec = _plan_spec(request, board, choice)
    _plan_memory(spec, unproven_arena(0), None)  # Model and stack alone: fails early.
    built: BuiltFirmware | None = None
    if request.is_linked and choice.source is not None:
        job = FirmwareJob(spec=spec, source=choice.source, arena_mode=request.arena_mode)
        built = build_or_reuse(job, use_cache=request.use_cache, on_step=on_step)
        arena = built.outcome.arena
    else:
        on_step("find the smallest arena on this machine")
        arena = modelled_arena(spec.model) or unproven_arena(start_arena_bytes(spec))
    plan = _plan_memory(spec, arena, built)
    manifest = _write_project(request.out, spec, choice, built, arena, plan)
    return BuildResult(
        root=request.out,
        manifest=manifest,
        plan=plan,
        choice=choice,
        is_from_cache=built is not None and built.is_from_cache,
    )


def _plan_spec(request: BuildRequest, board: Board, choice: EngineChoice) -> ProjectSpec:
    """The project: operators looked up, golden vector computed."""
    model = request.model
    usages = op_usage(model)
    entries = select_ops(usages, load_op_table(choice.facts.id), subgraphs=model.subgraphs)
    return ProjectSpec(
        model=model,
        usages=usages,
        entries=entries,
        board=board,
        engine=choice.engine,
        kernels=choice.kernels,
        source=choice.facts,
        golden=make_golden_vector(model),
        allow_fault_injection=request.allow_fault_injection,
    )


def _plan_memory(spec: ProjectSpec, arena: ArenaResult, built: BuiltFirmware | None) -> MemoryPlan:
    """What lies where; refuses what does not fit."""
    sizes = built.outcome.sizes if built else None
    linked = LinkedSizes(code_bytes=sizes.code_flash, data_bytes=sizes.data_ram) if sizes else None
    return plan_memory(
        board=spec.board, model_bytes=len(spec.model.flatbuffer), arena=arena, linked=linked
    )


def _write_project(
    root: Path,
    spec: ProjectSpec,
    choice: EngineChoice,
    built: BuiltFirmware | None,
    arena: ArenaResult,
    plan: MemoryPlan,
) -> Manifest:
    """Write the project and swap it in."""
    project = plan_project(spec, arena_bytes=arena.size_bytes, arena_basis=arena.words)
    files = dict(project.files)
    if built is not None:
        out = PurePosixPath("out")
        files.update({out / path: data for path, data in built.outcome.files.items()})
    manifest = plan_manifest(
        ManifestInputs(
            spec=spec,
            reasons=choice.reasons,
            source_sha256=choice.source.sha256 if built and choice.source else None,
            arena=arena,
            plan=plan,
            files=files,
            sizes=built.outcome.sizes if built else None,
            compiler=built.toolchain.compiler if built else None,
            cmake=built.toolchain.cmake if built else None,
            warnings=built.outcome.warnings if built else (),
        )
    )
    with staged_project(root) as staging:
        write_files(staging, files)
        write_files(staging, {PurePosixPath(MANIFEST_NAME): manifest.to_bytes()})
    return manifest
