"""What a clean-up did: steps, how each was proven, what was undone, what was saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tflm_gen.cleanup.draft import Draft

if TYPE_CHECKING:
    from tflm_gen.model.graph import Document, Graph
    from tflm_gen.model.records import Model
    from tflm_gen.vectors import Vector

Outputs = tuple[tuple[bytes, ...], ...]
Reference = Callable[[Sequence["Vector"]], Outputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """That a part of the rewritten graph computes what a reference computes.

    Attributes:
        what: In words.
        target: The tensor whose values it speaks for; a later claim for it takes its place.
        graph: The part, as a graph of its own.
        reference: Expected outputs for input vectors, computed another way.
    """

    what: str
    target: int
    graph: Graph
    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one pass did to a graph.

    Attributes:
        detail: In words, with numbers: "3 TILE became RESIZE_NEAREST_NEIGHBOR".
        claims: What must hold if the original cannot be compared because TFLM does not run it,
            or runs it wrongly.
        is_settled: Every part of the change is covered by a claim, or exact by arithmetic done
            here; else only a comparison with the original can prove it.
        trap: What TFLM would have done with the original, in words; empty if nothing wrong.
    """

    detail: str
    claims: tuple[Claim, ...] = ()
    is_settled: bool = True
    trap: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One kind of rewrite.

    Attributes:
        name: Stable name ("fold-shapes").
        run: The rewritten document and what was done; None if there was nothing to do.
        is_repair: It may change what TFLM computes, because the original is wrong there or needs
            an operator that TFLM lacks.
    """

    name: str
    run: Callable[[Document], tuple[Document, Change] | None]
    is_repair: bool = False


def edit_main(
    edit: Callable[[Draft], Change | None],
) -> Callable[[Document], tuple[Document, Change] | None]:
    """Let a function that edits a draft work on the main subgraph of a document."""

    def run(document: Document) -> tuple[Document, Change] | None:
        draft = Draft(document.main)
        change = edit(draft)
        if change is None:
            return None
        return replace(document, graphs=(draft.freeze(), *document.graphs[1:])), change

    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A pass that changed the model: done and proven, or undone."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneStep:
    """A pass whose change could not be proven, and why."""

    name: str
    detail: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How the cleaned model is known to compute the same.

    Attributes:
        basis: "original on TFLM": both ran on the oracle and agree; "original on TFLite": the
            original ran on TFLite's reference kernels; "parts": every repaired part was compared
            with an independent computation, and the repaired model with the cleaned one.
        words: One line for people.
        n_vectors: Vectors compared.
        reference: Which interpreter ran the reference side.
        oracle: Which interpreter ran the cleaned model.
    """

    basis: str
    words: str
    n_vectors: int
    reference: str
    oracle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Before and after; arenas as the host's allocator records them, None if unknown."""

    operators: tuple[int, int]
    model_bytes: tuple[int, int]
    arena_bytes: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """The result.

    Attributes:
        original: The model as the user gave it.
        cleaned: The model to use; the original itself if nothing was done.
        steps: What was done.
        undone: What was tried and could not be proven.
        proof: None if nothing was done.
        saving: None if nothing was done.
        note: Why nothing was done, or what the user should know; may be empty.
    """

    original: Model
    cleaned: Model
    steps: tuple[Step, ...] = ()
    undone: tuple[UndoneStep, ...] = ()
    proof: Proof | None = None
    saving: Saving | None = None
    note: str = ""

    @property
    def is_changed(self) -> bool:
        """The cleaned model is another file than the original."""
        return self.cleaned.sha256 != self.original.sha256
