"""``tflm-gen bench``: cost of an inference and of each operator, with its basis."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.device_options import (
    port_option,
    print_document,
    progress,
    timeout_option,
    with_option,
)
from tflm_gen.cli.options import json_option, project_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.arena.apply import AppliedArena
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.runner.target import DeviceTarget
    from tflm_gen.wire import Line


@click.command()
@project_argument
@with_option
@port_option
@click.option(
    "--warmup",
    type=click.IntRange(0, 1_000_000),
    help="Untimed inferences before. Default: 2 on emulators, 100 on boards.",
)
@click.option(
    "--runs",
    type=click.IntRange(1, 1_000_000),
    help="Timed inferences. Default: 10 on emulators, 1000 on boards.",
)
@click.option(
    "--apply",
    "is_applied",
    is_flag=True,
    help="Find the smallest tensor arena on the device and build the project with it.",
)
@click.option(
    "--tflm-dir", type=click.Path(path_type=Path), metavar="DIR", help="Own TFLM tree for --apply."
)
@timeout_option(60.0)
@json_option
def command(
    project: Path,
    with_name: str | None,
    port: str | None,
    warmup: int | None,
    runs: int | None,
    is_applied: bool,
    tflm_dir: Path | None,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Measure the firmware in DIR, whole inferences and each operator."""
    from tflm_gen.benchmark import BOARD_PLAN, EMULATOR_PLAN, BenchPlan, run_benchmark
    from tflm_gen.report.bench_text import bench_document, bench_text
    from tflm_gen.runner.launch import check_identity, open_device
    from tflm_gen.runner.select import select_device
    from tflm_gen.runner.target import load_target

    target = load_target(project)
    choice = select_device(target, port=port, with_name=with_name)
    usual = BOARD_PLAN if choice.is_real else EMULATOR_PLAN
    plan = BenchPlan(
        warmup=usual.warmup if warmup is None else warmup,
        runs=usual.runs if runs is None else runs,
    )
    if not as_json:
        click.echo(f"benchmarking {target.model_name} with {choice.name} ({choice.reason})")
    with (
        progress(plan.runs, "runs") as advance,
        open_device(choice, timeout_s=timeout_s, on_line=_count_runs(advance)) as session,
    ):
        boot = session.connect()
        check_identity(boot, target)
        result = run_benchmark(session, boot, plan)
    applied = _apply(target, choice, timeout_s, tflm_dir) if is_applied else None
    if as_json:
        document = bench_document(result, boot, choice)
        print_document(document | ({"applied": asdict(applied)} if applied else {}))
        return
    for line in bench_text(result, boot):
        click.echo(line)
    if applied is not None:
        click.echo(_applied_text(applied))


def _apply(
    target: DeviceTarget, choice: DeviceChoice, timeout_s: float, tflm_dir: Path | None
) -> AppliedArena:
    """Search on the device, then change the project."""
    from tflm_gen.arena.apply import apply_arena, search_floor_in
    from tflm_gen.arena.search import prove_device_arena
    from tflm_gen.project.manifest import read_manifest
    from tflm_gen.runner.launch import open_device

    arena = read_manifest(target.root).arena
    found = prove_device_arena(
        lambda: open_device(choice, timeout_s=timeout_s),
        high_bytes=arena.bytes,  # The device says at start-up what it needs of it.
        floor_bytes=search_floor_in(target.root),
    )
    return apply_arena(target.root, found, tflm_dir=tflm_dir)


def _applied_text(applied: AppliedArena) -> str:
    linked = "linked again" if applied.is_relinked else "link it again: see the project's README"
    return (
        f"  arena: {applied.before_bytes:,} -> {applied.after_bytes:,} bytes, proven on the device; "
        f"firmware {linked}"
    )


def _count_runs(advance: Callable[[], None]) -> Callable[[Line], None]:
    """Moves the progress display with every timed run that the device reports."""

    def see(line: Line) -> None:
        record = line.record
        if record is not None and record.name == "LATENCY" and record.text("what") == "invoke":
            advance()

    return see
