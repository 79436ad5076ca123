"""Whether a device's raw inputs are the host's: every byte, over whole recordings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import UnsupportedModelError
from tflm_gen.evaluate.runs import stored_columns
from tflm_gen.oracle.client import run_oracle
from tflm_gen.preprocess.binding import detect_record, preprocess_record
from tflm_gen.vectors import Vector

if TYPE_CHECKING:
    from tflm_gen.model.records import Model
    from tflm_gen.preprocess.spec import PreprocessSpec
    from tflm_gen.records.record import EcgRecord
    from tflm_gen.runner.clock import DeviceClock
    from tflm_gen.runner.replay import DeviceReplay


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBeat:
    """One beat as the host sees it: sample, bytes of every input, bytes of every output."""

    at: int
    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputComparison:
    """A device's replay of one record against the host's own windows.

    Attributes:
        record: Name of the record.
        n_samples: Samples replayed.
        n_beats: Beats on the host.
        n_device_beats: Beats on the device.
        n_bytes: Input and output bytes compared.
        n_different: Beats whose place, inputs or outputs differ.
        first_difference: The first of them, in words; empty if there is none.
        inputs_sha256: Of the host's input bytes, all beats in order.
        n_lost: Beats that gave no window on the device.
        cost: Of the device's preprocessing a sample, in ``cost_unit``.
        cost_unit: "instructions", "cycles" or "ns".
    """

    record: str
    n_samples: int
    n_beats: int
    n_device_beats: int
    n_bytes: int
    n_different: int
    first_difference: str
    inputs_sha256: str
    n_lost: int
    cost: float
    cost_unit: str

    @property
    def is_equal(self) -> bool:
        """Every beat, every byte, and every sample."""
        return self.n_different == 0 and self.n_beats == self.n_device_beats and self.n_lost == 0


def host_beats(
    model: Model, spec: PreprocessSpec, record: EcgRecord, *, invoke: bool
) -> tuple[HostBeat, ...]:
    """What the firmware must come to for a record.

    Args:
        model: The model in the firmware.
        spec: Its preprocessing.
        record: The recording.
        invoke: Run the model on the reference interpreter too.

    Raises:
        UnsupportedModelError: An input is neither int8 nor float32.
        TflmGenError: What the C compiler or the reference raises.
    """
    if spec.has_detector:
        made = detect_record(spec, record.adc)
    else:
        made = preprocess_record(spec, record.adc, record.beats)
    values = {spec.window_input: made.tensor}
    if spec.rr_features:
        values[spec.rr_input] = made.rr
    columns = stored_columns(model, values)
    rows = [tuple(column[i].tobytes() for column in columns) for i in range(len(made.beats))]
    outputs: tuple[tuple[bytes, ...], ...] = ((),) * len(rows)
    if invoke and rows:
        vectors = [Vector(name=str(i), inputs=row) for i, row in enumerate(rows)]
        outputs = tuple(tuple(o) for o in run_oracle(model.flatbuffer, vectors).outputs)
    return tuple(
        HostBeat(at=int(at), inputs=row, outputs=out)
        for at, row, out in zip(made.beats, rows, outputs, strict=True)
    )


def compare_inputs(
    record: EcgRecord,
    expected: tuple[HostBeat, ...],
    found: DeviceReplay,
    *,
    clock: DeviceClock,
    tick_hz: int,
) -> InputComparison:
    """Compare a device's replay with the host's windows.

    Args:
        record: What was replayed.
        expected: The host's.
        found: The device's.
        clock: What the device's ticks mean.
        tick_hz: How many there are in a second of its time.
    """
    different = []
    n_bytes = 0
    for number, (host, device) in enumerate(zip(expected, found.beats, strict=False)):
        n_bytes += sum(map(len, (*host.inputs, *host.outputs)))
        if (host.at, host.inputs, host.outputs) != (device.at, device.inputs, device.outputs):
            different.append(_described(number, host, device.at, device.inputs, device.outputs))
    digest = hashlib.sha256(b"".join(data for host in expected for data in host.inputs))
    if found.n_samples != len(record.adc):
        raise UnsupportedModelError(
            f"{record.name}: the device took {found.n_samples} of {len(record.adc)} samples",
            hint="Run the command again.",
        )
    return InputComparison(
        record=record.name,
        n_samples=found.n_samples,
        n_beats=len(expected),
        n_device_beats=len(found.beats),
        n_bytes=n_bytes,
        n_different=len(different),
        first_difference=different[0] if different else "",
        inputs_sha256=digest.hexdigest(),
        n_lost=found.n_lost,
        cost=round(clock.convert(found.ticks, tick_hz) / max(1, found.n_samples), 1),
        cost_unit=clock.unit,
    )


def _described(
    number: int,
    host: HostBeat,
    at: int,
    inputs: tuple[bytes, ...],
    outputs: tuple[bytes, ...],
) -> str:
    if at != host.at:
        return f"beat {number}: the device's is at sample {at}, the host's at {host.at}"
    for kind, ours, theirs in (("input", host.inputs, inputs), ("output", host.outputs, outputs)):
        for index, (a, b) in enumerate(zip(ours, theirs, strict=False)):
            for place, (x, y) in enumerate(zip(a, b, strict=False)):
                if x != y:
                    return (
                        f"beat {number} at sample {at}: {kind} {index}, byte {place}: "
                        f"device {y}, host {x}"
                    )
    return f"beat {number} at sample {at}: tensors of other lengths"
