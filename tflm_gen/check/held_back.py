"""What the kernels would take, and no interpreter is given: with some inputs it would crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.arena_model.offline import reason_not_to_place
from tflm_gen.check.records import Finding
from tflm_gen.model.run_checks import find_hazards

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tflm_gen.check.records import Place
    from tflm_gen.check.use import Use
    from tflm_gen.model.records import Model

CODE = "may-crash"
_REASON = "TFLM's kernels do not check this; build and verify refuse such a model"
_FILE_REASON = "no engine is given such a file: where its kernels read and write follows from this"


def held_back(model: Model, uses: Sequence[Use], found: Sequence[Finding]) -> Iterator[Finding]:
    """Why build and verify would refuse the model, for operators without another error.

    Args:
        model: The model.
        uses: Its operators.
        found: Findings so far.
    """
    places = {(use.subgraph.index, use.operator.index): use.place for use in uses}
    said = {place for finding in found if finding.severity == "error" for place in finding.places}
    for hazard in find_hazards(model):
        place = places[hazard.subgraph_index, hazard.operator_index]
        if place not in said:
            yield _finding(hazard.text, hazard.remedy, place)
    plan = reason_not_to_place(model)
    if plan:
        yield _finding(plan, "Convert the model again, or take its offline plan out.")


def contradictions(model: Model, uses: Sequence[Use]) -> Iterator[Finding]:
    """What of :func:`held_back` is the file's fault, and concerns every engine."""
    places = {(use.subgraph.index, use.operator.index): use.place for use in uses}
    for hazard in find_hazards(model):
        if hazard.is_of_file:
            yield Finding(
                code=CODE,
                severity="error",
                message=hazard.text,
                reason=_FILE_REASON,
                remedy=hazard.remedy,
                places=(places[hazard.subgraph_index, hazard.operator_index],),
            )


def _finding(text: str, remedy: str, *places: Place) -> Finding:
    return Finding(
        code=CODE,
        severity="error",
        message=f"the interpreter may crash: {text}",
        reason=_REASON,
        remedy=remedy,
        places=places,
    )
