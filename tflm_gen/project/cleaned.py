"""What the manifest says about a clean-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.project import manifest as m
from tflm_gen.project.plan import model_crc
from tflm_gen.tflm.source_facts import Reasoned

if TYPE_CHECKING:
    from tflm_gen.project.plan import ProjectSpec

_WHAT = "clean-up"


def cleaned_model_info(spec: ProjectSpec) -> m.CleanedModelInfo | None:
    """The cleaned model, or None if the user's model is used as it is."""
    cleaning = spec.cleaning
    if cleaning is None or cleaning.proof is None or cleaning.saving is None:
        return None
    proof, cleaned = cleaning.proof, cleaning.cleaned
    return m.CleanedModelInfo(
        file=m.MODEL_FILE if spec.npu is None else None,
        sha256=cleaned.sha256,
        bytes=len(cleaned.flatbuffer),
        crc32=model_crc(cleaned),
        original_file=m.ORIGINAL_FILE,
        steps=tuple(
            m.CleanStepInfo(name=step.name, detail=step.detail, reason="")
            for step in cleaning.steps
        ),
        undone=tuple(
            m.CleanStepInfo(name=step.name, detail=step.detail, reason=step.reason)
            for step in cleaning.undone
        ),
        proof=m.CleanProofInfo.model_validate(
            {
                "basis": proof.basis,
                "words": proof.words,
                "n_vectors": proof.n_vectors,
                "reference": proof.reference,
                "oracle": proof.oracle,
            }
        ),
        operators=cleaning.saving.operators,
        arena_bytes=cleaning.saving.arena_bytes,
        note=cleaning.note,
    )


def cleaning_decisions(spec: ProjectSpec) -> tuple[Reasoned, ...]:
    """What was done to the model and why; one more for every step that was undone."""
    cleaning = spec.cleaning
    if cleaning is None:
        return (Reasoned(what=_WHAT, choice="none", reason="--no-clean"),)
    if cleaning.proof is None:
        reason = cleaning.note or "there was nothing to do that could be proven"
        done = Reasoned(what=_WHAT, choice="none", reason=reason)
    else:
        names = ", ".join(step.name for step in cleaning.steps)
        done = Reasoned(what=_WHAT, choice=names, reason=cleaning.proof.words)
    return (
        done,
        *(
            Reasoned(what=f"{_WHAT} step {step.name}", choice="undone", reason=step.reason)
            for step in cleaning.undone
        ),
    )
