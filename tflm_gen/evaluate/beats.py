"""Beats of a set of records as model inputs, with what was left out and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.errors import NotEnoughDataError, RecordError
from tflm_gen.evaluate.ec57 import CLASSES
from tflm_gen.evaluate.results import ScoredBeats
from tflm_gen.evaluate.splits import RecordId
from tflm_gen.preprocess.binding import preprocess_record
from tflm_gen.records.quality import check_record, grade_beats
from tflm_gen.records.table_reader import read_csv, read_npz
from tflm_gen.records.wfdb_reader import read_wfdb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tflm_gen.preprocess.spec import PreprocessSpec
    from tflm_gen.records.record import EcgRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatSet:
    """Inputs and truth of every usable beat.

    Attributes:
        inputs: Model input -> float32 array, first dimension beats.
        scored: Record, patient and class of every beat.
        grades: Signal quality of every beat.
        places: Sample number of every beat in its record.
        records: What was read.
        excluded: Reason -> number of beats that are not in the set.
        skipped_records: Record -> why it could not be used.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    scored: ScoredBeats
    grades: NDArray[np.str_]
    places: NDArray[np.int64]
    records: tuple[RecordId, ...]
    excluded: Mapping[str, int]
    skipped_records: Mapping[str, str]

    @property
    def n_beats(self) -> int:
        """How many beats."""
        return len(self.places)


def find_records(folder: Path) -> tuple[str, ...]:
    """Names of all records of a folder: .hea, .npz and .csv files.

    Raises:
        RecordError: There is none.
    """
    names = sorted(p.stem for p in folder.glob("*") if p.suffix in (".hea", ".npz", ".csv"))
    if not names:
        raise RecordError(
            f"{folder}: no .hea, .npz or .csv record", hint="Give the folder that holds them."
        )
    return tuple(dict.fromkeys(names))


def read_record(folder: Path, name: str, spec: PreprocessSpec) -> EcgRecord:
    """One record of a folder, by the suffix that is there.

    Raises:
        RecordError: There is no such record, or it cannot be read.
    """
    if (folder / f"{name}.hea").is_file():
        return read_wfdb(folder / name, spec.lead)
    if (folder / f"{name}.npz").is_file():
        return read_npz(folder / f"{name}.npz", spec.lead)
    if (folder / f"{name}.csv").is_file():
        return read_csv(
            folder / f"{name}.csv",
            spec.lead,
            rate_hz=spec.sample_rate_hz,
            units_per_mv=spec.adc_units_per_mv,
        )
    raise RecordError(f"{folder}: no record {name!r}", hint="Check the folder and the list.")


def load_beats(
    folder: Path,
    names: Sequence[str],
    spec: PreprocessSpec,
    *,
    skip_unusable: bool = False,
    progress: Callable[[str], None] | None = None,
) -> BeatSet:
    """Read records and preprocess every beat with the firmware's code.

    Beats of class Q and beats on a flat or clipped signal are excluded and counted.

    Args:
        folder: Where the records are.
        names: Which ones.
        spec: Preprocessing.
        skip_unusable: Leave out a record that cannot be used, and say so, instead of stopping.
        progress: Told every record's name before it is read.

    Raises:
        RecordError: A record cannot be used.
        NotEnoughDataError: No beat is left.
    """
    parts: list[_Part] = []
    skipped: dict[str, str] = {}
    excluded: Counter[str] = Counter()
    for name in names:
        if progress is not None:
            progress(f"record {name}")
        try:
            record = read_record(folder, name, spec)
            check_record(record, spec)
        except RecordError as error:
            if not skip_unusable:
                raise
            skipped[name] = error.message
            continue
        parts.append(_part(record, spec, excluded))
    if not any(len(part.places) for part in parts):
        raise NotEnoughDataError(f"{folder}: no usable beat", hint="Check lead and annotations.")
    return _joined(parts, spec, excluded=excluded, skipped=skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    id: RecordId
    windows: NDArray[np.float32]
    rr: NDArray[np.float32]
    true: NDArray[np.int64]
    grades: NDArray[np.str_]
    places: NDArray[np.int64]


def _part(record: EcgRecord, spec: PreprocessSpec, excluded: Counter[str]) -> _Part:
    made = preprocess_record(spec, record.adc, record.beats)
    grades = np.array(grade_beats(record).grades)
    true = np.array([CLASSES.index(name) for name in record.classes], dtype=np.int64)
    reasons = {
        "class Q": true == CLASSES.index("Q"),
        "flat (lead off)": grades == "flat",
        "clipped": grades == "clipped",
    }
    kept = np.ones(len(true), dtype=bool)
    for reason, rows in reasons.items():
        excluded[reason] += int(np.sum(rows & kept))
        kept &= ~rows
    return _Part(
        id=RecordId(name=record.name, patient=record.patient, sha256=record.sha256),
        windows=made.windows[kept],
        rr=made.rr[kept],
        true=true[kept],
        grades=grades[kept],
        places=record.beats[kept],
    )


def _joined(
    parts: Sequence[_Part],
    spec: PreprocessSpec,
    *,
    excluded: Mapping[str, int],
    skipped: Mapping[str, str],
) -> BeatSet:
    windows = np.concatenate([part.windows for part in parts])
    inputs = {spec.window_input: windows[..., None]}
    if spec.rr_features:
        inputs[spec.rr_input] = np.concatenate([part.rr for part in parts])
    return BeatSet(
        inputs=inputs,
        scored=ScoredBeats(
            records=np.concatenate([np.full(len(p.places), p.id.name) for p in parts]),
            patients=np.concatenate([np.full(len(p.places), p.id.patient) for p in parts]),
            true=np.concatenate([part.true for part in parts]),
            class_names=spec.classes,
        ),
        grades=np.concatenate([part.grades for part in parts]),
        places=np.concatenate([part.places for part in parts]),
        records=tuple(part.id for part in parts),
        excluded={reason: n for reason, n in excluded.items() if n},
        skipped_records=dict(skipped),
    )
