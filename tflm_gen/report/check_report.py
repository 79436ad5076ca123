"""The verdict of ``check`` as text and as the versioned JSON document."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from tflm_gen.model.text import printable

if TYPE_CHECKING:
    from tflm_gen.check.records import CheckReport, Finding, Place

SCHEMA = "tflm-gen/check/1"
_WIDTH = 100
_NAME_CHARS = 60
_SHOWN_PLACES = 4


def check_document(report: CheckReport, cleaned: CheckReport | None = None) -> dict[str, object]:
    """Everything the text says.

    Args:
        report: The verdict on the file.
        cleaned: The verdict on what a build makes of it first, if that is another model.
    """
    model = report.model
    return {
        "schema": SCHEMA,
        "model": model.name,
        "sha256": model.sha256,
        "board": report.board_id,
        "source": report.source,
        "tflm": report.tflm,
        "kernels": report.kernels,
        "verdict": _word(report),
        "verdict_after_cleaning": None if cleaned is None else _word(cleaned),
        "precision": report.precision,
        "float_islands": [asdict(island) for island in report.islands],
        "basis": report.basis,
        "findings": [asdict(finding) for finding in report.findings],
    }


def _word(report: CheckReport) -> str:
    return "yes" if report.runs else "no"


def check_text(report: CheckReport, cleaned: CheckReport | None = None) -> str:
    """The verdict first, then errors, warnings and notes, each with its remedy."""
    model = report.model
    n_errors, n_warnings = len(report.errors), len(report.warnings)
    n_notes = len(report.findings) - n_errors - n_warnings
    verdict = "YES: it runs" if report.runs else "NO: it does not run"
    lines = [
        f"{verdict} on {report.board_id} with {report.tflm} ({report.kernels} kernels): "
        f"{_count(n_errors, 'error')}, {_count(n_warnings, 'warning')}, {_count(n_notes, 'note')}",
        f"{model.name}: {report.precision}, {len(model.main.operators)} operators, "
        f"{len(model.flatbuffer):,} B",
    ]
    if cleaned is not None:
        outcome = "it then runs" if cleaned.runs else "it does not run then either"
        lines.append(f"tflm-gen build cleans the model first: {outcome}")
    for finding in report.findings:
        lines += ["", *_finding_lines(finding)]
    lines += ["", *_wrapped("basis: ", report.basis)]
    return "\n".join(lines)


def _finding_lines(finding: Finding) -> list[str]:
    lines = _wrapped(f"{finding.severity} [{finding.code}] ", finding.message)
    if finding.places:
        lines += _wrapped("  where:  ", _places_text(finding.places))
    lines += _wrapped("  why:    ", finding.reason)
    lines += _wrapped("  remedy: ", finding.remedy)
    return lines


def _places_text(places: tuple[Place, ...]) -> str:
    shown = ", ".join(place_text(place) for place in places[:_SHOWN_PLACES])
    rest = len(places) - _SHOWN_PLACES
    return f"{shown} and {rest} more" if rest > 0 else shown


def place_text(place: Place) -> str:
    """A place as "operator 6 CONV_2D (conv2d_3/Conv2D)"."""
    inside = f" of subgraph {place.subgraph_index}" if place.subgraph_index else ""
    name = f" ({short_name(place.name)})" if place.name else ""
    return f"operator {place.operator_index} {place.op}{inside}{name}"


def short_name(name: str) -> str:
    """A tensor's name without those of the layers that the converter has folded into it."""
    last = next((part for part in reversed(name.split(";")) if part), name)
    return last if len(last) <= _NAME_CHARS else f"...{last[3 - _NAME_CHARS :]}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        label + printable(text),
        width=_WIDTH,
        subsequent_indent=" " * min(len(label), 10),
        break_long_words=False,
        break_on_hyphens=False,
    )
