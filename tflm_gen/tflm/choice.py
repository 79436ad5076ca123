"""Which engine, kernels and TFLM source a build uses, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import MissingSourceError, UnsupportedChoiceError
from tflm_gen.tflm.source_facts import SOURCES, Reasoned, SourceFacts
from tflm_gen.tflm.sources import TflmSource, find_source

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.board_loader import Board


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """What a build links.

    Attributes:
        engine: Engine the project is made for.
        kernels: Kernel library.
        facts: The TFLM the project is made for.
        source: That TFLM, or None if it is not here: then nothing is linked.
        reasons: Why.
    """

    engine: str
    kernels: str
    facts: SourceFacts
    source: TflmSource | None
    reasons: tuple[Reasoned, ...]


def choose_engine(
    board: Board, *, engine: str, kernels: str, tflm_dir: Path | None = None
) -> EngineChoice:
    """Decide from the options and from what is installed; never asks the network.

    Args:
        board: The board.
        engine: "auto", "tflm" or "compiled".
        kernels: "auto" or the name of a kernel library.
        tflm_dir: An own tree of TFLM's sources.

    Raises:
        UnsupportedChoiceError: If the board cannot have that engine, those kernels or that tree.
        MissingSourceError: If TFLM was asked for by name and none is configured.
    """
    if engine == "compiled":
        raise UnsupportedChoiceError(
            "engine compiled is not in this version of tflm-gen",
            hint="Use --engine tflm.",
        )
    if tflm_dir is not None and "upstream" not in board.spec.tflm.sources:
        raise UnsupportedChoiceError(
            f"{board.id} links TFLM from {' or '.join(board.spec.tflm.sources)}, "
            "not from a tree of sources",
            hint="Leave --tflm-dir out.",
        )
    names = ("upstream",) if tflm_dir is not None else board.spec.tflm.sources
    candidates = [(SOURCES[name], find_source(name, tflm_dir=tflm_dir)) for name in names]
    facts, source = next(((f, s) for f, s in candidates if s is not None), candidates[0])
    if source is None and engine == "tflm":
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
