"""A benchmark as text and as JSON; every figure next to its basis."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tflm_gen.report.emulate_text import need_text
from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from tflm_gen.benchmark import BenchResult, Distribution
    from tflm_gen.runner.records import BootReport
    from tflm_gen.runner.select import DeviceChoice

SCHEMA = "tflm-gen/bench/1"

_MEANING = {
    "emulated_instructions": "instructions counted by the emulator; they are not cycles, "
    "not time, and not comparable across cores",
    "measured_cycles": "CPU cycles counted on the board",
    "host_wall_clock": "nanoseconds of this machine's clock; they say nothing about a board",
}


def bench_text(result: BenchResult, boot: BootReport) -> list[str]:
    """Lines of the report."""
    banner = boot.banner
    lines = [
        f"model {banner.model} on {banner.board}, engine {banner.engine}, "
        f"kernels {banner.kernels}, {banner.runtime}",
        f"basis: {result.basis} ({_MEANING[result.basis]})",
        "",
    ]
    steps = [
        ("init", _count(result.init)),
        ("first invoke", _count(result.first_invoke)),
        ("invoke", _distribution(result.invoke)),
    ]
    lines += [f"  {name:13} {text}" for name, text in steps]
    lines.append(f"  {'':13} {result.plan.warmup} warm-up and {result.plan.runs} timed runs")
    lines.append("")
    columns = (
        Column(title="#", is_number=True),
        Column(title="operator"),
        Column(title=result.unit, is_number=True),
        Column(title="%", is_number=True),
    )
    rows = [(str(op.index), op.op, f"{op.count:,}", f"{op.percent:.1f}") for op in result.ops]
    lines += render_table(columns, rows)
    lines.append("")
    lines += _memory(result, boot)
    return lines


def _count(value: int | None) -> str:
    return "not seen (the board was already running)" if value is None else f"{value:,}"


def _distribution(invoke: Distribution) -> str:
    if invoke.is_single:
        return f"{invoke.minimum:,}"
    return (
        f"median {invoke.median:,.0f}, mean {invoke.mean:,.1f}, p95 {invoke.p95:,}, "
        f"p99 {invoke.p99:,}, min {invoke.minimum:,}, max {invoke.maximum:,}"
    )


def _memory(result: BenchResult, boot: BootReport) -> list[str]:
    lines = []
    if result.arena is not None:
        lines.append(
            f"  arena {result.arena.reserved_bytes:,} bytes reserved, "
            f"{result.arena.used_bytes:,} used, {result.arena.touched_bytes:,} touched"
        )
    if boot.need is not None:
        lines.append(f"  needs {need_text(boot.need)}")
    if result.stack is not None:
        lines.append(
            f"  stack {result.stack.used_bytes:,} of {result.stack.reserved_bytes:,} bytes used"
        )
    return lines


def bench_document(
    result: BenchResult, boot: BootReport, choice: DeviceChoice
) -> dict[str, object]:
    """The versioned JSON document of ``bench --json``."""
    banner = boot.banner
    return {
        "schema": SCHEMA,
        "basis": result.basis,
        "unit": result.unit,
        "tick_hz": result.tick_hz,
        "device": {"name": choice.name, "reason": choice.reason, "board": banner.board},
        "engine": banner.engine,
        "kernels": banner.kernels,
        "runtime": banner.runtime,
        "model": {"name": banner.model, "bytes": banner.model_bytes, "sha256": banner.model_sha256},
        "warmup": result.plan.warmup,
        "runs": result.plan.runs,
        "init": result.init,
        "first_invoke": result.first_invoke,
        "invoke": asdict(result.invoke),
        "operators": [asdict(op) for op in result.ops],
        "arena": None if result.arena is None else asdict(result.arena),
        "need": None if boot.need is None else asdict(boot.need),
        "stack": None if result.stack is None else asdict(result.stack),
    }
