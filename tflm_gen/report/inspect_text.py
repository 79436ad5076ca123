"""An inspection as text for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from tflm_gen.inspection.hardware_tiers import REMINDERS
from tflm_gen.model.text import printable
from tflm_gen.report.table import WIDTH, Column, render_table
from tflm_gen.units import format_bytes

if TYPE_CHECKING:
    from tflm_gen.inspection.records import Inspection, NamedTensor, OperatorRow
    from tflm_gen.model.records import OptionValue, TensorSpec

# An unrolled network has hundreds of operators; the JSON has them all.
_MAX_ROWS = 60
_VERDICT_COLOURS = {"fits": "green", "tight": "yellow", "no": "red"}
_OPERATOR_COLUMNS = (
    Column(title="#", is_number=True),
    Column(title="operator", max_width=28),
    Column(title="v", is_number=True),
    Column(title="computes in"),
    Column(title="input", max_width=14),
    Column(title="output", max_width=14),
    Column(title="MACs", is_number=True),
    Column(title="const B", is_number=True),
    Column(title="options", max_width=24),
)
_TENSOR_COLUMNS = (
    Column(title="#", is_number=True),
    Column(title="name", max_width=36),
    Column(title="type"),
    Column(title="shape"),
    Column(title="scale", is_number=True),
    Column(title="zero", is_number=True),
    Column(title="bytes", is_number=True),
    Column(title="tensor", is_number=True),
)


def render_inspection(inspection: Inspection) -> str:
    """The whole report."""
    sections = (
        _summary(inspection),
        _tensors("Inputs", inspection.inputs),
        _tensors("Outputs", inspection.outputs),
        _operators(inspection),
        _layout(inspection),
        _islands(inspection),
        _findings(inspection),
        _tiers(inspection),
    )
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def shape_text(shape: tuple[int, ...] | None) -> str:
    """``1x360x1``; ``scalar`` for no dimensions."""
    if shape is None:
        return "-"
    return "x".join(map(str, shape)) or "scalar"


def _heading(text: str) -> str:
    return click.style(text, bold=True)


def _wrap(text: str, *, first: str = "  ", rest: str = "  ") -> list[str]:
    return textwrap.wrap(printable(text), WIDTH, initial_indent=first, subsequent_indent=rest)


def _summary(inspection: Inspection) -> list[str]:
    model = inspection.model
    lines = [f"{_heading(model.name)}: {click.style(inspection.precision, bold=True)}"]
    lines += _wrap(_precision_sentence(inspection))
    subgraphs = f", {len(model.subgraphs)} subgraphs" if len(model.subgraphs) > 1 else ""
    lines.append(
        f"  {len(inspection.rows)} operators ({len(inspection.usage)} different){subgraphs}, "
        f"{_macs_sentence(inspection)}"
    )
    lines.append(
        f"  {len(model.flatbuffer):,} bytes, run-time tensors at least "
        f"{inspection.tensors_peak_bytes:,} bytes at once (lower bound of the arena)"
    )
    lines.append(f"  SHA-256 {model.sha256}")
    lines += _wrap(_converter_sentence(inspection))
    return lines


def _precision_sentence(inspection: Inspection) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in inspection.precision_counts)
    if not counts:
        return "no operator computes on signals"
    if len(inspection.precision_counts) == 1:
        return f"every compute operator works in {inspection.precision_counts[0][0]}"
    return f"operators by what they compute in: {counts}"


def _macs_sentence(inspection: Inspection) -> str:
    text = f"{inspection.macs:,} multiply-accumulates"
    if inspection.uncounted_ops:
        text += f" (not counted: {', '.join(inspection.uncounted_ops[:3])})"
    return text


def _converter_sentence(inspection: Inspection) -> str:
    converter = inspection.converter
    parts = [f"schema {inspection.model.schema_version}"]
    if converter.description:
        parts.append(f"description {converter.description!r}")
    if converter.tensorflow_version:
        parts.append(f"converted by TensorFlow {converter.tensorflow_version}")
    if converter.min_runtime_version:
        parts.append(f"operators since TFLite {converter.min_runtime_version}")
    return ", ".join(parts)


def _tensors(title: str, tensors: tuple[NamedTensor, ...]) -> list[str]:
    rows = [
        (
            str(entry.position),
            entry.name,
            entry.tensor.dtype,
            _signature_shape(entry.tensor),
            *_quantization(entry.tensor),
            f"{_bytes(entry.tensor):,}",
            str(entry.tensor.index),
        )
        for entry in tensors
    ]
    if not rows:
        return [_heading(title), "  none"]
    source = "signature" if any(entry.is_from_signature for entry in tensors) else "tensors"
    return [f"{_heading(title)} (names from the {source})", *render_table(_TENSOR_COLUMNS, rows)]


def _bytes(tensor: TensorSpec) -> int:
    from tflm_gen.model.dtypes import tensor_bytes

    return tensor_bytes(tensor) or 0


def _signature_shape(tensor: TensorSpec) -> str:
    text = shape_text(tensor.shape)
    if tensor.shape_signature and -1 in tensor.shape_signature:
        text += f" (open: {shape_text(tensor.shape_signature).replace('-1', '?')})"
    return text


def _quantization(tensor: TensorSpec) -> tuple[str, str]:
    quantization = tensor.quantization
    if quantization is None:
        return "-", "-"
    if len(quantization.scales) > 1:
        return f"{len(quantization.scales)} scales", "-"
    return f"{quantization.scales[0]:.6g}", str(quantization.zero_points[0])


def _operators(inspection: Inspection) -> list[str]:
    shown = inspection.rows[:_MAX_ROWS]
    lines = [f"{_heading('Operators')} (in execution order)"]
    lines += render_table(_OPERATOR_COLUMNS, [_operator_cells(row) for row in shown])
    hidden = len(inspection.rows) - len(shown)
    if hidden:
        lines.append(f"  ... and {hidden} more; --json lists all")
    uses = ", ".join(
        f"{usage.count} {usage.op} v{'/'.join(map(str, usage.versions))}"
        for usage in inspection.usage
    )
    return [*lines, *_wrap(f"Used: {uses}")]


def _operator_cells(row: OperatorRow) -> tuple[str, ...]:
    number = str(row.operator.index)
    return (
        f"{row.subgraph_index}.{number}" if row.subgraph_index else number,
        row.operator.op,
        str(row.operator.version),
        row.precision or "-",
        shape_text(row.input_shape),
        shape_text(row.output_shape),
        "-" if row.cost.macs is None else f"{row.cost.macs:,}",
        f"{row.cost.constant_bytes:,}" if row.cost.constant_bytes else "-",
        options_text(row.operator.options),
    )


def options_text(options: object) -> str:
    """The options that shape an operator's work, short: ``5x1 s2x1 SAME RELU``."""
    if not isinstance(options, dict):
        return ""
    parts = [
        _pair(options, "filter_height", "filter_width", prefix=""),
        _pair(options, "stride_h", "stride_w", prefix="s", silent=(1, 1)),
        _pair(options, "dilation_h_factor", "dilation_w_factor", prefix="d", silent=(1, 1)),
    ]
    for name in ("padding", "fused_activation_function"):
        value = options.get(name)
        parts.append(str(value) if value not in (None, "NONE") else "")
    for name in ("axis", "beta", "alpha", "adj_x", "adj_y", "keep_dims"):
        value = options.get(name)
        if value not in (None, False) and (name, value) != ("beta", 1.0):
            parts.append(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}")
    return " ".join(part for part in parts if part)


def _pair(
    options: dict[str, OptionValue],
    first: str,
    second: str,
    *,
    prefix: str,
    silent: tuple[int, int] | None = None,
) -> str:
    if first not in options or (options[first], options[second]) == silent:
        return ""
    return f"{prefix}{options[first]}x{options[second]}"


def _layout(inspection: Inspection) -> list[str]:
    layout = inspection.layout
    total = len(inspection.model.flatbuffer)
    parts = (
        ("weights", layout.weights_bytes),
        ("structure", layout.structure_bytes),
        ("names", layout.names_bytes),
        ("metadata", layout.metadata_bytes),
        *([("unused", layout.unused_bytes)] if layout.unused_bytes else []),
    )
    rows = [(name, f"{size:,}", f"{100 * size / total:.1f} %") for name, size in parts]
    columns = (
        Column(title="part"),
        Column(title="bytes", is_number=True),
        Column(title="share", is_number=True),
    )
    return [f"{_heading('File')} ({format_bytes(total)})", *render_table(columns, rows)]


def _islands(inspection: Inspection) -> list[str]:
    if not inspection.islands:
        return []
    lines = [_heading(click.style("Float islands", fg="yellow"))]
    for island in inspection.islands:
        numbers = ", ".join(map(str, island.operators))
        lines += _wrap(
            f"- operators {numbers} of subgraph {island.subgraph_index} run in float: "
            f"{', '.join(island.ops)}; in through DEQUANTIZE {list(island.entries)}, "
            f"out through QUANTIZE {list(island.exits)}",
            rest="    ",
        )
    return lines


def _findings(inspection: Inspection) -> list[str]:
    if not inspection.findings:
        return [_heading("Findings"), "  none"]
    lines = [_heading("Findings")]
    for finding in inspection.findings:
        kind = "warning" if finding.is_warning else "note"
        wrapped = _wrap(f"- {kind}[{finding.code}]: {finding.message}", rest="    ")
        if finding.is_warning:
            wrapped[0] = wrapped[0].replace("warning", click.style("warning", fg="yellow"), 1)
        lines += wrapped + _wrap(finding.hint, first="    ", rest="    ")
    return lines


def _tiers(inspection: Inspection) -> list[str]:
    columns = (
        Column(title="RAM left"),
        Column(title="verdict"),
        Column(title="runtimes"),
        Column(title="why", max_width=56),
    )
    rows = [(fit.tier.name, fit.verdict, fit.tier.runtimes, fit.reason) for fit in inspection.tiers]

    def colour(position: int, raw: str, padded: str) -> str:
        return click.style(padded, fg=_VERDICT_COLOURS[raw]) if position == 1 else padded

    lines = [f"{_heading('Where it fits')} (lower bounds from the file; a build measures)"]
    lines += render_table(columns, rows, style=colour)
    classes = {fit.runtime.hardware: fit.runtime for fit in inspection.tiers}
    for runtime in classes.values():
        lines += _wrap(f"- {runtime.hardware}: {runtime.runtime} ({runtime.examples})", rest="    ")
    for reminder in REMINDERS:
        lines += _wrap(f"- {reminder}", rest="    ")
    return lines
