"""build_project(): the stages of a build, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.arena.ahead import with_memory_plan
from tflm_gen.arena.modelled import board_target, refuse_hopeless, with_forecast
from tflm_gen.board_loader import Board, load_board
from tflm_gen.check.gate import require_runnable
from tflm_gen.cleanup.cleaner import clean_model, naming_undone
from tflm_gen.cleanup.records import Cleaning
from tflm_gen.golden import make_golden_vector
from tflm_gen.memory_plan import LinkedSizes, plan_memory, unproven_arena
from tflm_gen.model.ops import op_usage
from tflm_gen.project.compiled import CompiledPart, board_without_image, compile_part
from tflm_gen.project.kinds import choose_kind
from tflm_gen.project.output import write_project
from tflm_gen.project.plan import ProjectSpec
from tflm_gen.project.writer import check_replaceable
from tflm_gen.tflm.choice import choose_engine, choose_ops
from tflm_gen.tflm.source_facts import NPU_KERNELS
from tflm_gen.toolchain.firmware import arena_without_build, build_or_reuse
from tflm_gen.toolchain.project_kind import build_kind
from tflm_gen.toolchain.work_tree import FirmwareJob
from tflm_gen.vela.project import kernels_for, plan_npu_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
        npu: Configuration of the Ethos-U for kernels ethos-u; None for the default.
        project_kind: "auto" or a kind of :mod:`tflm_gen.project.kinds`.
        tflm_dir: An own TFLM tree, for boards that link upstream's sources.
        arena_mode: As :class:`tflm_gen.toolchain.work_tree.FirmwareJob` has it.
        is_linked: False writes the project and builds nothing.
        allow_fault_injection: The firmware obeys INJECT; only for tests.
        has_golden: The firmware tests itself at start-up, with outputs that it carries.
        use_cache: Take a finished build of the same inputs.
        is_cleaned: Rewrite the model first, as far as that can be proven.
        is_memory_planned: Put a memory plan into the model where it saves arena.
        compile_with: What makes C of the model for the compiled engine's application.
    """

    model: Model
    board_id: str
    out: Path
    engine: str = "auto"
    kernels: str = "auto"
    npu: str | None = None
    project_kind: str = "auto"
    tflm_dir: Path | None = None
    arena_mode: ArenaMode = "proven"
    is_linked: bool = True
    allow_fault_injection: bool = False
    has_golden: bool = True
    use_cache: bool = True
    is_cleaned: bool = True
    is_memory_planned: bool = False
    compile_with: Callable[[Model, Board], CompiledPart] = compile_part


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """A project that is in its place.

    Attributes:
        root: Its folder.
        manifest: Its manifest.
        plan: What lies where in memory.
        choice: Engine, kernels and TFLM, with the reasons.
        is_from_cache: The firmware was taken from the cache.
        notes: What the program of the project's kind made of it.
    """

    root: Path
    manifest: Manifest
    plan: MemoryPlan
    choice: EngineChoice
    is_from_cache: bool
    notes: tuple[str, ...] = ()


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
    spec, choice = _plan_spec(request, on_step)
    kind = choose_kind(spec.board, request.project_kind)
    # Fails early: model and stack alone, or with an arena that is known already.
    _plan_memory(spec, spec.compiled_arena or unproven_arena(0), None)
    if spec.compiled_arena is None:
        refuse_hopeless(spec)
    built: BuiltFirmware | None = None
    job = FirmwareJob(spec=spec, source=choice.source, arena_mode=request.arena_mode)
    if request.is_linked and kind.is_linked_here and choice.can_link:
        built = build_or_reuse(job, use_cache=request.use_cache, on_step=on_step)
        arena = built.outcome.arena
    else:
        arena = arena_without_build(job, on_step)
    plan = _plan_memory(spec, arena, built)
    manifest = write_project(
        request.out, spec=spec, kind=kind, choice=choice, built=built, arena=arena, plan=plan
    )
    notes = build_kind(kind.name, request.out, choice, on_step) if request.is_linked else ()
    return BuildResult(
        root=request.out,
        manifest=manifest,
        plan=plan,
        choice=choice,
        is_from_cache=built is not None and built.is_from_cache,
        notes=notes,
    )


def _plan_spec(
    request: BuildRequest, on_step: Callable[[str], None]
) -> tuple[ProjectSpec, EngineChoice]:
    """The project: model cleaned, what is linked, operators looked up, golden vector computed."""
    board = load_board(request.board_id)
    cleaning = clean_model(request.model, on_step=on_step) if request.is_cleaned else None
    if request.is_memory_planned:
        on_step("plan the memory ahead and prove it")
        start = cleaning or Cleaning(original=request.model, cleaned=request.model)
        cleaning = with_memory_plan(start, board_target(board))
    model = cpu_model = cleaning.cleaned if cleaning else request.model
    kernels = kernels_for(request.kernels, request.npu)
    compiled = request.compile_with(model, board) if kernels != NPU_KERNELS else None
    choice = choose_engine(
        board,
        engine=request.engine,
        kernels=kernels,
        tflm_dir=request.tflm_dir,
        obstacle=compiled.obstacle if compiled else None,
    )
    npu = plan_npu_project(model, board, choice, request.npu)
    if npu is not None:
        model, board, choice = npu.model, npu.board, npu.choice
    usages = op_usage(model)
    ops = naming_undone(cleaning, lambda: choose_ops(choice, model, usages))
    before = cpu_model if npu is not None else None
    verdict = require_runnable(model, choice, board_id=board.id, before=before)
    obstacle = ops.obstacle or verdict.tflm_obstacle
    spec = ProjectSpec(
        model=model,
        usages=usages,
        entries=() if obstacle else ops.entries,
        tflm_obstacle=obstacle,
        compiled=compiled,
        board=board_without_image(board) if choice.is_compiled else board,
        engine=choice.engine,
        kernels=choice.kernels,
        source=choice.facts,
        golden=make_golden_vector(cpu_model, request.has_golden),  # No oracle runs an NPU's model.
        allow_fault_injection=request.allow_fault_injection,
        npu=npu.plan if npu else None,
        cleaning=cleaning,
        check_warnings=verdict.warnings,
    )
    return with_forecast(spec), choice


def _plan_memory(spec: ProjectSpec, arena: ArenaResult, built: BuiltFirmware | None) -> MemoryPlan:
    """What lies where; refuses what does not fit."""
    sizes = built.outcome.sizes if built else None
    linked = LinkedSizes(code_bytes=sizes.code_region, data_bytes=sizes.data_ram) if sizes else None
    return plan_memory(
        board=spec.board, model_bytes=spec.model_array_bytes, arena=arena, linked=linked
    )
