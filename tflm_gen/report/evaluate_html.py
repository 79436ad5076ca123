"""``evaluate`` as one HTML file that needs no network: tables, ROC curves, ECG strips as SVG."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from tflm_gen.report import evaluate_text as text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1b2430}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;margin:.5rem 0}
td,th{padding:.25rem .7rem;border-bottom:1px solid #d7dde5;text-align:right}
td:first-child,th:first-child{text-align:left}th{font-weight:600;background:#f3f5f8}
.verdict{padding:.7rem 1rem;border-left:6px solid;background:#f6f8fa}
.yes{border-color:#1a7f4b}.no{border-color:#b3261e}
.fail{color:#b3261e;font-weight:600}
.row{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:0}figcaption{font-size:.85rem}
.note{color:#53606f;font-size:.9rem}
@media(max-width:40rem){table{display:block;overflow-x:auto}}
"""
_FLOAT_COLOUR, _INT8_COLOUR = "#6b7785", "#0b62c4"


def render_html(document: Mapping[str, Any], strips: Sequence[Mapping[str, Any]]) -> str:
    """The page.

    Args:
        document: As ``evaluate --json`` prints it.
        strips: One for each of ``document["worst"]``: caption and samples in the model's unit.
    """
    judged = document["gate"]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'>",
        f"<title>Float against int8</title><style>{_STYLE}</style></head><body>",
        "<h1>Float against int8</h1>",
        _list(text.headline(document)),
        f"<div class='verdict {'yes' if judged['accepted'] else 'no'}'>",
        "<br>".join(html.escape(line) for line in text.verdict_lines(document)),
        "</div><h2>Scores</h2>",
        _table(text.SCORE_HEAD, text.score_rows(document)),
        "<h2>EC57: gross pools beats, average weighs records equally</h2>",
        _table(text.EC57_HEAD, text.ec57_rows(document)),
        "<h2>ROC curves, one class against the rest</h2><div class='row'>",
        *(_roc(document, name) for name in document["models"]["float"]["roc"]),
        f"</div><p class='note'><span style='color:{_FLOAT_COLOUR}'>&#9632;</span> float "
        f"<span style='color:{_INT8_COLOUR}'>&#9632;</span> int8</p>",
        *(_classes(document, name) for name in document["models"]),
        "<h2>Confident mistakes of the int8 model, one a record</h2><div class='row'>",
        *(_strip(strip) for strip in strips),
        f"</div><p class='note'>{html.escape(document['caveat'])}</p></body></html>\n",
    ]
    return "".join(parts)


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th scope='col'>{html.escape(title)}</th>" for title in head)
    body = "".join(
        "<tr>" + "".join(f"<td{_mark(cell)}>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _mark(cell: str) -> str:
    return " class='fail'" if cell == "fail" else ""


def _classes(document: Mapping[str, Any], name: str) -> str:
    matrix = document["models"][name]["confusion"]
    kept = [
        i
        for i in range(len(matrix["order"]))
        if sum(matrix["rows_true"][i]) or sum(row[i] for row in matrix["rows_true"])
    ]
    rows = [
        [f"true {matrix['order'][i]}", *(str(matrix["rows_true"][i][j]) for j in kept)]
        for i in kept
    ]
    head = ["", *(f"called {matrix['order'][j]}" for j in kept)]
    return (
        f"<h2>{html.escape(name)}: classes and confusion</h2><div class='row'>"
        f"{_table(text.CLASS_HEAD, text.class_rows(document, name))}{_table(head, rows)}</div>"
    )


def _roc(document: Mapping[str, Any], name: str) -> str:
    size = 180
    curves = []
    for run, colour in (("float", _FLOAT_COLOUR), ("int8", _INT8_COLOUR)):
        points = document["models"][run]["roc"][name]
        path = " ".join(f"{size * x:.1f},{size * (1 - y):.1f}" for x, y in points)
        curves.append(
            f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.6'/>"
        )
    areas = [document["models"][run]["auc"][name] for run in ("float", "int8")]
    shown = " / ".join("-" if area is None else f"{area:.4f}" for area in areas)
    caption = f"{name}: AUC float / int8 {shown}"
    return (
        f"<figure><svg width='{size}' height='{size}' viewBox='0 0 {size} {size}' role='img' "
        f"aria-label='{html.escape(caption)}'><rect width='{size}' height='{size}' fill='#f8fafc' "
        f"stroke='#d7dde5'/><line x1='0' y1='{size}' x2='{size}' y2='0' stroke='#d7dde5'/>"
        f"{''.join(curves)}</svg><figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _strip(strip: Mapping[str, Any]) -> str:
    width, height = 290, 110
    samples = strip["samples"]
    low, high = min(samples), max(samples)
    span = (high - low) or 1.0
    points = " ".join(
        f"{width * i / max(1, len(samples) - 1):.1f},"
        f"{6 + (height - 12) * (high - value) / span:.1f}"
        for i, value in enumerate(samples)
    )
    beat = width * strip["beat_at"] / max(1, len(samples) - 1)
    caption = html.escape(strip["caption"])
    return (
        f"<figure><svg width='{width}' height='{height}' viewBox='0 0 {width} {height}' role='img' "
        f"aria-label='{caption}'><rect width='{width}' height='{height}' fill='#fff7f6' "
        f"stroke='#f0c9c4'/><line x1='{beat:.1f}' y1='0' x2='{beat:.1f}' y2='{height}' "
        "stroke='#e3a9a2' stroke-dasharray='3 3'/>"
        f"<polyline points='{points}' fill='none' stroke='#1b2430' stroke-width='1.2'/></svg>"
        f"<figcaption>{caption}</figcaption></figure>"
    )
