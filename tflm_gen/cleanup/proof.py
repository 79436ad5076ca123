"""Proves a trail of rewrites: byte for byte on TFLM's interpreter, or says which step fails.

Three kinds of proof, the strongest first: the original runs on the oracle and gives the same
bytes; or the original, which TFLM cannot run or runs wrongly, runs on TFLite's reference kernels
and gives the same bytes; or every repaired part gives the bytes of an independent computation.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.cleanup.parts import part_model
from tflm_gen.cleanup.records import Change, Claim, Outputs, Proof
from tflm_gen.errors import (
    MalformedModelError,
    OracleError,
    ProcessTimeoutError,
    UnsupportedModelError,
)
from tflm_gen.model.graph import Document, write_document
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.client import OracleRun, run_oracle
from tflm_gen.oracle.tflite import TfliteRun, run_tflite
from tflm_gen.vectors import Vector, make_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tflm_gen.model.records import Model

_TIMEOUT_S = 120.0
# What the interpreter itself said comes last, in brackets.
_INNERMOST = re.compile(r"\((.*)\)\)?$")
_STATEFUL_OPS = frozenset({"VAR_HANDLE", "CALL_ONCE", "CUSTOM:CIRCULAR_BUFFER"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailStep:
    """A pass that changed something, and the document after it."""

    name: str
    is_repair: bool
    change: Change
    document: Document


Trail = tuple[TrailStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The first step that could not be proven; "" stands for all of them."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The proof, and one line for the user if the original was no good; else empty."""

    proof: Proof
    note: str


class Bench:
    """Runs documents on the oracle; each of them once."""

    def __init__(
        self, model: Model, vectors: Sequence[Vector], on_step: Callable[[str], None]
    ) -> None:
        self.model = model
        self.vectors = tuple(vectors)
        self.on_step = on_step
        self.refusals: dict[str, str] = {}
        self.tflite_crash = ""
        self._runs: dict[str, OracleRun | None] = {}
        self._tflite_runs: dict[str, TfliteRun | None] = {}
        graphs = model.subgraphs
        self._has_state = any(t.is_variable for g in graphs for t in g.tensors) or any(
            o.op in _STATEFUL_OPS for g in graphs for o in g.operators
        )

    def original(self) -> OracleRun | None:
        """The user's file on the oracle; None if it does not run."""
        return self._run(self.model.flatbuffer)

    def original_refusal(self) -> str:
        """Why the original does not run; empty if it does."""
        words = self.refusals.get(self._key(self.model.flatbuffer), "")
        inner = _INNERMOST.search(words)
        return inner[1] if inner else words

    def run(self, document: Document) -> OracleRun | None:
        """A rewritten model on the oracle; None if it does not run, or is no valid model."""
        data = write_document(document)
        try:
            parse_model(data, f"{self.model.name}.tflite")
        except (MalformedModelError, UnsupportedModelError) as error:
            self.refusals[self._key(data)] = error.message
            return None
        return self._run(data)

    def claim_holds(self, claim: Claim) -> bool:
        """A rewritten part gives what its reference computes."""
        try:
            part = part_model(claim.graph)
            vectors = make_vectors(part.inputs, count=len(self.vectors))
            found = run_oracle(part.flatbuffer, vectors, timeout_s=_TIMEOUT_S)
            return found.outputs == claim.reference(vectors)
        except (MalformedModelError, OracleError, ProcessTimeoutError, UnsupportedModelError):
            return False

    def tflite(self, flatbuffer: bytes, *, kernels: str = "") -> TfliteRun | None:
        """A model on TFLite's reference kernels, if they are installed and run it."""
        key = self._key(flatbuffer)
        if key not in self._tflite_runs:
            self.on_step("run on TFLite's reference kernels")
            try:
                self._tflite_runs[key] = run_tflite(flatbuffer, self.vectors, kernels=kernels)
            except OracleError as error:
                self.tflite_crash = error.message
                self._tflite_runs[key] = None
        return self._tflite_runs[key]

    def _key(self, flatbuffer: bytes) -> str:
        return hashlib.sha256(flatbuffer).hexdigest()

    def _run(self, flatbuffer: bytes) -> OracleRun | None:
        key = self._key(flatbuffer)
        if key not in self._runs:
            try:
                self._runs[key] = self._run_now(flatbuffer)
            except (OracleError, ProcessTimeoutError) as error:
                self._runs[key] = None
                self.refusals[key] = error.message
        return self._runs[key]

    def _run_now(self, flatbuffer: bytes) -> OracleRun:
        found = run_oracle(flatbuffer, self.vectors, timeout_s=_TIMEOUT_S)
        if not self._has_state:
            return found
        # One run after the other as well, so that what is kept between them is compared too.
        chained = run_oracle(flatbuffer, self.vectors, timeout_s=_TIMEOUT_S, keeps_state=True)
        return OracleRun(
            outputs=found.outputs + chained.outputs,
            runtime=found.runtime,
            arena_used_bytes=found.arena_used_bytes,
        )


def prove(trail: Trail, bench: Bench) -> Proven | Failure:
    """Prove all steps of a trail, or find the first that cannot be proven."""
    original, final = bench.original(), bench.run(trail[-1].document)
    if original is not None and final is not None and original.outputs == final.outputs:
        return Proven(proof=_same_proof(bench, original), note="")
    repairs = tuple(step for step in trail if step.is_repair)
    repaired = bench.run(repairs[-1].document) if repairs else original
    if repaired is None:
        return _refused(repairs, bench)
    failure = _first_difference(trail[len(repairs) :], repaired.outputs, bench)
    if failure is not None:
        return failure
    if original is not None and original.outputs == repaired.outputs:
        return Proven(proof=_same_proof(bench, original), note="")
    return _prove_repairs(repairs, repaired, bench)


def _same_proof(bench: Bench, original: OracleRun) -> Proof:
    n = len(bench.vectors)
    return Proof(
        basis="original on TFLM",
        words=f"original and cleaned model give equal bytes for {n} vectors on {original.runtime}",
        n_vectors=n,
        reference=original.runtime,
        oracle=original.runtime,
    )


def _refused(repairs: Trail, bench: Bench) -> Failure:
    """A repair broke the model, or neither the original nor the repaired model runs."""
    if bench.original() is not None:
        for step in repairs:
            if bench.run(step.document) is None:
                return Failure(name=step.name, reason="TFLM does not run the model after it")
    return Failure(
        name="", reason=f"TFLM runs neither it nor the original ({bench.original_refusal()})"
    )


def _first_difference(steps: Trail, expected: Outputs, bench: Bench) -> Failure | None:
    """The first step after which the model gives other bytes."""
    if not steps:
        return None
    last = bench.run(steps[-1].document)
    if last is not None and last.outputs == expected:
        return None
    for step in steps:
        found = bench.run(step.document)
        if found is None:
            return Failure(name=step.name, reason="TFLM does not run the model after it")
        if found.outputs != expected:
            return Failure(name=step.name, reason=_difference(found.outputs, expected))
    return None


def _difference(found: Outputs, expected: Outputs) -> str:
    n = sum(a != b for a, b in zip(found, expected, strict=True))
    return f"other bytes for {n} of {len(expected)} vectors"


# --- repairs --------------------------------------------------------------------------------------


def _prove_repairs(repairs: Trail, repaired: OracleRun, bench: Bench) -> Proven | Failure:
    """The original does not run on TFLM, or gives other bytes than the repaired model."""
    words, reference = _agree_on_tflite(repairs[-1].document, repaired, bench)
    if words:
        return Proven(
            proof=_proof(bench, repaired, "original on TFLite", words, reference),
            note=_note(repairs, repaired, bench, "the cleaned model computes what TFLite does"),
        )
    bench.on_step("compare the repaired parts with an independent computation")
    failure = _check_parts(repairs, bench, reference)
    if failure is not None:
        return failure
    n_parts = len(_standing_claims(repairs))
    parts = f"{n_parts} repaired parts give the bytes of an independent computation"
    words = (
        f"{parts if n_parts else 'constants were computed here as TFLite defines them'}, and the "
        f"repaired and the cleaned model give equal bytes on {repaired.runtime}, "
        f"for {len(bench.vectors)} vectors"
    )
    return Proven(
        proof=_proof(bench, repaired, "parts", words, "independent computation"),
        note=_note(repairs, repaired, bench, "the cleaned model is right in every repaired part"),
    )


def _agree_on_tflite(document: Document, repaired: OracleRun, bench: Bench) -> tuple[str, str]:
    """How the original on TFLite agrees with the repaired model, and which TFLite; "" if not.

    Some kernels of TFLite round otherwise than TFLM's. Then both models run on TFLite, and
    TFLite's own shapes must be those the repaired file stores, which TFLM believes.
    """
    original = bench.tflite(bench.model.flatbuffer)
    if original is None:
        return "", ""
    n = len(bench.vectors)
    if original.outputs == repaired.outputs[:n]:
        words = (
            f"the original on {original.runtime} and the cleaned model on {repaired.runtime} "
            f"give equal bytes for {n} vectors"
        )
        return words, original.runtime
    again = bench.tflite(write_document(document), kernels=original.kernels)
    stored = tuple(tensor.shape for tensor in document.main.tensors)
    if again is None or again.outputs != original.outputs or again.shapes[: len(stored)] != stored:
        return "", original.runtime
    words = (
        f"the original and the repaired model give equal bytes on {original.runtime}, the "
        f"repaired and the cleaned model on {repaired.runtime}, for {n} vectors"
    )
    return words, original.runtime


def _proof(bench: Bench, repaired: OracleRun, basis: str, words: str, reference: str) -> Proof:
    return Proof(
        basis=basis,
        words=words,
        n_vectors=len(bench.vectors),
        reference=reference,
        oracle=repaired.runtime,
    )


def _standing_claims(repairs: Trail) -> dict[int, tuple[str, Claim]]:
    """The last claim about every tensor, with its step."""
    return {claim.target: (step.name, claim) for step in repairs for claim in step.change.claims}


def _check_parts(repairs: Trail, bench: Bench, tflite: str) -> Failure | None:
    """Each repair leaves the bytes as they were, or its parts are proven one by one."""
    standing = _standing_claims(repairs)
    before = bench.original()
    for step in repairs:
        after = bench.run(step.document)
        if before is not None and after is not None and before.outputs == after.outputs:
            continue
        change = step.change
        if not change.is_settled or (before is not None and not change.claims):
            reason = _no_judge(tflite, bench.tflite_crash, runs=before is not None)
            return Failure(name=step.name, reason=reason)
        for name, claim in standing.values():
            if name == step.name and not bench.claim_holds(claim):
                return Failure(name=step.name, reason=f"a part gives other bytes: {claim.what}")
        before = after
    return None


def _no_judge(tflite: str, crash: str, *, runs: bool) -> str:
    """Why nothing can tell whether a repair is right."""
    what = "TFLM gives other bytes after it" if runs else "TFLM does not run the original"
    if crash:
        return f"{what}, and {crash}"
    if tflite:
        return f"{what}, and {tflite} does not agree either"
    return f"{what}, and TFLite, which could tell, is not installed: pip install ai-edge-litert"


def _note(repairs: Trail, repaired: OracleRun, bench: Bench, now: str) -> str:
    """One line: what the original would have done."""
    original = bench.original()
    if original is None:
        return f"TFLM does not run the original ({bench.original_refusal()}); {now}"
    traps = "; ".join(dict.fromkeys(step.change.trap for step in repairs if step.change.trap))
    wrong = _difference(original.outputs, repaired.outputs)
    return f"TFLM runs the original without an error and gives {wrong} ({traps}); {now}"
