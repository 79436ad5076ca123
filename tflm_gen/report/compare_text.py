"""A comparison of engines as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from tflm_gen.comparison import Comparison, EngineFigures, RunFigures

SCHEMA = "tflm-gen/compare/1"
_UNKNOWN = "-"


def comparison_text(result: Comparison) -> list[str]:
    """Lines of the report: one table, then what its columns mean."""
    run = next((engine.run for engine in result.engines if engine.run), None)
    has_image = any(engine.image_flash_bytes for engine in result.engines)
    columns = [
        Column(title="engine"),
        Column(title="kernels"),
        Column(title="flash", is_number=True),
        Column(title="RAM", is_number=True),
        Column(title="arena", is_number=True),
        Column(title="arena basis"),
        Column(title=run.unit if run else "cost", is_number=True),
        Column(title="bit-exact"),
        Column(title="build s", is_number=True),
    ]
    lines = [
        f"{result.model_name} on {result.board_id} ({result.core})",
        f"basis: {run.basis} on {run.device}, reference {run.oracle}"
        if run
        else f"not run: {result.not_run}",
        "",
        *render_table(columns, [*map(_row, result.engines), *_left_out_rows(result, len(columns))]),
        "",
    ]
    if has_image:
        lines += _image_lines(result)
    if result.core == "host":
        lines.append("TFLM itself is a shared library on this machine and is not counted")
    lines.append("flash: model, code and constants; RAM: variables, stack and arena; bytes")
    lines.append("build s: seconds of this machine, compiling and running for the arena included")
    lines += [f"left out: engine {engine}: {why}" for engine, why in result.left_out]
    return lines


def _row(engine: EngineFigures) -> list[str]:
    star = "*" if engine.image_flash_bytes else ""
    return [
        engine.engine,
        engine.kernels,
        f"{engine.flash_bytes:,}{star}",
        f"{engine.ram_bytes:,}{star}",
        f"{engine.arena_bytes:,}",
        engine.arena_basis,
        f"{engine.run.count:,.0f}" if engine.run else _UNKNOWN,
        _verdict(engine.run),
        f"{engine.build_s:.1f}",
    ]


def _left_out_rows(result: Comparison, n_columns: int) -> list[list[str]]:
    """What was tried and not linked has a row too; why is said below the table."""
    return [[engine, "left out", *[_UNKNOWN] * (n_columns - 2)] for engine, _ in result.left_out]


def _verdict(run: RunFigures | None) -> str:
    if run is None:
        return _UNKNOWN
    if run.n_different == 0:
        return f"yes, {run.n_vectors} vectors"
    return f"no: {run.n_different} of {run.n_vectors} vectors differ"


def _image_lines(result: Comparison) -> list[str]:
    """What the prebuilt image adds, which is no figure of this model."""
    return [
        f"* and Arm's prebuilt image with every operator it has: "
        f"{engine.image_flash_bytes:,} bytes of flash, {engine.image_ram_bytes:,} of RAM; "
        "a TFLM linked for this model alone is smaller"
        for engine in result.engines
        if engine.image_flash_bytes
    ]


def comparison_document(result: Comparison) -> dict[str, object]:
    """The versioned JSON document of ``compare --json``."""
    return {
        "schema": SCHEMA,
        "model": result.model_name,
        "board": result.board_id,
        "core": result.core,
        "not_run": result.not_run or None,
        "engines": [asdict(engine) for engine in result.engines],
        "left_out": [{"engine": engine, "reason": why} for engine, why in result.left_out],
    }
