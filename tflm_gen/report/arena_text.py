"""The tensor arena in words: what its bytes are for, what lives when, and what sets its size."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tflm_gen.arena_model.peak import buffer_name, peak_words
from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from tflm_gen.arena_model.records import ArenaEstimate, PlacedBuffer

SCHEMA = "tflm-gen/arena/1"
_CHART_WIDTH = 60
_NAME_WIDTH = 30
_MAX_ROWS = 80
_PARTS = (
    ("persistent", "structures, tables, operator data, variables"),
    ("activations", "tensors at the peak"),
    ("scratch", "operators' scratch memory at the peak"),
    ("fragmentation", "unused in the plan at the peak"),
    ("temporary", "for a moment of start-up only"),
    ("padding", "alignment and rounding"),
)


def arena_text(estimate: ArenaEstimate) -> str:
    """Breakdown, what sets the size, and a chart of lifetimes."""
    return "\n".join(
        [
            f"tensor arena {estimate.n_bytes:,} B, computed with table {estimate.runtime}",
            *_breakdown_lines(estimate),
            "",
            f"  {size_words(estimate)}",
            f"  {peak_words(estimate)}",
            "",
            *_chart_lines(estimate),
        ]
    )


def size_words(estimate: ArenaEstimate) -> str:
    """Which moment sets the arena's size."""
    need = estimate.binding
    moment = {
        "construct": "building the interpreter",
        "describe": "reading the model's tables",
        "init": "the operators' permanent data",
        "prepare": f"preparing operator {need.where}",
        "plan notes": "what the memory planner is told at start-up",
        "plan": "the memory planner's own tables at start-up",
        "commit": "the memory plan and the permanent data",
        "inputs and outputs": "the memory plan and the permanent data",
    }[need.phase]
    return f"the size is set by {moment}"


def _breakdown_lines(estimate: ArenaEstimate) -> list[str]:
    columns = [
        Column(title="part"),
        Column(title="bytes", is_number=True),
        Column(title="share", is_number=True),
        Column(title=""),
    ]
    parts = asdict(estimate.breakdown)
    rows = [
        [name, f"{parts[name]:,}", f"{100 * parts[name] / estimate.n_bytes:.1f} %", meaning]
        for name, meaning in _PARTS
    ]
    return render_table(columns, rows)


def _chart_lines(estimate: ArenaEstimate) -> list[str]:
    """One line a buffer, one column a step; '#' while it holds something, '|' at the peak."""
    n_steps = estimate.n_steps + 1
    per_column = -(-n_steps // _CHART_WIDTH)
    peak = estimate.peak_step // per_column
    placed = sorted(estimate.placed, key=lambda item: (item.buffer.first, item.offset))
    shown = placed[:_MAX_ROWS]
    unit = "step" if per_column == 1 else f"{per_column} steps"
    lines = [f"  lifetimes, one column for each {unit}; the peak is marked |"]
    for item in shown:
        row = _chart_row(item, -(-n_steps // per_column), per_column, peak)
        name = buffer_name(item.buffer)
        short = name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}~"
        lines.append(f"  {short:<{_NAME_WIDTH}} {item.buffer.n_bytes:>9,} @{item.offset:<8,} {row}")
    if len(placed) > len(shown):
        lines.append(f"  and {len(placed) - len(shown)} more")
    return lines


def _chart_row(item: PlacedBuffer, n_columns: int, per_column: int, peak: int) -> str:
    first, last = item.buffer.first // per_column, item.buffer.last // per_column
    marks = ["#" if first <= column <= last else "." for column in range(n_columns)]
    if 0 <= peak < n_columns:
        marks[peak] = "#" if first <= peak <= last else "|"
    return "".join(marks)


def arena_document(estimate: ArenaEstimate) -> dict[str, object]:
    """The versioned JSON document of an arena."""
    return {
        "schema": SCHEMA,
        "table": estimate.runtime,
        "bytes": estimate.n_bytes,
        "breakdown": asdict(estimate.breakdown),
        "persistent": dict(estimate.persistent_parts),
        "set_by": asdict(estimate.binding),
        "peak_step": estimate.peak_step,
        "peak": peak_words(estimate),
        "steps": {str(step): label for step, label in estimate.step_labels.items()},
        "buffers": [{**asdict(item.buffer), "offset": item.offset} for item in estimate.placed],
    }
