"""What ``check`` finds out about a model and the TFLM that will run it, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tflm_gen.inspection.records import FloatIsland
    from tflm_gen.model.records import Model

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the model a finding is.

    Attributes:
        subgraph_index: Subgraph.
        operator_index: Position of the operator in it.
        op: TFLite's name of the operator.
        name: Name of the operator's first output, which is how converters name operators.
    """

    subgraph_index: int
    operator_index: int
    op: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a user should know before the model runs.

    Attributes:
        code: Stable name for scripts ("kernel-types").
        severity: "error": it will not run; "warning": it may run wrong or not for ever; "note":
            it costs something, or is good to know.
        message: What was found, with numbers.
        reason: Why it matters, or how it is known.
        remedy: What to do about it.
        places: The operators concerned; none if it concerns the whole file.
    """

    code: str
    severity: Severity
    message: str
    reason: str
    remedy: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The verdict on one model and one TFLM source.

    Attributes:
        model: The model.
        board_id: The board that was asked about.
        source: Id of the TFLM source that will be linked.
        tflm: Which TFLM that is, in words.
        kernels: Its kernel library.
        precision: What the file really is: "int8" only if every compute operator is.
        islands: Float operators in the middle of a quantized model.
        findings: Errors first, then warnings, then notes.
        basis: How the verdict on data types is known.
    """

    model: Model
    board_id: str
    source: str
    tflm: str
    kernels: str
    precision: str
    islands: tuple[FloatIsland, ...]
    findings: tuple[Finding, ...]
    basis: str

    @property
    def runs(self) -> bool:
        """The verdict: nothing was found that keeps the model from running."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that keep the model from running."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that can make results wrong."""
        return tuple(f for f in self.findings if f.severity == "warning")


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then warnings, then notes."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
