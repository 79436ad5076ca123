"""What a device says, as frozen records; made by :mod:`tflm_gen.runner.session`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Who is talking; field names follow the BANNER record."""

    wire: int
    firmware: str
    board: str
    engine: str
    kernels: str
    runtime: str
    model: str
    model_bytes: int
    model_crc: int
    model_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerInfo:
    """The counter behind all ticks.

    Attributes:
        source: Which counter.
        hz: Its rate.
        is_advancing: False: it stands still, and no latency means anything.
        read_overhead_ticks: Ticks between two reads with nothing between.
    """

    source: str
    hz: int
    is_advancing: bool
    read_overhead_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTensor:
    """One model input or output as the runtime on the device sees it."""

    io: str
    index: int
    dtype: str
    n_bytes: int
    dims: str
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaUse:
    """Tensor arena: reserved in the image, used by the runtime's count, touched by the paint's."""

    reserved_bytes: int
    used_bytes: int
    touched_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaNeed:
    """The smallest arena, as start-up found it by trying.

    Attributes:
        low_bytes: No smaller one works.
        high_bytes: This one does.
        n_trials: How often the runtime was built to find out.
    """

    low_bytes: int
    high_bytes: int
    n_trials: int

    @property
    def is_exact(self) -> bool:
        """Both bounds are the same."""
        return self.low_bytes == self.high_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StackUse:
    """Stack: reserved in the image, and the deepest use since reset."""

    reserved_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """The golden vector that is run at start-up.

    Attributes:
        n_bytes: Output bytes compared; 0 if the image carries no golden vector.
        is_equal: Every byte agreed.
        first_difference: Index of the first byte that did not, else -1.
    """

    n_bytes: int
    is_equal: bool
    first_difference: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepError:
    """One ERROR record: the step that failed, its detail (an operator's name), and a number."""

    where: str
    detail: str
    value: int

    def __str__(self) -> str:
        return f"{self.where}: {self.detail} ({self.value})"


SELFTEST_DIFFERED = 4
"""READY's status when all went well, but the golden vector gave other bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootReport:
    """From BANNER to READY; None where the firmware did not say.

    Attributes:
        status: 0 if start-up went well; see also ``has_started``.
        init_ticks: Building the interpreter, tensors allocated.
        first_invoke_ticks: The first inference.
        errors: Steps that failed.
    """

    banner: Banner
    status: int
    timer: TimerInfo | None
    inputs: tuple[DeviceTensor, ...]
    outputs: tuple[DeviceTensor, ...]
    arena: ArenaUse | None
    stack: StackUse | None
    selftest: SelfTest | None
    init_ticks: int | None
    first_invoke_ticks: int | None
    errors: tuple[StepError, ...]
    need: ArenaNeed | None = None

    @property
    def has_started(self) -> bool:
        """The model runs, right or wrong."""
        return self.status in (0, SELFTEST_DIFFERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpTicks:
    """Ticks of one operator in one profiled inference."""

    index: int
    op: str
    ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRun:
    """Answer to BENCH: ticks of every timed inference, and of each operator of one more."""

    invoke_ticks: tuple[int, ...]
    ops: tuple[OpTicks, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """Answer to PROBE: how the model ran in the first ``arena_bytes`` of the arena."""

    arena_bytes: int
    result: str
    used_bytes: int

    @property
    def ran(self) -> bool:
        """The runtime was built and ran once, with nothing wrong."""
        return self.result == "ok"
