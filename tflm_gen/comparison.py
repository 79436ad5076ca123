"""One model on one board with every engine that can be linked there: the same figures for each."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.benchmark import BOARD_PLAN, EMULATOR_PLAN, run_benchmark
from tflm_gen.board_loader import load_board
from tflm_gen.errors import (
    MissingSourceError,
    MissingToolError,
    NotCompilableError,
    UnsupportedChoiceError,
    UnsupportedOperatorError,
)
from tflm_gen.model.reader import parse_model
from tflm_gen.peers import bakenn
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.runner.launch import check_identity, open_device
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import load_target
from tflm_gen.vectors import make_vectors
from tflm_gen.verification import verify_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tflm_gen.pipeline import BuildResult

# What keeps one engine out and says nothing about the others.
_OBSTACLES = (
    MissingSourceError,
    NotCompilableError,
    UnsupportedOperatorError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contender:
    """One row of the table, before it is built.

    Attributes:
        engine: Its name in the table.
        request: What is built.
        kernels: Its kernels, if they are not ours.
        runtime: What runs the model, if it is not ours.
    """

    engine: str
    request: BuildRequest
    kernels: str = ""
    runtime: str = ""

    @property
    def title(self) -> str:
        """Engine, and which of its kernels where that is a choice."""
        return f"{self.engine} ({self.kernels})" if self.kernels else self.engine


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What an engine did when its firmware ran.

    Attributes:
        device: Where it ran.
        basis: What ``count`` is.
        unit: Its unit.
        count: Median of the timed inferences.
        oracle: What the outputs were compared with.
        n_vectors: Input vectors.
        n_different: Those of them with another output byte.
    """

    device: str
    basis: str
    unit: str
    count: float
    oracle: str
    n_vectors: int
    n_different: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFigures:
    """One engine's firmware.

    Attributes:
        engine: The engine.
        kernels: Its kernel library.
        runtime: What runs the model, as the firmware names it.
        flash_bytes: Model, code and constants that were linked for this model.
        image_flash_bytes: A prebuilt image beside it, with every operator it has; 0 without one.
        ram_bytes: Variables, stack and arena.
        image_ram_bytes: The same of the image.
        arena_bytes: The arena alone.
        arena_basis: How its size is known.
        build_s: Seconds of this machine for a build from nothing, the search of the arena included.
        run: Figures of the run; None where nothing here runs the board.
    """

    engine: str
    kernels: str
    runtime: str
    flash_bytes: int
    image_flash_bytes: int
    ram_bytes: int
    image_ram_bytes: int
    arena_bytes: int
    arena_basis: str
    build_s: float
    run: RunFigures | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All engines of one model on one board.

    Attributes:
        model_name: The model.
        board_id: The board.
        core: Its core.
        engines: Those that were linked.
        left_out: Engine and why it was not linked.
        not_run: Why nothing was run; empty if the engines were.
    """

    model_name: str
    board_id: str
    core: str
    engines: tuple[EngineFigures, ...]
    left_out: tuple[tuple[str, str], ...]
    not_run: str = ""


def compare_engines(
    request: BuildRequest,
    *,
    n_vectors: int = 32,
    with_name: str | None = None,
    timeout_s: float = 60.0,
    on_step: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Build, run and verify the model with every engine.

    Args:
        request: Model and board; engine, kernels and folder are chosen here.
        n_vectors: Input vectors for the comparison of bytes.
        with_name: The emulator; by default the first that runs the board.
        timeout_s: As for :func:`tflm_gen.runner.launch.open_device`.
        on_step: Told the name of every step that takes a while.

    Raises:
        MissingSourceError: If no engine could be linked.
        TflmGenError: A subclass for other failures of a build or a run.
    """
    figures: list[EngineFigures] = []
    left_out: list[tuple[str, str]] = []
    not_run = core = ""
    with tempfile.TemporaryDirectory(prefix="tflm-gen-compare-") as folder:
        # Once for all: rewrites the model and asks the oracle, which are then in the cache.
        plain = replace(request, engine="auto", kernels="auto", is_linked=False)
        build_project(replace(plain, out=Path(folder) / "plain"), on_step)
        for number, contender in enumerate(_contenders(request)):
            own = replace(contender.request, out=Path(folder) / str(number))
            started = time.perf_counter()
            try:
                built = build_project(own, on_step)
            except _OBSTACLES as obstacle:
                left_out.append((contender.title, obstacle.message))
                continue
            build_s = time.perf_counter() - started
            sizes = _figures(built, build_s, contender)
            on_step(f"run engine {contender.title}")
            run, not_run = _run(built, n_vectors, with_name, timeout_s)
            with_name = run.device if run else with_name  # One machine, one basis for all.
            figures.append(replace(sizes, run=run))
            core = built.manifest.arena.core
    if not figures:
        raise MissingSourceError(
            f"no engine can be linked for {request.board_id}: "
            + "; ".join(f"{engine}: {reason}" for engine, reason in left_out),
            hint="See what is missing: tflm-gen doctor",
        )
    return Comparison(
        model_name=request.model.name,
        board_id=request.board_id,
        core=core,
        engines=tuple(figures),
        left_out=tuple(left_out),
        not_run=not_run,
    )


def _contenders(request: BuildRequest) -> Iterator[_Contender]:
    """Our engines, then other compilers that are installed, each in the same firmware."""
    fresh = replace(request, kernels="auto", use_cache=False)
    for engine in ("tflm", "compiled"):
        yield _Contender(engine=engine, request=replace(fresh, engine=engine))
    core = load_board(request.board_id).spec.cpu.core
    for peer in bakenn.installed(core):
        # As the converter wrote it: bakenn refuses graphs that our clean-up leaves shorter.
        compiled = replace(
            fresh, engine="compiled", compile_with=peer.compile_part, is_cleaned=False
        )
        yield _Contender(
            engine=bakenn.PACKAGE,
            request=compiled,
            kernels=peer.kernels,
            runtime=f"{bakenn.PACKAGE}-{peer.version}",
        )


def _run(
    built: BuildResult, n_vectors: int, with_name: str | None, timeout_s: float
) -> tuple[RunFigures | None, str]:
    """Count and compare in one start of the firmware, or say why it cannot be run."""
    target = load_target(built.root)
    try:
        choice = select_device(target, with_name=with_name)
    except (MissingToolError, UnsupportedChoiceError) as obstacle:
        return None, obstacle.message
    model = parse_model(target.model, f"{target.model_name}.tflite")
    with open_device(choice, timeout_s=timeout_s) as session:
        boot = session.connect()
        check_identity(boot, target)
        cost = run_benchmark(session, boot, BOARD_PLAN if choice.is_real else EMULATOR_PLAN)
        vectors = make_vectors(model.inputs, count=n_vectors)
        verdict = verify_device(model, vectors, session, original=target.original)
    run = RunFigures(
        device=choice.name,
        basis=cost.basis,
        unit=cost.unit,
        count=cost.invoke.median,
        oracle=verdict.oracle,
        n_vectors=verdict.n_vectors,
        n_different=verdict.n_vectors_different,
    )
    return run, ""


def _figures(built: BuildResult, build_s: float, contender: _Contender) -> EngineFigures:
    """Sizes of what was linked.

    Raises:
        UnsupportedChoiceError: If nothing was.
    """
    manifest = built.manifest
    memory = manifest.memory
    if memory.code_flash_bytes is None or memory.data_ram_bytes is None:
        raise UnsupportedChoiceError(
            f"firmware for {manifest.board.id} is not linked here, so there is nothing to compare",
            hint="Name a board whose firmware tflm-gen links: tflm-gen boards list",
        )
    return EngineFigures(
        engine=contender.engine,
        kernels=contender.kernels or manifest.kernels,
        runtime=contender.runtime or manifest.arena.tflm,
        flash_bytes=memory.model_flash_bytes + memory.code_flash_bytes,
        image_flash_bytes=memory.image_flash_bytes or 0,
        ram_bytes=memory.data_ram_bytes + memory.stack_ram_bytes + memory.arena_ram_bytes,
        image_ram_bytes=memory.image_ram_bytes or 0,
        arena_bytes=memory.arena_ram_bytes,
        arena_basis=manifest.arena.basis,
        build_s=build_s,
        run=None,
    )
