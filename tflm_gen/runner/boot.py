"""Collects the records between BANNER and READY into a :class:`BootReport`."""

from __future__ import annotations

import struct

from tflm_gen.errors import ProtocolError
from tflm_gen.runner.records import (
    ArenaNeed,
    ArenaUse,
    Banner,
    BootReport,
    DeviceTensor,
    SelfTest,
    StackUse,
    StepError,
    TimerInfo,
)
from tflm_gen.wire import Record, load_schema


class BootCollector:
    """Takes records one by one; a BANNER starts over."""

    def __init__(self) -> None:
        self._banner: Banner | None = None
        self._records: dict[str, Record] = {}
        self._tensors: dict[tuple[str, int], DeviceTensor] = {}
        self._ticks: dict[str, int] = {}
        self._errors: list[StepError] = []

    def add(self, record: Record) -> None:
        """Take one record; records that boot does not know are passed over.

        Raises:
            ProtocolError: If the banner names another wire version.
        """
        if record.name == "BANNER":
            self._start_over(record)
        elif record.name == "TENSOR":
            tensor = parse_tensor(record)
            self._tensors[tensor.io, tensor.index] = tensor
        elif record.name == "LATENCY":
            self._ticks[record.text("what")] = record.integer("ticks")
        elif record.name == "ERROR":
            self._errors.append(parse_error(record))
        else:
            self._records[record.name] = record

    @property
    def has_banner(self) -> bool:
        """The beginning has been heard."""
        return self._banner is not None

    def _start_over(self, record: Record) -> None:
        self._banner = parse_banner(record)
        expected = load_schema().version
        if self._banner.wire != expected:
            raise ProtocolError(
                f"the device speaks wire version {self._banner.wire}, this tool {expected}",
                hint="Build and flash the project again with this version of tflm-gen.",
            )
        self._records.clear()
        self._tensors.clear()
        self._errors.clear()

    def report(self) -> BootReport:
        """All that was said up to READY.

        Raises:
            ProtocolError: If the BANNER was lost.
        """
        if self._banner is None:
            raise ProtocolError(
                "READY came, but no BANNER before it", hint="Reset the board and try again."
            )
        found = self._records
        return BootReport(
            banner=self._banner,
            status=found["READY"].integer("status") if "READY" in found else 0,
            timer=_timer(found["TIMER"]) if "TIMER" in found else None,
            inputs=self._side("input"),
            outputs=self._side("output"),
            arena=parse_arena(found["ARENA"]) if "ARENA" in found else None,
            need=_need(found["NEED"]) if "NEED" in found else None,
            stack=parse_stack(found["STACK"]) if "STACK" in found else None,
            selftest=_selftest(found["SELFTEST"]) if "SELFTEST" in found else None,
            init_ticks=self._ticks.get("init"),
            first_invoke_ticks=self._ticks.get("first_invoke"),
            errors=tuple(self._errors),
        )

    def _side(self, io: str) -> tuple[DeviceTensor, ...]:
        return tuple(tensor for (side, _), tensor in sorted(self._tensors.items()) if side == io)


def parse_banner(record: Record) -> Banner:
    """BANNER as a typed record."""
    return Banner(
        wire=record.integer("wire"),
        firmware=record.text("firmware"),
        board=record.text("board"),
        engine=record.text("engine"),
        kernels=record.text("kernels"),
        runtime=record.text("runtime"),
        model=record.text("model"),
        model_bytes=record.integer("model_bytes"),
        model_crc=record.integer("model_crc"),
        model_sha256=record.text("model_sha256"),
    )


def parse_tensor(record: Record) -> DeviceTensor:
    """TENSOR as a typed record."""
    (scale,) = struct.unpack("<f", struct.pack("<I", record.integer("scale")))
    return DeviceTensor(
        io=record.text("io"),
        index=record.integer("index"),
        dtype=record.text("dtype"),
        n_bytes=record.integer("bytes"),
        dims=record.text("dims"),
        scale=scale,
        zero_point=record.integer("zero_point"),
    )


def parse_error(record: Record) -> StepError:
    """ERROR as a typed record."""
    return StepError(
        where=record.text("where"), detail=record.text("detail"), value=record.integer("value")
    )


def parse_arena(record: Record) -> ArenaUse:
    """ARENA as a typed record."""
    return ArenaUse(
        reserved_bytes=record.integer("reserved"),
        used_bytes=record.integer("used"),
        touched_bytes=record.integer("touched"),
    )


def parse_stack(record: Record) -> StackUse:
    """STACK as a typed record."""
    return StackUse(reserved_bytes=record.integer("reserved"), used_bytes=record.integer("used"))


def _need(record: Record) -> ArenaNeed:
    return ArenaNeed(
        low_bytes=record.integer("low"),
        high_bytes=record.integer("high"),
        n_trials=record.integer("trials"),
    )


def _timer(record: Record) -> TimerInfo:
    return TimerInfo(
        source=record.text("source"),
        hz=record.integer("hz"),
        is_advancing=record.integer("advancing") != 0,
        read_overhead_ticks=record.integer("read_overhead_ticks"),
    )


def _selftest(record: Record) -> SelfTest:
    return SelfTest(
        n_bytes=record.integer("bytes"),
        is_equal=record.integer("equal") != 0,
        first_difference=record.integer("first_difference"),
    )
