"""A conversation with firmware: calls in, typed results out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.runner.boot import BootCollector
from tflm_gen.runner.channel import UNKNOWN_COMMAND, Channel
from tflm_gen.runner.records import BenchRun, BootReport, OpTicks, ProbeResult
from tflm_gen.wire import Line, Record, Transcript, Value, load_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.runner.clock import DeviceClock
    from tflm_gen.runner.stream import ByteStream


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Wall-clock limits of one conversation.

    Attributes:
        boot_s: From opening the device to READY.
        command_s: From a command to its DONE; a benchmark gets it once per inference.
        hello_after_s: Silence after which a running board is asked who it is; None: never.
    """

    boot_s: float = 30.0
    command_s: float = 60.0
    hello_after_s: float | None = None


class DeviceSession:
    """Talks to one device over one stream; most arguments are those of :class:`Channel`.

    Args:
        clock: What the device's ticks mean.
        limits: How long to wait for what.

    Every method may raise what :meth:`Channel.command` does.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        source: str,
        clock: DeviceClock,
        limits: Limits | None = None,
        explain: Callable[[], str | None] | None = None,
        on_line: Callable[[Line], None] | None = None,
    ) -> None:
        self._channel = Channel(stream, source=source, explain=explain, on_line=on_line)
        self._limits = limits or Limits()
        self.clock = clock
        self._chunk_bytes = load_schema().chunk_bytes

    @property
    def source(self) -> str:
        """What the device is."""
        return self._channel.source

    def transcript(self) -> Transcript:
        """Every line so far."""
        return self._channel.transcript()

    def connect(self, *, require_ready: bool = True) -> BootReport:
        """Wait for the device's start-up, or ask a running device to introduce itself.

        Args:
            require_ready: Refuse a device whose start-up failed.

        Raises:
            DeviceTimeoutError: If READY does not come in time.
            DeviceFaultError: If the CPU faulted or the emulator ended.
            ProtocolError: If the device speaks another wire version.
            FirmwareError: If start-up failed, naming the step.
        """
        deadline_s = time.monotonic() + self._limits.boot_s
        quiet_s = self._limits.hello_after_s
        collector = BootCollector()
        hello: int | None = None
        is_ready = False
        while not is_ready or hello is not None:
            record = self._channel.next_record(deadline_s, "READY", quiet_s=quiet_s)
            if record is None:
                if is_ready:
                    break  # The start-up itself was seen; the HELLO fell into it unheard.
                hello = self._channel.send("HELLO", {})
                continue
            collector.add(record)
            is_ready = is_ready or record.name == "READY"
            if record.name == "DONE" and record.integer("command") in (hello, UNKNOWN_COMMAND):
                hello = None
            if is_ready and hello is None and quiet_s is not None and not collector.has_banner:
                # The port was opened while the board started up: it has to begin again.
                hello, is_ready = self._channel.send("HELLO", {}), False
        report = collector.report()
        if require_ready and not report.has_started:
            raise self._channel.firmware_error("start-up", report.errors)
        return report

    def hello(self) -> BootReport:
        """Ask again: arena and stack as deep as they have been used by now."""
        answer = self._channel.command("HELLO", {}, timeout_s=self._limits.command_s)
        collector = BootCollector()
        for record in answer.records:
            collector.add(record)
        return collector.report()

    def write_input(self, index: int, data: bytes) -> None:
        """Set an input tensor."""
        for offset in range(0, len(data), self._chunk_bytes):
            chunk = data[offset : offset + self._chunk_bytes]
            fields: dict[str, Value] = {"input": index, "offset": offset, "data": chunk}
            self._channel.command("WRITE", fields, timeout_s=self._limits.command_s)

    def invoke(self) -> None:
        """Run one inference on the inputs written."""
        self._channel.command("INVOKE", {}, timeout_s=self._limits.command_s, is_repeatable=False)

    def reset(self) -> None:
        """Put the model's state (variable tensors) back to its start."""
        self._channel.command("RESET", {}, timeout_s=self._limits.command_s)

    def read_output(self, index: int) -> bytes:
        """Bytes of an output tensor.

        Raises:
            ProtocolError: If the device's pieces do not make the whole tensor.
        """
        answer = self._channel.command("READ", {"output": index}, timeout_s=self._limits.command_s)
        pieces = [r for r in answer.records if r.name == "OUTPUT" and r.integer("index") == index]
        data = b""
        for piece in pieces:
            if piece.integer("offset") != len(data):
                raise self._channel.protocol_error(f"output {index} has a hole at byte {len(data)}")
            data += piece.data("data")
        if not pieces or pieces[-1].integer("total") != len(data):
            raise self._channel.protocol_error(f"output {index} ends at byte {len(data)}")
        return data

    def bench(self, *, warmup: int, runs: int, profile: bool) -> BenchRun:
        """Time inferences on the device.

        Args:
            warmup: Untimed inferences before.
            runs: Timed inferences.
            profile: Add one inference with the ticks of each operator.
        """
        answer = self._channel.command(
            "BENCH",
            {"warmup": warmup, "runs": runs, "profile": int(profile)},
            timeout_s=self._limits.command_s * (warmup + runs + 1),
        )
        ticks = {
            r.integer("run"): r.integer("ticks")
            for r in answer.records
            if r.name == "LATENCY" and r.text("what") == "invoke"
        }
        if sorted(ticks) != list(range(runs)):
            raise self._channel.protocol_error(f"{len(ticks)} of {runs} timed runs were reported")
        return BenchRun(
            invoke_ticks=tuple(ticks[run] for run in range(runs)),
            ops=tuple(_op_ticks(r) for r in answer.records if r.name == "OP"),
        )

    def probe(self, arena_bytes: int) -> ProbeResult:
        """Try the model in the first bytes of the arena only."""
        answer = self._channel.command(
            "PROBE", {"arena": arena_bytes}, timeout_s=self._limits.command_s
        )
        for record in answer.records:
            if record.name == "PROBED" and record.integer("arena") == arena_bytes:
                return ProbeResult(
                    arena_bytes=arena_bytes,
                    result=record.text("result"),
                    used_bytes=record.integer("used"),
                )
        raise self._channel.protocol_error(f"no result for an arena of {arena_bytes} bytes")

    def call(
        self, name: str, fields: dict[str, Value], *, is_repeatable: bool = True
    ) -> tuple[Record, ...]:
        """Any other command; the records of its answer."""
        return self._channel.command(
            name, fields, timeout_s=self._limits.command_s, is_repeatable=is_repeatable
        ).records

    def inject(self, kind: str) -> None:
        """Ask for a fault (firmware built with fault injection)."""
        self._channel.command(
            "INJECT", {"kind": kind}, timeout_s=self._limits.command_s, is_repeatable=False
        )

    def quit(self) -> None:
        """Ask the firmware to stop; no answer is waited for."""
        self._channel.send("QUIT", {})


def _op_ticks(record: Record) -> OpTicks:
    return OpTicks(
        index=record.integer("index"), op=record.text("op"), ticks=record.integer("ticks")
    )
