"""The same verdict where TFLM's interpreter does not run the whole model, or none of it.

What is the file's fault is refused for every engine. Limits and defects of TFLM's kernels concern
only the operators that they run: none with the compiled engine, those left to the CPU with an NPU.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tflm_gen.check import check_model
from tflm_gen.check.collect import artefacts, float_honesty, wrong_in_file
from tflm_gen.check.held_back import contradictions
from tflm_gen.check.patterns import find_patterns
from tflm_gen.check.records import CheckReport, Finding, by_severity
from tflm_gen.check.use import uses_of
from tflm_gen.inspection import inspect_model
from tflm_gen.tflm.source_facts import NPU_OPERATOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.errors import NotCompilableError
    from tflm_gen.model.records import Model
    from tflm_gen.tflm.choice import EngineChoice

_BASIS = "the model was lowered to C for the board's core; TFLM is not linked"


def check_compiled(
    model: Model, choice: EngineChoice, *, board_id: str, obstacle: NotCompilableError | None = None
) -> CheckReport:
    """Judge a model for the compiled engine.

    Args:
        model: The model.
        choice: The engine.
        board_id: The board, for the report.
        obstacle: Why the engine cannot have the model, if so.
    """
    inspection = inspect_model(model)
    findings = [
        *_obstacles(obstacle),
        *_faults(model),
        *float_honesty(inspection),
        *find_patterns(model),
        *artefacts(inspection),
    ]
    return CheckReport(
        model=model,
        board_id=board_id,
        source=choice.engine,
        tflm="the compiled engine",
        kernels=choice.kernels,
        precision=inspection.precision,
        islands=inspection.islands,
        findings=by_severity(findings),
        basis=_BASIS,
    )


def check_npu(model: Model, choice: EngineChoice, *, board_id: str, before: Model) -> CheckReport:
    """Judge a model that an NPU's compiler wrote, and the one that it was given.

    Args:
        model: What is flashed: the NPU's operators, and those left to TFLM's kernels.
        choice: Engine, kernels and TFLM.
        board_id: The board, for the report.
        before: The model before that.
    """
    report = check_model(model, choice, board_id=board_id)
    # What the driver runs is its own affair: its tensors may be empty, and its NPU is there.
    kept = [finding for finding in report.findings if not _is_of_npu(finding)]
    return replace(report, findings=by_severity([*_faults(before), *kept]))


def _is_of_npu(finding: Finding) -> bool:
    return bool(finding.places) and all(place.op == NPU_OPERATOR for place in finding.places)


def _faults(model: Model) -> Iterator[Finding]:
    uses = tuple(uses_of(model))
    yield from wrong_in_file(uses)
    yield from contradictions(model, uses)


def _obstacles(obstacle: NotCompilableError | None) -> Iterator[Finding]:
    if obstacle is not None:
        yield Finding(
            code="not-compilable",
            severity="error",
            message=obstacle.message,
            reason="the compiled engine does not have the operator, or not in this form",
            remedy=obstacle.hint,
        )
