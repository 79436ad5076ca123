"""Whether a model will run on the TFLM that a board links, and what to do if not.

The verdict is computed from the file alone: operator tables of the TFLM source, data types its
kernels were seen to take, and rules for what they refuse late. A test compares it with what the
runtimes do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.check.collect import artefacts, float_honesty, refused_late, trapped
from tflm_gen.check.held_back import held_back
from tflm_gen.check.kernel_types import load_kernel_types
from tflm_gen.check.operators import missing_operators, refused_types
from tflm_gen.check.patterns import find_patterns
from tflm_gen.check.records import CheckReport, by_severity
from tflm_gen.check.rules import IMAGE, WHEEL
from tflm_gen.check.skew import find_skew
from tflm_gen.check.use import uses_of
from tflm_gen.inspection import inspect_model
from tflm_gen.tflm.op_table import load_op_table
from tflm_gen.tflm.source_facts import NPU_KERNELS

if TYPE_CHECKING:
    from tflm_gen.model.records import Model
    from tflm_gen.tflm.choice import EngineChoice


def check_model(model: Model, choice: EngineChoice, *, board_id: str) -> CheckReport:
    """Judge a model for the TFLM that will be linked.

    Args:
        model: The model.
        choice: Engine, kernels and TFLM, from :func:`tflm_gen.tflm.choice.choose_engine`.
        board_id: The board, for the report.
    """
    source = choice.facts.id
    # The compiled engine has no TFLM kernels: the board's TFLM would have its first library.
    is_tflm = choice.kernels in choice.facts.kernels
    kernels = choice.kernels if is_tflm else choice.facts.kernels[0]
    runtime = source if source in (WHEEL, IMAGE) else WHEEL
    table, types = load_op_table(source), load_kernel_types(runtime)
    uses = tuple(uses_of(model))
    inspection = inspect_model(model)
    findings = [
        *missing_operators(uses, table),
        *refused_types(uses, table, types),
        *refused_late([use for use in uses if use.op in table.ops], source, kernels),
        *trapped(uses, source, kernels),
        *float_honesty(inspection),
        *find_patterns(model),
        *find_skew(model, table.tflm),
        *artefacts(inspection),
    ]
    findings += held_back(model, uses, findings)
    return CheckReport(
        model=model,
        board_id=board_id,
        source=source,
        tflm=table.tflm,
        kernels=kernels,
        precision=inspection.precision,
        islands=inspection.islands,
        findings=by_severity(findings),
        basis=_basis(source, runtime, types.evidence, kernels),
    )


def _basis(source: str, runtime: str, evidence: str, kernels: str) -> str:
    if kernels == NPU_KERNELS:
        judged = _basis(source, runtime, evidence, "")
        return f"as if the CPU ran every operator ({judged}); what the NPU takes over is not judged"
    if runtime == source:
        return evidence
    return f"not measured on {source} itself; judged by {evidence}, of the same TFLM revision"
