"""A recording sent to a device in place of its converter; back come the model's raw inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.errors import ProtocolError
from tflm_gen.wire import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tflm_gen.runner.session import DeviceSession
    from tflm_gen.wire import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedBeat:
    """One beat as the device saw it.

    Attributes:
        at: Sample of the converter.
        inputs: Bytes of every input of the model.
        outputs: Bytes of every output; empty unless the model was run.
    """

    at: int
    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReplay:
    """What a device made of one recording.

    Attributes:
        spec_sha256: Preprocessing that the firmware has.
        trigger: How beats were found.
        beats: In order.
        n_samples: Samples it took.
        n_lost: Beats that gave no window.
        ticks: Of all the preprocessing, without inferences and the wire.
    """

    spec_sha256: str
    trigger: str
    beats: tuple[ReplayedBeat, ...]
    n_samples: int
    n_lost: int
    ticks: int


def replay_record(
    session: DeviceSession,
    adc: NDArray[np.integer],
    beats: Sequence[int] | NDArray[np.integer],
    *,
    invoke: bool = False,
    on_samples: Callable[[int], None] = lambda _: None,
) -> DeviceReplay:
    """Send a whole recording.

    Args:
        session: A connected device.
        adc: Converter samples.
        beats: Their places; looked at only where the firmware does not find them itself.
        invoke: Run the model on every window.
        on_samples: Told how many samples were sent with each line.

    Raises:
        FirmwareError: The firmware has no preprocessing.
        ProtocolError: A line was refused, or records are missing in the answer.
        TflmGenError: What the session raises.
    """
    start = session.call("REPLAY", {"invoke": int(invoke)})
    (about,) = (record for record in start if record.name == "PREPROCESS")
    trigger = about.text("trigger")
    samples = np.ascontiguousarray(adc, dtype="<i2")
    places = np.asarray(beats if trigger == "annotation_triggered" else [], dtype="<u4")
    per_line = load_schema().chunk_bytes // samples.itemsize
    found: list[Record] = []
    for at in range(0, len(samples), per_line):
        piece = samples[at : at + per_line]
        first, last = np.searchsorted(places, [at, at + len(piece)])
        for some in range(int(first), int(last), per_line // 2):
            data = places[some : min(some + per_line // 2, int(last))].tobytes()
            session.call("BEATS", {"data": data}, is_repeatable=False)
        found += session.call("SAMPLES", {"at": at, "data": piece.tobytes()}, is_repeatable=False)
        on_samples(len(piece))
    found += session.call("FINISH", {}, is_repeatable=False)
    (end,) = (record for record in found if record.name == "REPLAYED")
    replayed = _beats(session, found)
    if end.integer("windows") != len(replayed):
        raise _incomplete(session, f"{len(replayed)} of {end.integer('windows')} windows came")
    return DeviceReplay(
        spec_sha256=about.text("spec_sha256"),
        trigger=trigger,
        beats=replayed,
        n_samples=end.integer("samples"),
        n_lost=end.integer("lost"),
        ticks=end.integer("ticks"),
    )


def _beats(session: DeviceSession, records: Sequence[Record]) -> tuple[ReplayedBeat, ...]:
    """Tensors put together from their pieces; a new beat starts at input 0."""
    beats: list[tuple[int, dict[int, bytes], dict[int, bytes]]] = []
    for record in records:
        if record.name not in ("INPUT", "OUTPUT"):
            continue
        index, offset = record.integer("index"), record.integer("offset")
        if record.name == "INPUT" and index == 0 and offset == 0:
            beats.append((record.integer("beat"), {}, {}))
        if not beats:
            raise _incomplete(session, "the first piece of a window is missing")
        _, inputs, outputs = beats[-1]
        side = inputs if record.name == "INPUT" else outputs
        side[index] = side.get(index, b"") + record.data("data")
        if len(side[index]) != offset + len(record.data("data")):
            raise _incomplete(session, f"{record.name} {index} has a hole at byte {offset}")
    return tuple(
        ReplayedBeat(at=at, inputs=tuple(taken.values()), outputs=tuple(given.values()))
        for at, taken, given in beats
    )


def _incomplete(session: DeviceSession, found: str) -> ProtocolError:
    return ProtocolError(
        f"{session.source}: replay: {found}",
        hint="Check cable and baud rate (115200 8N1); then run the command again.",
    )
