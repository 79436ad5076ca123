"""``evaluate`` for people: a terminal summary and a Markdown page from the same document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tflm_gen.evaluate.results import LABELS
from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from collections.abc import Mapping

SCORE_HEAD = [
    *("score (%)", "float", "int8", "drop (points)", "drop, 95 % over patients", "limit", "gate")
]
EC57_HEAD = [
    *("EC57 (%)", "gross Se", "gross +P", "average Se (records)", "average +P (records)"),
    *("patients", "most from one"),
]
CLASS_HEAD = ["class", "beats", "patients", "precision (%)", "recall (%)", "F1 (%)"]
RECORD_HEAD = [
    *("record", "VEB beats", "float VEB Se / +P", "int8 VEB Se / +P"),
    *("SVEB beats", "float SVEB Se / +P", "int8 SVEB Se / +P"),
]


def percent(value: float | None) -> str:
    """A share in percent, or a dash."""
    return "-" if value is None else f"{100 * value:.2f}"


def score_rows(document: Mapping[str, Any], *, has_intervals: bool = False) -> list[list[str]]:
    """Score, float, int8, drop, interval of the drop, limit, outcome.

    Args:
        document: The document.
        has_intervals: Each model's own interval behind its score.
    """
    rows = []
    for check in document["gate"]["checks"]:
        interval = check["interval_points"]
        drop = check["drop_points"]
        cells = [percent(check["before"]), percent(check["after"])]
        if has_intervals:
            models = (document["models"][name]["scores"] for name in ("float", "int8"))
            cells = [_with_interval(scores[check["score"]]) for scores in models]
        rows.append(
            [
                LABELS[check["score"]],
                *cells,
                "-" if drop is None else f"{drop:+.2f}",
                "-" if interval is None else f"{interval['low']:+.2f} to {interval['high']:+.2f}",
                f"{check['limit_points']:g}",
                check["outcome"],
            ]
        )
    return rows


def _with_interval(score: Mapping[str, Any]) -> str:
    if score["value"] is None or score["low"] is None:
        return percent(score["value"])
    return f"{percent(score['value'])} ({100 * score['low']:.1f} to {100 * score['high']:.1f})"


def score_note(document: Mapping[str, Any]) -> str:
    """What the table of scores rests on."""
    drawn = document.get("bootstrap", {})
    classes = ", ".join(document["models"]["float"]["roc"])
    found = (
        "Of the beats that the detector found; the lines 'with it' count what it missed and made "
        "up. "
        if document.get("detector")
        else ""
    )
    return (
        f"{found}Macro F1 and macro AUC are means over {classes}. A drop is float less int8, a negative "
        f"one a gain. Intervals: {drawn.get('rounds', 0)} draws of patients with replacement, seed "
        f"{drawn.get('seed', 0)}."
    )


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


def record_rows(document: Mapping[str, Any]) -> list[list[str]]:
    """EC57 asks for every record's own figures."""
    models = document["models"]
    rows = []
    for name in models["float"]["ec57_by_record"]:
        row = [name]
        for kind in ("VEB", "SVEB"):
            scores = [models[run]["ec57_by_record"][name][kind] for run in ("float", "int8")]
            row.append(f"{scores[0]['tp'] + scores[0]['fn']:,}")
            row += [f"{percent(s['se'])} / {percent(s['ppv'])}" for s in scores]
        rows.append(row)
    return rows


def class_rows(document: Mapping[str, Any], name: str) -> list[list[str]]:
    """Class, beats, patients, precision, recall, F1."""
    behind = document["patients_behind_each_class"]
    return [
        [
            score["name"],
            f"{score['n_beats']:,}",
            str(behind.get(score["name"], {}).get("n_patients", 0)),
            percent(score["precision"]),
            percent(score["recall"]),
            percent(score["f1"]),
        ]
        for score in document["models"][name]["classes"]
        if score["n_beats"] or score["precision"] is not None
    ]


def headline(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was tested on what: labels and lines."""
    split = document["split"]
    n_records = len(split["test"])
    behind = "; ".join(
        f"{name} {item['n_beats']:,} of {item['n_patients']} patients "
        f"({item['share_of_that_patient']:.0%} from {item['most_beats_from']})"
        for name, item in document["patients_behind_each_class"].items()
    )
    lines = [
        (
            "test",
            f"{document['n_beats']:,} beats of {document['n_patients']} patients, {n_records} "
            f"records ({split['name']}); beats: {document['trigger']}",
        ),
        ("classes", behind),
        *_model_lines(document),
        ("same class", f"{document['agreement']:.2%} of beats"),
        *detector_lines(document),
    ]
    if split["known_overlap"]:
        lines.append(
            (
                "overlap",
                f"patient {', '.join(split['known_overlap'])} is on both sides of the published "
                "split",
            )
        )
    if document.get("skipped_records"):
        reasons = "; ".join(f"{n}: {why}" for n, why in document["skipped_records"].items())
        lines.append(("not used", reasons))
    if document["excluded"]:
        counts = ", ".join(f"{n:,} {reason}" for reason, n in document["excluded"].items())
        lines.append(("excluded", f"{counts} (beats)"))
    return lines


def _model_lines(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = []
    for name in ("float", "int8"):
        facts = document.get(f"{name}_model")
        known = f"{facts['name']} (SHA-256 {facts['sha256'][:12]}) on " if facts else ""
        lines.append((name, known + document["models"][name]["runtime"]))
    calibration = document.get("calibration")
    if calibration:
        classes = ", ".join(f"{n} {name}" for name, n in calibration["by_class"].items())
        lines.append(
            (
                "calibrated",
                f"{calibration['n_windows']} windows ({classes}); "
                f"{len(calibration['records'])} records seen",
            )
        )
    batches = document.get("batch_invariance")
    if batches:
        lines.append(("batches", batches_text(batches)))
    return lines


def batches_text(batches: Mapping[str, Any]) -> str:
    """How the float model's outputs follow from the batch."""
    if not batches["n_windows"]:
        return "not compared: the windows do not fit the inputs as the model names them"
    if len(batches["sizes"]) == 1:
        return "not compared: the float model's batch is fixed at 1"
    sizes = ", ".join(map(str, batches["sizes"]))
    same = "the same class" if batches["same_class"] else "NOT the same class"
    return (
        f"of {sizes}: {same} for {batches['n_windows']} windows; outputs of the float model "
        f"differ by {batches['largest_difference']:.2g} at most"
    )


def detector_lines(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the detector did; nothing where the beats were annotated."""
    found = document.get("detector")
    if found is None:
        return []
    gross, average = found["gross"], found["average"]
    missed = ", ".join(f"{n} {name}" for name, n in found["missed_by_class"].items()) or "none"
    lines = [
        (
            "detector",
            f"Se {percent(gross['se'])} +P {percent(gross['ppv'])} gross, "
            f"Se {percent(average['se'])} +P {percent(average['ppv'])} average over records, "
            f"within {found['match_window_ms']} ms; missed: {missed}; made up: {found['extra']}",
        )
    ]
    for name, model in found["models"].items():
        kinds = ", ".join(
            f"{kind} Se {percent(model[kind]['se'])} +P {percent(model[kind]['ppv'])}"
            for kind in ("VEB", "SVEB")
        )
        lines.append(("with it", f"{name}: {kinds} (gross; missed and made-up beats counted)"))
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
    lines = [f"{label:11s} {line}" for label, line in headline(document)]
    lines += ["", *_table(SCORE_HEAD, score_rows(document)), score_note(document), ""]
    lines += [*_table(EC57_HEAD, ec57_rows(document)), ""]
    lines += [*verdict_lines(document), document["caveat"]]
    return "\n".join(lines)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    columns = [Column(title=title, is_number=i > 0) for i, title in enumerate(head)]
    return render_table(columns, rows, indent=0)


def render_markdown(document: Mapping[str, Any]) -> str:
    """The Markdown page."""
    lines = ["# Float against int8", ""]
    lines += [*(f"- **{label}**: {line}" for label, line in headline(document)), ""]
    lines += ["## Verdict", "", *(f"- {line}" for line in verdict_lines(document)), ""]
    scores = score_rows(document, has_intervals=True)
    lines += ["## Scores", "", *_markdown_table(SCORE_HEAD, scores), "", score_note(document), ""]
    lines += ["## EC57", "", *_markdown_table(EC57_HEAD, ec57_rows(document)), ""]
    for name in document["models"]:
        lines += [f"## {name}: classes", ""]
        lines += [*_markdown_table(CLASS_HEAD, class_rows(document, name)), ""]
        order, rows = confusion(document, name)
        body = [[f"true {order[i]}", *(f"{n:,}" for n in row)] for i, row in enumerate(rows)]
        lines += [*_markdown_table(["beats", *(f"called {c}" for c in order)], body), ""]
    lines += ["## EC57, record by record (%)", ""]
    lines += [*_markdown_table(RECORD_HEAD, record_rows(document)), ""]
    return "\n".join([*lines, document["caveat"], ""])


def confusion(document: Mapping[str, Any], name: str) -> tuple[list[str], list[list[int]]]:
    """Classes that occur or are called, and their counts, rows true."""
    matrix = document["models"][name]["confusion"]
    order, rows = matrix["order"], matrix["rows_true"]
    kept = [i for i in range(len(order)) if sum(rows[i]) or sum(row[i] for row in rows)]
    return [order[i] for i in kept], [[rows[i][j] for j in kept] for i in kept]


def _markdown_table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "|".join(["---", *("---:" for _ in head[1:])]) + "|",
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]
