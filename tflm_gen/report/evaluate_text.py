"""``evaluate`` for people: a terminal summary and a Markdown page from the same document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tflm_gen.evaluate.results import LABELS
from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from collections.abc import Mapping


def percent(value: float | None) -> str:
    """A share in percent, or a dash."""
    return "-" if value is None else f"{100 * value:.2f}"


def score_rows(document: Mapping[str, Any]) -> list[list[str]]:
    """Score, float, int8, drop, interval of the drop, outcome."""
    rows = []
    for check in document["gate"]["checks"]:
        interval = check["interval_points"]
        drop = check["drop_points"]
        rows.append(
            [
                LABELS[check["score"]],
                percent(check["before"]),
                percent(check["after"]),
                "-" if drop is None else f"{drop:+.2f}",
                "-" if interval is None else f"{interval['low']:+.2f} to {interval['high']:+.2f}",
                check["outcome"],
            ]
        )
    return rows


def ec57_rows(document: Mapping[str, Any]) -> list[list[str]]:
    """Model and kind, gross Se and +P, average Se and +P, patients, largest patient's share."""
    rows = []
    for name, model in document["models"].items():
        for kind, score in model["ec57"].items():
            rows.append(
                [
                    f"{name} {kind}",
                    percent(score["gross"]["se"]),
                    percent(score["gross"]["ppv"]),
                    _average(score["average_se"]),
                    _average(score["average_ppv"]),
                    str(score["n_patients"]),
                    percent(score["largest_patient_share"]),
                ]
            )
    return rows


def _average(value: Mapping[str, Any]) -> str:
    return f"{percent(value['value'])} ({value['n_records']})"


def class_rows(document: Mapping[str, Any], name: str) -> list[list[str]]:
    """Class, beats, patients, precision, recall, F1."""
    behind = document["patients_behind_each_class"]
    return [
        [
            score["name"],
            str(score["n_beats"]),
            str(behind.get(score["name"], {}).get("n_patients", 0)),
            percent(score["precision"]),
            percent(score["recall"]),
            percent(score["f1"]),
        ]
        for score in document["models"][name]["classes"]
        if score["n_beats"] or score["precision"] is not None
    ]


SCORE_HEAD = ["score (%)", "float", "int8", "drop", "95 % over patients", "gate"]
EC57_HEAD = [
    *("EC57 (%)", "gross Se", "gross +P", "average Se (records)", "average +P (records)"),
    *("patients", "most from one"),
]
CLASS_HEAD = ["class", "beats", "patients", "precision", "recall", "F1"]


def headline(document: Mapping[str, Any]) -> list[str]:
    """What was tested on what, in a few lines."""
    models = document["models"]
    split = document["split"]
    lines = [
        f"test        {document['n_beats']} beats of {document['n_patients']} patients "
        f"({split['name']}); beats: {document['trigger']}",
        f"float       {models['float']['runtime']}",
        f"int8        {models['int8']['runtime']}",
        f"same class  {document['agreement']:.2%} of beats",
    ]
    lines += detector_lines(document)
    if split["known_overlap"]:
        lines.append(
            f"overlap     patient {', '.join(split['known_overlap'])} is on both sides of the "
            "published split"
        )
    if document["excluded"]:
        counts = ", ".join(f"{n} {reason}" for reason, n in document["excluded"].items())
        lines.append(f"excluded    {counts}")
    return lines


def detector_lines(document: Mapping[str, Any]) -> list[str]:
    """How the detector did; nothing where the beats were annotated."""
    found = document.get("detector")
    if found is None:
        return []
    gross, average = found["gross"], found["average"]
    missed = ", ".join(f"{n} {name}" for name, n in found["missed_by_class"].items()) or "none"
    lines = [
        f"detector    Se {percent(gross['se'])} +P {percent(gross['ppv'])} gross, "
        f"Se {percent(average['se'])} +P {percent(average['ppv'])} average over records, within "
        f"{found['match_window_ms']} ms; missed: {missed}; made up: {found['extra']}"
    ]
    for name, model in found["models"].items():
        kinds = ", ".join(
            f"{kind} Se {percent(model[kind]['se'])} +P {percent(model[kind]['ppv'])}"
            for kind in ("VEB", "SVEB")
        )
        lines.append(f"with it     {name}: {kinds} (gross; missed and made-up beats counted)")
    return lines


def verdict_lines(document: Mapping[str, Any]) -> list[str]:
    """The gate's answer, reasons, warnings."""
    judged = document["gate"]
    word = "ACCEPTED" if judged["accepted"] else "REJECTED"
    return [
        f"{word}  preset {judged['preset']}",
        *(f"reason: {reason}" for reason in judged["reasons"]),
        *(f"warning: {warning}" for warning in judged["warnings"]),
    ]


def render_text(document: Mapping[str, Any]) -> str:
    """The terminal summary."""
    lines = [*headline(document), ""]
    lines += [*_table(SCORE_HEAD, score_rows(document)), ""]
    lines += [*_table(EC57_HEAD, ec57_rows(document)), ""]
    lines += [*verdict_lines(document), document["caveat"]]
    return "\n".join(lines)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    columns = [Column(title=title, is_number=i > 0) for i, title in enumerate(head)]
    return render_table(columns, rows, indent=0)


def render_markdown(document: Mapping[str, Any]) -> str:
    """The Markdown page."""
    lines = ["# Float against int8", "", *(f"- {line}" for line in headline(document)), ""]
    lines += ["## Verdict", "", *(f"- {line}" for line in verdict_lines(document)), ""]
    lines += ["## Scores", "", *_markdown_table(SCORE_HEAD, score_rows(document)), ""]
    lines += ["## EC57", "", *_markdown_table(EC57_HEAD, ec57_rows(document)), ""]
    for name, model in document["models"].items():
        lines += [f"## {name}: classes", ""]
        lines += [*_markdown_table(CLASS_HEAD, class_rows(document, name)), ""]
        order = model["confusion"]["order"]
        rows = [
            [f"true {true}", *map(str, row)]
            for true, row in zip(order, model["confusion"]["rows_true"], strict=True)
        ]
        lines += [*_markdown_table(["", *(f"called {c}" for c in order)], rows), ""]
    return "\n".join([*lines, document["caveat"], ""])


def _markdown_table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "|".join("---" for _ in head) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
