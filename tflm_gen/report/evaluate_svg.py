"""The pictures of ``evaluate``'s page: ROC curves and ECG strips, with axes and units.

Colours are the page's classes, so that a dark page has dark pictures.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROC = 200
_ROC_LEFT, _ROC_TOP, _ROC_BOTTOM, _ROC_RIGHT = 46, 10, 42, 12
_STRIP_W, _STRIP_H = 300, 130
_STRIP_LEFT, _STRIP_TOP, _STRIP_BOTTOM, _STRIP_RIGHT = 44, 8, 34, 8
_TIME_STEP_S = 0.2
_LEVEL_STEPS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_MOST_LEVELS = 5


def roc(document: Mapping[str, Any], name: str) -> str:
    """One class against the rest, both models; the float curve is the wide one beneath."""
    width, height = _ROC + _ROC_LEFT + _ROC_RIGHT, _ROC + _ROC_TOP + _ROC_BOTTOM
    curves = []
    for run in ("float", "int8"):
        points = " ".join(
            f"{_ROC_LEFT + _ROC * x:.1f},{_ROC_TOP + _ROC * (1 - y):.1f}"
            for x, y in document["models"][run]["roc"][name]
        )
        curves.append(f"<polyline points='{points}' class='curve {run}'/>")
    areas = [document["models"][run]["auc"][name] for run in ("float", "int8")]
    shown = ["-" if area is None else f"{area:.4f}" for area in areas]
    item = document["patients_behind_each_class"].get(name, {})
    caption = (
        f"<b>{html.escape(name)}</b> against the rest: AUC float {shown[0]}, int8 {shown[1]}; "
        f"{item.get('n_beats', 0):,} beats of {item.get('n_patients', 0)} patients"
    )
    ticks = "".join(_roc_ticks(share) for share in (0.0, 0.5, 1.0))
    labels = (
        f"<text x='{_ROC_LEFT + _ROC / 2}' y='{height - 6}' text-anchor='middle'>"
        "false positives (%)</text>"
        f"<text transform='translate(12 {_ROC_TOP + _ROC / 2}) rotate(-90)' "
        "text-anchor='middle'>sensitivity (%)</text>"
    )
    diagonal = (
        f"<line x1='{_ROC_LEFT}' y1='{_ROC_TOP + _ROC}' x2='{_ROC_LEFT + _ROC}' y2='{_ROC_TOP}' "
        "class='grid'/>"
    )
    frame = f"<rect x='{_ROC_LEFT}' y='{_ROC_TOP}' width='{_ROC}' height='{_ROC}' class='frame'/>"
    body = frame + ticks + diagonal + "".join(curves) + labels
    return _figure(body, size=(width, height), label=f"ROC of class {name}", caption=caption)


def _roc_ticks(share: float) -> str:
    x, y = _ROC_LEFT + _ROC * share, _ROC_TOP + _ROC * (1 - share)
    below = _ROC_TOP + _ROC + 14
    return (
        f"<line x1='{x}' y1='{_ROC_TOP}' x2='{x}' y2='{_ROC_TOP + _ROC}' class='grid'/>"
        f"<line x1='{_ROC_LEFT}' y1='{y}' x2='{_ROC_LEFT + _ROC}' y2='{y}' class='grid'/>"
        f"<text x='{x}' y='{below}' text-anchor='middle'>{100 * share:.0f}</text>"
        f"<text x='{_ROC_LEFT - 5}' y='{y + 4}' text-anchor='end'>{100 * share:.0f}</text>"
    )


def strip(item: Mapping[str, Any]) -> str:
    """A window as the model saw it, on a grid of 0.2 s.

    Args:
        item: caption, samples, beat_at, rate_hz, unit.
    """
    samples: Sequence[float] = item["samples"]
    low, high = min(samples), max(samples)
    margin = 0.08 * ((high - low) or 1.0)
    low, high = low - margin, high + margin
    plot_w = _STRIP_W - _STRIP_LEFT - _STRIP_RIGHT
    plot_h = _STRIP_H - _STRIP_TOP - _STRIP_BOTTOM
    per_sample = plot_w / max(1, len(samples) - 1)

    def x_of(sample: float) -> float:
        return _STRIP_LEFT + per_sample * sample

    def y_of(value: float) -> float:
        return _STRIP_TOP + plot_h * (high - value) / (high - low)

    points = " ".join(f"{x_of(i):.1f},{y_of(v):.1f}" for i, v in enumerate(samples))
    beat = x_of(item["beat_at"])
    bottom, right = _STRIP_TOP + plot_h, _STRIP_LEFT + plot_w
    parts = [
        f"<rect x='{_STRIP_LEFT}' y='{_STRIP_TOP}' width='{plot_w}' height='{plot_h}' "
        "class='frame'/>"
    ]
    for number, at in _times(len(samples), item["beat_at"], item["rate_hz"]):
        x = x_of(at)
        parts.append(
            f"<line x1='{x:.1f}' y1='{_STRIP_TOP}' x2='{x:.1f}' y2='{bottom}' class='grid'/>"
        )
        if number % 2 == 0:
            parts.append(
                f"<text x='{x:.1f}' y='{bottom + 13}' text-anchor='middle'>"
                f"{number * _TIME_STEP_S:.1f}</text>"
            )
    for level in _levels(low, high):
        y = y_of(level)
        parts.append(
            f"<line x1='{_STRIP_LEFT}' y1='{y:.1f}' x2='{right}' y2='{y:.1f}' class='grid'/>"
            f"<text x='{_STRIP_LEFT - 4}' y='{y + 4:.1f}' text-anchor='end'>{level:g}</text>"
        )
    parts += [
        f"<line x1='{beat:.1f}' y1='{_STRIP_TOP}' x2='{beat:.1f}' y2='{bottom}' class='beat'/>",
        f"<polyline points='{points}' class='ecg'/>",
        f"<text x='{_STRIP_LEFT + plot_w / 2}' y='{_STRIP_H - 4}' text-anchor='middle'>"
        "s from the beat</text>",
        f"<text transform='translate(10 {_STRIP_TOP + plot_h / 2}) rotate(-90)' "
        f"text-anchor='middle'>{html.escape(item['unit'])}</text>",
    ]
    caption = html.escape(item["caption"])
    return _figure(
        "".join(parts), size=(_STRIP_W, _STRIP_H), label=item["caption"], caption=caption
    )


def _times(n_samples: int, beat_at: int, rate_hz: float) -> list[tuple[int, float]]:
    """Steps of 0.2 s from the beat that are in the window, and the samples they are at."""
    step = _TIME_STEP_S * rate_hz
    first, last = math.ceil(-beat_at / step), math.floor((n_samples - 1 - beat_at) / step)
    return [(number, beat_at + number * step) for number in range(first, last + 1)]


def _levels(low: float, high: float) -> list[float]:
    step = next((s for s in _LEVEL_STEPS if (high - low) / s <= _MOST_LEVELS), high - low)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(number * step, 6) + 0.0 for number in range(first, last + 1)]


def _figure(body: str, *, size: tuple[int, int], label: str, caption: str) -> str:
    width, height = size
    return (
        f"<figure style='width:{width}px'><svg width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{html.escape(label)}'>{body}</svg>"
        f"<figcaption>{caption}</figcaption></figure>"
    )
