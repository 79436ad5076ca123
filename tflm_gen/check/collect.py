"""Findings that single operators and :mod:`tflm_gen.inspection` give, equal ones together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.check.records import Finding, Place
from tflm_gen.check.rules import IMAGE, RULES, WHEEL
from tflm_gen.check.traps import load_traps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tflm_gen.check.records import Severity
    from tflm_gen.check.rules import Rule
    from tflm_gen.check.use import Use
    from tflm_gen.inspection.records import Inspection
    from tflm_gen.model.records import Model

# Findings of inspect that a rule of this package says better, or that are no matter of running.
_SAID_BETTER = frozenset(
    [
        "softmax-scale",
        "per-channel-dense",
        "resource-variables",
        "shape-chain",
        "large-model",
        "float16-model",
        "hybrid-model",
    ]
)


def _severity(rule: Rule, source: str, kernels: str) -> Severity | None:
    """An error where it was seen; a warning where only the kernel library is the same."""
    measured = source if source in (WHEEL, IMAGE) else WHEEL
    if measured in rule.runtimes:
        return "error"
    is_same_library = measured != source and rule.library == kernels
    return "warning" if is_same_library else None


def refused_late(uses: Sequence[Use], source: str, kernels: str) -> Iterator[Finding]:
    """What TFLM's kernels refuse at allocation or while the model runs."""
    yield from _broken_rules(uses, lambda rule: _severity(rule, source, kernels))


def wrong_in_file(uses: Sequence[Use]) -> Iterator[Finding]:
    """Of the same, what is the file's fault: other engines than TFLM refuse that too."""
    yield from _broken_rules(uses, lambda rule: "error" if rule.is_of_file else None)


def _broken_rules(
    uses: Sequence[Use], severity_of: Callable[[Rule], Severity | None]
) -> Iterator[Finding]:
    for rule in RULES:
        severity = severity_of(rule)
        if severity is None:
            continue
        groups: dict[tuple[str, str, str], list[Use]] = {}
        for use in uses:
            problem = rule.find(use) if not rule.ops or use.op in rule.ops else None
            if problem is not None:
                groups.setdefault((use.op, problem.message, problem.remedy), []).append(use)
        for (op, message, remedy), found in groups.items():
            yield Finding(
                code=rule.code,
                severity=severity,
                message=f"{op}: {message}",
                reason=rule.reason if severity == "error" else f"{rule.reason} (in Arm's image)",
                remedy=remedy,
                places=_places(found),
            )


def trapped(uses: Sequence[Use], source: str, kernels: str) -> Iterator[Finding]:
    """Known kernel traps, equal ones together."""
    dated, traps = load_traps()
    for trap in traps:
        if not trap.applies_to(source, kernels):
            continue
        groups: dict[str, list[Use]] = {}
        for use in uses:
            words = trap.words_for(use)
            if words is not None:
                groups.setdefault(trap.message.format(**words), []).append(use)
        for message, found in groups.items():
            yield Finding(
                code=f"trap:{trap.id}",
                severity=trap.severity,
                message=message,
                reason=f"{trap.reason} (affected: {trap.affected}; {trap.evidence}, {dated})",
                remedy=trap.remedy,
                places=_places(found),
            )


def float_honesty(inspection: Inspection) -> Iterator[Finding]:
    """Float operators in a quantized model, each group by its place."""
    graphs = inspection.model.subgraphs
    for island in inspection.islands:
        operators = graphs[island.subgraph_index].operators
        found = [operators[index] for index in island.operators]
        places = tuple(
            Place(
                subgraph_index=island.subgraph_index,
                operator_index=operator.index,
                op=operator.op,
                name=_output_name(inspection.model, island.subgraph_index, operator.index),
            )
            for operator in found
        )
        yield Finding(
            code="float-island",
            severity="warning",
            message=f"{len(found)} float operators inside a quantized model ({', '.join(island.ops)})"
            f": the file is {inspection.precision}, not int8",
            reason="they run in software floating point on cores without an FPU, their tensors "
            "take four times the arena, and their bytes depend on the compiler",
            remedy="Replace the layer that makes them, or calibrate the whole model again.",
            places=places,
        )


def _output_name(model: Model, subgraph_index: int, operator_index: int) -> str:
    graph = model.subgraphs[subgraph_index]
    outputs = graph.operators[operator_index].outputs
    return graph.tensors[outputs[0]].name if outputs else ""


def artefacts(inspection: Inspection) -> Iterator[Finding]:
    """What the converter left in the file, as inspect found it."""
    for finding in inspection.findings:
        if finding.code in _SAID_BETTER:
            continue
        graphs = inspection.model.subgraphs
        yield Finding(
            code=finding.code,
            severity="warning" if finding.is_warning else "note",
            message=finding.message,
            reason="found in the file; it keeps no kernel from running",
            remedy=finding.hint,
            places=tuple(
                Place(
                    subgraph_index=graph,
                    operator_index=index,
                    op=graphs[graph].operators[index].op,
                    name=_output_name(inspection.model, graph, index),
                )
                for graph, index in finding.operators
            ),
        )


def _places(uses: Sequence[Use]) -> tuple[Place, ...]:
    return tuple(use.place for use in uses)
