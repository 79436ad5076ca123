"""Which engine, kernels and TFLM source a build uses, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import (
    MissingSourceError,
    UnsupportedChoiceError,
    UnsupportedOperatorError,
)
from tflm_gen.project.compiled import ENGINE as COMPILED
from tflm_gen.project.compiled import KERNELS as COMPILED_KERNELS
from tflm_gen.tflm.op_table import OpEntry, load_op_table, select_ops
from tflm_gen.tflm.source_facts import SOURCES, Reasoned, SourceFacts
from tflm_gen.tflm.sources import TflmSource, find_source

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.board_loader import Board
    from tflm_gen.errors import NotCompilableError
    from tflm_gen.model.records import Model, OpUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """What a build links.

    Attributes:
        engine: Engine the project is made for.
        kernels: Kernel library.
        facts: The TFLM the project is made for.
        source: That TFLM, or None if it is not here.
        reasons: Why.
    """

    engine: str
    kernels: str
    facts: SourceFacts
    source: TflmSource | None
    reasons: tuple[Reasoned, ...]

    @property
    def is_compiled(self) -> bool:
        """The compiled engine is linked, which needs no TFLM."""
        return self.engine == COMPILED

    @property
    def can_link(self) -> bool:
        """All that is linked is here."""
        return self.is_compiled or self.source is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpChoice:
    """How TFLM registers the operators of a model.

    Attributes:
        entries: The operators; empty if TFLM lacks one.
        obstacle: Which it lacks; empty if it has all.
    """

    entries: tuple[OpEntry, ...]
    obstacle: str = ""


def choose_ops(choice: EngineChoice, model: Model, usages: tuple[OpUsage, ...]) -> OpChoice:
    """The operators in the table of the chosen TFLM.

    Raises:
        UnsupportedOperatorError: If TFLM is linked and lacks one.
    """
    try:
        table = load_op_table(choice.facts.id)
        return OpChoice(entries=select_ops(usages, table, subgraphs=model.subgraphs))
    except UnsupportedOperatorError as error:
        if not choice.is_compiled:
            raise
        return OpChoice(entries=(), obstacle=error.message)


def choose_engine(
    board: Board,
    *,
    engine: str,
    kernels: str,
    tflm_dir: Path | None = None,
    obstacle: NotCompilableError | None = None,
) -> EngineChoice:
    """Decide from the options and from what is installed; never asks the network.

    Args:
        board: The board.
        engine: "auto", "tflm" or "compiled".
        kernels: "auto" or the name of a kernel library.
        tflm_dir: An own tree of TFLM's sources.
        obstacle: Why the compiled engine cannot have the model, if so.

    Raises:
        UnsupportedChoiceError: If the board cannot have that engine, those kernels or that tree.
        MissingSourceError: If TFLM was asked for by name and none is configured.
        NotCompilableError: The obstacle, if the compiled engine was asked for by name.
    """
    if tflm_dir is not None and "upstream" not in board.spec.tflm.sources:
        raise UnsupportedChoiceError(
            f"{board.id} links TFLM from {' or '.join(board.spec.tflm.sources)}, "
            "not from a tree of sources",
            hint="Leave --tflm-dir out.",
        )
    names = ("upstream",) if tflm_dir is not None else board.spec.tflm.sources
    candidates = [(SOURCES[name], find_source(name, tflm_dir=tflm_dir)) for name in names]
    facts, source = next(((f, s) for f, s in candidates if s is not None), candidates[0])
    if engine == COMPILED or (engine == "auto" and kernels == COMPILED_KERNELS):
        return _compiled(facts, kernels, f"asked for with {_option(engine)}", obstacle)
    # Who names a library of TFLM's kernels wants TFLM, also where it is not here.
    is_missing = source is None and not facts.is_fetched_by_build
    if engine == "auto" and is_missing and kernels == "auto" and obstacle is None:
        return _compiled(facts, kernels, f"{facts.id} is not here", None)
    if is_missing and engine == "tflm":
        raise MissingSourceError(
            f"no TFLM is configured for {board.id}: {facts.id} is not here",
            hint=f"Get it: {facts.how_to_get}",
        )
    chosen_kernels, kernels_reason = _choose_kernels(board, facts, kernels)
    return EngineChoice(
        engine="tflm",
        kernels=chosen_kernels,
        facts=facts,
        source=source,
        reasons=(
            Reasoned(
                what="engine",
                choice="tflm",
                reason=_engine_reason(engine, facts, source),
            ),
            Reasoned(what="kernels", choice=chosen_kernels, reason=kernels_reason),
        ),
    )


def _option(engine: str) -> str:
    """The option that asked for the compiled engine."""
    return f"--engine {engine}" if engine == COMPILED else f"--kernels {COMPILED_KERNELS}"


def _compiled(
    facts: SourceFacts, kernels: str, reason: str, obstacle: NotCompilableError | None
) -> EngineChoice:
    """The compiled engine; the project stays made for the same TFLM, which is not linked."""
    if kernels not in ("auto", COMPILED_KERNELS):
        raise UnsupportedChoiceError(
            f"engine compiled has its own kernels, not {kernels}",
            hint=f"Leave --kernels out, or use --engine tflm --kernels {kernels}.",
        )
    if obstacle is not None:
        raise obstacle
    return EngineChoice(
        engine=COMPILED,
        kernels=COMPILED_KERNELS,
        facts=facts,
        source=None,
        reasons=(
            Reasoned(what="engine", choice=COMPILED, reason=reason),
            Reasoned(
                what="kernels", choice=COMPILED_KERNELS, reason="the compiled engine's own kernels"
            ),
        ),
    )


def _engine_reason(engine: str, facts: SourceFacts, source: TflmSource | None) -> str:
    if engine == "tflm":
        return "asked for with --engine tflm"
    if source is None:
        return f"the default; nothing is linked, because {facts.id} is not here"
    return f"the default, and {facts.id} is here"


def _choose_kernels(board: Board, facts: SourceFacts, kernels: str) -> tuple[str, str]:
    """Kernel library and the reason for it."""
    if kernels == "auto":
        return facts.kernels[0], f"the first that {facts.id} can be linked with"
    if kernels not in facts.kernels:
        raise UnsupportedChoiceError(
            f"{board.id} links TFLM from {facts.id}, whose kernels are "
            f"{' or '.join(facts.kernels)}, not {kernels}",
            hint="Leave --kernels out, or choose one of those.",
        )
    return kernels, f"asked for with --kernels {kernels}"
