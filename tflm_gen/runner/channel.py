"""Lines to and from one device: limits on every wait, and a diagnosis when it goes wrong."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import DeviceFaultError, DeviceTimeoutError, FirmwareError, ProtocolError
from tflm_gen.runner.boot import parse_error
from tflm_gen.runner.faults import describe_fault
from tflm_gen.runner.stream import ByteStream, StreamClosedError
from tflm_gen.wire import Line, LineReader, Record, Transcript, Value, encode_line, load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tflm_gen.runner.records import StepError

UNKNOWN_COMMAND = 2**32 - 1
"""What the device calls a command whose sequence number it could not read."""

_READ_BYTES = 4096
_POLL_S = 0.5
_WRITE_TIMEOUT_S = 5.0
_ATTEMPTS = 5
_QUIET_AFTER_DAMAGE_S = 2.0
_QUOTED_CHARS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Records between a command and its DONE; not whole if a line of it was lost or damaged."""

    records: tuple[Record, ...]
    status: str
    is_whole: bool

    @property
    def errors(self) -> tuple[StepError, ...]:
        """The steps that failed."""
        return tuple(parse_error(record) for record in self.records if record.name == "ERROR")


class Channel:
    """Sends commands and receives lines; knows the last phase and line for diagnoses.

    Args:
        stream: Where the device is; closed by whoever opened it.
        source: What the device is, for messages.
        explain: Asked when the stream ends: what the emulator itself says about it, or None.
        on_line: Called with every line as it arrives.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        source: str,
        explain: Callable[[], str | None] | None = None,
        on_line: Callable[[Line], None] | None = None,
    ) -> None:
        self.source = source
        self._stream = stream
        self._explain = explain
        self._on_line = on_line
        self._schema = load_schema()
        self._reader = LineReader(self._schema)
        self._lines: deque[Line] = deque()
        self._started_s = time.monotonic()
        self._sequence = 0
        self._phase: str | None = None
        self._last_line: Line | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the channel was opened."""
        return time.monotonic() - self._started_s

    def transcript(self) -> Transcript:
        """Every line so far."""
        return self._reader.transcript(self.source)

    # --- commands -----------------------------------------------------------------------------

    def send(self, name: str, fields: Mapping[str, Value]) -> int:
        """Send one command; its sequence number."""
        sequence = self._sequence
        self._sequence += 1
        spec = self._schema.commands[name]
        limit = self._schema.max_line_chars
        line = encode_line(spec, sequence, fields, max_line_chars=limit)
        try:
            self._stream.write(line, _WRITE_TIMEOUT_S)
        except StreamClosedError as error:
            raise self._ended() from error
        except TimeoutError as error:
            raise self._timed_out(f"{name} could not be sent", _WRITE_TIMEOUT_S) from error
        return sequence

    def command(
        self,
        name: str,
        fields: Mapping[str, Value],
        *,
        timeout_s: float,
        is_repeatable: bool = True,
    ) -> Answer:
        """Send a command until one answer is whole.

        A command that the device could not read was not run and is always sent again; one whose
        answer was damaged only if running it twice does no harm.

        Raises:
            FirmwareError: If the step failed on the device.
            ProtocolError: If the device refused the command, or every answer was damaged.
            DeviceTimeoutError: If DONE does not come in time.
            DeviceFaultError: If the CPU faulted, restarted, or the emulator ended.
        """
        for _ in range(_ATTEMPTS):
            answer = self._exchange(name, fields, timeout_s, is_repeatable=is_repeatable)
            is_unread = answer.status == "bad_crc"
            if not is_unread and (answer.is_whole or not is_repeatable):
                break
        if is_repeatable and not answer.is_whole:
            raise self.protocol_error(f"the answer to {name} lost lines on the way")
        if answer.status not in ("ok", "failed"):
            raise self.protocol_error(f"{name} was refused: {answer.status}")
        if answer.status == "failed":
            raise self.firmware_error(name, answer.errors)
        return answer

    def _exchange(
        self, name: str, fields: Mapping[str, Value], timeout_s: float, *, is_repeatable: bool
    ) -> Answer:
        sequence = self.send(name, fields)
        deadline_s = time.monotonic() + timeout_s
        records: list[Record] = []
        is_whole = True
        quiet_s: float | None = None
        while True:
            line = self._next_line(deadline_s, f"the answer to {name}", quiet_s=quiet_s)
            if line is None:
                return Answer(records=tuple(records), status="lost", is_whole=False)
            if line.restarted:
                raise self._faulted(f"the device restarted during {name}")
            is_whole = is_whole and not line.lost
            if line.problem and is_repeatable:
                # It may have been the DONE: do not wait for another until the time limit.
                quiet_s = _QUIET_AFTER_DAMAGE_S
            record = line.record
            if record is None:
                continue
            self._watch(record)
            if record.name != "DONE":
                records.append(record)
            elif record.integer("command") in (sequence, UNKNOWN_COMMAND):
                status = record.text("status")
                return Answer(records=tuple(records), status=status, is_whole=is_whole)
            else:
                # The end of an answer that an earlier attempt no longer waited for.
                records.clear()

    # --- lines --------------------------------------------------------------------------------

    def next_record(
        self, deadline_s: float, awaited: str, *, quiet_s: float | None
    ) -> Record | None:
        """The next record; None once the device was quiet for quiet_s.

        Raises:
            DeviceTimeoutError: Past the deadline (of ``time.monotonic()``).
            DeviceFaultError: On a FAULT record, or if the emulator ended.
        """
        while True:
            line = self._next_line(deadline_s, awaited, quiet_s=quiet_s)
            if line is None:
                return None
            if line.record is not None:
                self._watch(line.record)
                return line.record

    def _next_line(self, deadline_s: float, awaited: str, *, quiet_s: float | None) -> Line | None:
        quiet_since_s = time.monotonic()
        while not self._lines:
            now_s = time.monotonic()
            if now_s >= deadline_s:
                raise self._timed_out(f"{awaited} did not come", self.elapsed_s)
            if quiet_s is not None and now_s - quiet_since_s >= quiet_s:
                return None
            try:
                data = self._stream.read(_READ_BYTES, min(_POLL_S, deadline_s - now_s))
            except StreamClosedError as error:
                self._take(self._reader.finish(self.elapsed_s))
                if not self._lines:
                    raise self._ended() from error
            else:
                self._take(self._reader.feed(data, self.elapsed_s))
        return self._lines.popleft()

    def _take(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._lines.append(line)
            self._last_line = line
            if self._on_line is not None:
                self._on_line(line)

    def _watch(self, record: Record) -> None:
        if record.name == "PHASE":
            self._phase = record.text("name")
        elif record.name == "FAULT":
            raise self._faulted(describe_fault(record))

    # --- diagnoses ----------------------------------------------------------------------------

    def firmware_error(self, step: str, errors: tuple[StepError, ...]) -> FirmwareError:
        """The error for a step that failed on the device, with the device's reasons."""
        reasons = "; ".join(str(error) for error in errors) or "no reason given"
        return FirmwareError(
            f"{self.source}: {step} failed: {reasons}",
            hint="An operator or the arena is named above; check the model: tflm-gen inspect MODEL",
        )

    def protocol_error(self, found: str) -> ProtocolError:
        """The error for records that do not fit together."""
        return ProtocolError(
            f"{self.source}: {found}",
            hint="Check cable and baud rate (115200 8N1); then run the command again.",
        )

    def _timed_out(self, found: str, after_s: float) -> DeviceTimeoutError:
        return DeviceTimeoutError(
            f"{self.source}: {found} within {after_s:.1f} s; {self._last_words()}",
            hint="If the model is only slow, raise the limit with --timeout SECONDS.",
        )

    def _faulted(self, found: str) -> DeviceFaultError:
        return DeviceFaultError(
            f"{self.source}: {found}",
            hint="Find the source line: arm-none-eabi-addr2line -e out/*/firmware.elf PC",
        )

    def _ended(self) -> DeviceFaultError:
        reason = self._explain() if self._explain is not None else None
        return self._faulted(f"{reason or 'the connection closed'}; {self._last_words()}")

    def _last_words(self) -> str:
        if self._last_line is None:
            return "it sent nothing at all"
        phase = f"last phase {self._phase!r}" if self._phase else "no phase begun"
        text = self._last_line.text[:_QUOTED_CHARS]
        return f"{phase}; last line at {self._last_line.elapsed_s:.1f} s: {text!r}"
