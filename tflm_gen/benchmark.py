"""Times inferences on a device, whole and by operator, in the unit of the device's basis."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import FirmwareError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.runner.records import ArenaUse, BootReport, StackUse, TimerInfo
    from tflm_gen.runner.session import DeviceSession


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPlan:
    """How many inferences: few where counts repeat, many where they scatter."""

    warmup: int
    runs: int


EMULATOR_PLAN = BenchPlan(warmup=2, runs=10)
BOARD_PLAN = BenchPlan(warmup=100, runs=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Counts of equal steps, in the basis' unit."""

    n: int
    minimum: int
    median: float
    mean: float
    p95: int
    p99: int
    maximum: int

    @property
    def is_single(self) -> bool:
        """Every run gave the same number."""
        return self.minimum == self.maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class OpCost:
    """One operator of one inference; percent of the operators' sum."""

    index: int
    op: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """All of a benchmark; every count in ``unit``.

    Attributes:
        basis: What the counts are.
        unit: "instructions", "cycles" or "ns".
        tick_hz: Rate of the counter behind them.
        init: Building the runtime; None if the device was not seen to start.
        first_invoke: The first inference; None likewise.
        invoke: The timed inferences.
        ops: Operators of one further inference, in execution order; timed apart, so they include
            the profiler's own cost.
        arena: Tensor arena after all runs.
        stack: Stack after all runs.
    """

    basis: str
    unit: str
    tick_hz: int
    plan: BenchPlan
    init: int | None
    first_invoke: int | None
    invoke: Distribution
    ops: tuple[OpCost, ...]
    arena: ArenaUse | None
    stack: StackUse | None


def run_benchmark(session: DeviceSession, boot: BootReport, plan: BenchPlan) -> BenchResult:
    """Benchmark a connected device.

    Args:
        session: The device.
        boot: What it said at start-up.
        plan: How many inferences.

    Raises:
        FirmwareError: If the device's counter stands still: then no figure means anything.
        TflmGenError: What the session raises.
    """
    timer = boot.timer
    if timer is None or not timer.is_advancing:
        source = f"{timer.source} ({timer.hz:,} Hz)" if timer else "no counter at all"
        raise FirmwareError(
            f"{session.source}: the counter stands still: {source}; no latency can be measured",
            hint="Run where the counter counts: --with qemu, or a board with --port PORT.",
        )
    run = session.bench(warmup=plan.warmup, runs=plan.runs, profile=True)
    after = session.hello()

    def units(ticks: int) -> int:
        return _net_units(session, timer, ticks)

    costs = [units(op.ticks) for op in run.ops]
    total = sum(costs) or 1
    return BenchResult(
        basis=session.clock.basis,
        unit=session.clock.unit,
        tick_hz=timer.hz,
        plan=plan,
        init=None if boot.init_ticks is None else units(boot.init_ticks),
        first_invoke=None if boot.first_invoke_ticks is None else units(boot.first_invoke_ticks),
        invoke=summarize([units(ticks) for ticks in run.invoke_ticks]),
        ops=tuple(
            OpCost(index=op.index, op=op.op, count=cost, percent=100.0 * cost / total)
            for op, cost in zip(run.ops, costs, strict=True)
        ),
        arena=after.arena,
        stack=after.stack,
    )


def _net_units(session: DeviceSession, timer: TimerInfo, ticks: int) -> int:
    """Units of a difference of two counter reads, without the reading itself."""
    overhead = session.clock.convert(timer.read_overhead_ticks, timer.hz)
    return max(0, session.clock.convert(ticks, timer.hz) - overhead)


def summarize(counts: Sequence[int]) -> Distribution:
    """Order statistics of at least one count; percentiles are counts that occurred."""
    ordered = sorted(counts)

    def percentile(percent: int) -> int:
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

    return Distribution(
        n=len(ordered),
        minimum=ordered[0],
        median=statistics.median(ordered),
        mean=statistics.fmean(ordered),
        p95=percentile(95),
        p99=percentile(99),
        maximum=ordered[-1],
    )
