"""``evaluate`` as one HTML file that needs no network: tables, ROC curves, ECG strips as SVG."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from tflm_gen.report import evaluate_text as text
from tflm_gen.report.evaluate_svg import roc, strip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--paper:#fff;--faint:#53606f;--line:#d7dde5;
--head:#f3f5f8;--frame:#f8fafc;--float:#b9c1cb;--int8:#0b62c4;--good:#1a7f4b;--bad:#b3261e;
--ecg:#1b2430;--beat:#c2554b;--share:11,98,196}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--paper:#14191f;--faint:#a3afbc;
--line:#343d48;--head:#1f262e;--frame:#1a2027;--float:#717d8a;--int8:#6db3ff;--good:#4cc38a;
--bad:#ff8a80;--ecg:#e4e9ef;--beat:#ff9b8f;--share:109,179,255}}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;
color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0}
dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;margin:.5rem 0;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left}th{font-weight:600;background:var(--head)}
td small{color:var(--faint)}
.verdict{padding:.7rem 1rem;border-left:6px solid;background:var(--head)}
.verdict p{margin:.15rem 0}.verdict p:first-child{font-weight:600}
.yes{border-color:var(--good)}.no{border-color:var(--bad)}
.fail{color:var(--bad);font-weight:600}
.row{display:flex;flex-wrap:wrap;gap:1rem 1.5rem}
figure{margin:0;max-width:100%}figcaption{font-size:.85rem}
svg{max-width:100%;height:auto}svg text{font-size:11px;fill:var(--faint)}
.frame{fill:var(--frame);stroke:var(--line)}.grid{stroke:var(--line)}
.curve,.ecg{fill:none}.curve.float{stroke:var(--float);stroke-width:5}
.curve.int8{stroke:var(--int8);stroke-width:1.5}
.ecg{stroke:var(--ecg);stroke-width:1.3}.beat{stroke:var(--beat);stroke-dasharray:4 3}
.key{display:inline-block;width:1.6rem;vertical-align:middle;margin-right:.3rem}
.key.float{border-top:5px solid var(--float)}.key.int8{border-top:2px solid var(--int8)}
.note{color:var(--faint);font-size:.9rem;margin:.3rem 0}
summary{cursor:pointer;font-weight:600;margin-top:2rem}
@media(max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}}
"""


def render_html(document: Mapping[str, Any], strips: Sequence[Mapping[str, Any]]) -> str:
    """The page.

    Args:
        document: As ``evaluate --json`` prints it.
        strips: One for each of ``document["worst"]``, as :func:`evaluate_svg.strip` takes them.
    """
    judged = document["gate"]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'>",
        f"<title>Float against int8</title><style>{_STYLE}</style></head><body>",
        "<h1>Float against int8</h1>",
        f"<div class='verdict {'yes' if judged['accepted'] else 'no'}'>",
        "".join(f"<p>{html.escape(line)}</p>" for line in text.verdict_lines(document)),
        "</div>",
        _pairs(text.headline(document)),
        "<h2>Scores</h2>",
        _table(text.SCORE_HEAD, text.score_rows(document, has_intervals=True)),
        _note(text.score_note(document)),
        "<h2>EC57 beat scores</h2>",
        _table(text.EC57_HEAD, text.ec57_rows(document)),
        _note(
            "Gross pools the beats of all records; average weighs records equally (in brackets: "
            "how many have the figure). Most from one: share of these beats that one patient has."
        ),
        "<h2>ROC curves, one class against the rest</h2>",
        "<p class='note'><span class='key float'></span>float &nbsp; "
        "<span class='key int8'></span>int8</p><div class='row'>",
        *(roc(document, name) for name in document["models"]["float"]["roc"]),
        "</div>",
        *(_classes(document, name) for name in document["models"]),
        "<h2>Confident mistakes of the int8 model, one a record</h2>",
        _note(
            "As the model sees them: filtered, at the model's rate. The dashed line is the beat."
        ),
        "<div class='row'>",
        *(strip(item) for item in strips),
        "</div>",
        "<details><summary>EC57, record by record (%)</summary>",
        _table(text.RECORD_HEAD, text.record_rows(document)),
        f"</details>{_note(document['caveat'])}</body></html>\n",
    ]
    return "".join(parts)


def _pairs(lines: Sequence[tuple[str, str]]) -> str:
    items = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in lines)
    return f"<dl>{''.join(items)}</dl>"


def _note(line: str) -> str:
    return f"<p class='note'>{html.escape(line)}</p>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td{_mark(cell)}>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return _wide(head, body)


def _wide(head: Sequence[str], body: str) -> str:
    cells = "".join(f"<th scope='col'>{html.escape(title)}</th>" for title in head)
    return (
        f"<div class='wide'><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
        "</div>"
    )


def _mark(cell: str) -> str:
    return " class='fail'" if cell == "fail" else ""


def _classes(document: Mapping[str, Any], name: str) -> str:
    order, rows = text.confusion(document, name)
    body = "".join(
        f"<tr><td>true {html.escape(order[i])}</td>"
        + "".join(_share(n, sum(row)) for n in row)
        + "</tr>"
        for i, row in enumerate(rows)
    )
    head = ["beats", *(f"called {called}" for called in order)]
    return (
        f"<h2>{html.escape(name)}: classes and confusion</h2><div class='row'>"
        f"{_table(text.CLASS_HEAD, text.class_rows(document, name))}{_wide(head, body)}</div>"
    )


def _share(count: int, total: int) -> str:
    """A cell of the confusion matrix, shaded by its share of the row."""
    share = count / total if total else 0.0
    return (
        f"<td style='background:rgba(var(--share),{0.3 * share:.3f})'>{count:,} "
        f"<small>{share:.1%}</small></td>"
    )
