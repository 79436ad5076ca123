"""The memory plan as a picture: time to the right, address upwards, a box for every buffer.

The SVG is self-contained: no script, no font, no reference to anything outside the file.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tflm_gen.arena_model.peak import buffer_name, peak_words
from tflm_gen.report.arena_text import size_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.arena_model.records import ArenaEstimate, PlacedBuffer

_LEFT, _TOP, _PLOT_W, _PLOT_H, _BAR_W = 84, 108, 760, 380, 120
_GAP, _RIGHT, _LABELS_H = 40, 170, 120
_WIDTH = _LEFT + _PLOT_W + _GAP + _BAR_W + _RIGHT
_HEIGHT = _TOP + _PLOT_H + _LABELS_H + 16
_TENSOR, _PEAK, _SCRATCH = "#7aa6c2", "#d1495b", "#edae49"
_INK, _FAINT = "#22313f", "#c9d1d9"
_PARTS = (
    ("persistent", "#4c6a82"),
    ("activations", _TENSOR),
    ("scratch", _SCRATCH),
    ("fragmentation", "#e3e7ea"),
    ("temporary", "#9b8fb5"),
    ("padding", "#b9c0c6"),
)
_MIN_LABEL_W, _MIN_LABEL_H, _CHAR_W = 34, 12, 6
_MAX_STEP_LABELS = 40


def arena_svg(estimate: ArenaEstimate, *, title: str) -> str:
    """The picture of a memory plan and of the whole arena.

    Args:
        estimate: The arena.
        title: Name of the model.
    """
    body = [
        *_heading(estimate, title),
        *_axes(estimate),
        *_boxes(estimate),
        *_bar(estimate),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="11">',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", extra: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}"{extra}>'
        f"{escape(words)}</text>"
    )


def _heading(estimate: ArenaEstimate, title: str) -> Iterator[str]:
    bold = ' font-size="16" font-weight="bold"'
    yield _text(_LEFT, 24, f"{title}: tensor arena {estimate.n_bytes:,} bytes", extra=bold)
    yield _text(_LEFT, 42, f"Computed with table {estimate.runtime}; {size_words(estimate)}.")
    words = peak_words(estimate)
    yield _text(_LEFT, 58, words[0].upper() + words[1:] + ".")
    x = _LEFT
    for name, fill in (("tensor", _TENSOR), ("tensor at the peak", _PEAK), ("scratch", _SCRATCH)):
        yield f'<rect x="{x}" y="68" width="12" height="12" fill="{fill}"/>'
        yield _text(x + 17, 78, name)
        x += 36 + _CHAR_W * len(name)


def _scale(estimate: ArenaEstimate) -> tuple[float, float]:
    """Pixels a step and pixels a byte."""
    return _PLOT_W / (estimate.n_steps + 1), _PLOT_H / max(1, estimate.head_bytes)


def _axes(estimate: ArenaEstimate) -> Iterator[str]:
    per_step, per_byte = _scale(estimate)
    bottom = _TOP + _PLOT_H
    for part in range(5):
        size = estimate.head_bytes * part // 4
        y = bottom - size * per_byte
        yield (
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _PLOT_W}" y2="{y:.1f}" '
            f'stroke="{_FAINT}"/>'
        )
        yield _text(_LEFT - 8, y + 4, f"{size:,} B", anchor="end")
    every = -(-(estimate.n_steps + 1) // _MAX_STEP_LABELS)
    for step in range(0, estimate.n_steps + 1, every):
        x = _LEFT + (step + 0.5) * per_step
        label = estimate.step_labels.get(step, "inputs" if step == 0 else "subgraph")
        turn = f' transform="rotate(-50 {x:.1f} {bottom + 14})"'
        yield _text(x, bottom + 14, label, anchor="end", extra=turn)


def _boxes(estimate: ArenaEstimate) -> Iterator[str]:
    per_step, per_byte = _scale(estimate)
    peak = estimate.peak_step
    x = _LEFT + peak * per_step
    yield (
        f'<rect x="{x:.1f}" y="{_TOP}" width="{per_step:.1f}" height="{_PLOT_H}" '
        'fill="#d1495b" fill-opacity="0.10"/>'
    )
    for item in sorted(estimate.placed, key=lambda placed: placed.offset):
        is_peak = item.buffer.first <= peak <= item.buffer.last
        fill = _SCRATCH if item.buffer.is_scratch else _PEAK if is_peak else _TENSOR
        yield from _box(item, fill, per_step, per_byte)


def _box(item: PlacedBuffer, fill: str, per_step: float, per_byte: float) -> Iterator[str]:
    buffer = item.buffer
    x = _LEFT + max(0, buffer.first) * per_step
    width = (buffer.last - max(0, buffer.first) + 1) * per_step
    height = buffer.reserved_bytes * per_byte
    y = _TOP + _PLOT_H - item.end * per_byte
    name = buffer_name(buffer)
    yield (
        f'<rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{max(1, width - 1):.1f}" '
        f'height="{max(1, height - 1):.1f}" fill="{fill}" stroke="#ffffff">'
        f"<title>{escape(f'{name}: {buffer.n_bytes:,} B at {item.offset:,}')}</title></rect>"
    )
    room = int((width - 6) / _CHAR_W)
    if width >= _MIN_LABEL_W and height >= _MIN_LABEL_H:
        words = f"{name} {buffer.n_bytes:,}"
        short = words if len(words) <= room else f"{buffer.n_bytes:,}"
        if len(short) <= room:
            yield _text(x + 4, y + height / 2 + 4, short)


def _bar(estimate: ArenaEstimate) -> Iterator[str]:
    """The whole arena as one bar, by purpose."""
    x = _LEFT + _PLOT_W + _GAP
    y = float(_TOP + _PLOT_H)
    label_y = y
    yield _text(x, _TOP - 6, "the whole arena")
    for name, fill in _PARTS:
        size: int = getattr(estimate.breakdown, name)
        if size <= 0:
            continue
        height = _PLOT_H * size / estimate.n_bytes
        y -= height
        yield (
            f'<rect x="{x}" y="{y:.1f}" width="{_BAR_W}" height="{height:.1f}" fill="{fill}" '
            'stroke="#ffffff"/>'
        )
        label_y = min(label_y - 14, y + height / 2 + 4)
        yield _text(x + _BAR_W + 8, label_y, f"{name} {size:,} B")
