"""Beats of a set of records as model inputs, with what was left out and why."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import NotEnoughDataError, RecordError, UsageError
from tflm_gen.evaluate import detection
from tflm_gen.evaluate.array_cache import key_of, load_arrays, store_arrays
from tflm_gen.evaluate.detection import RecordDetection
from tflm_gen.evaluate.ec57 import CLASSES
from tflm_gen.evaluate.results import ScoredBeats
from tflm_gen.evaluate.splits import RecordId
from tflm_gen.preprocess.binding import code_digest, detect_record, preprocess_record
from tflm_gen.preprocess.spec import spec_sha256
from tflm_gen.project.read_file import read_regular
from tflm_gen.records.quality import check_record, grade_beats
from tflm_gen.records.table_reader import read_csv, read_npz
from tflm_gen.records.wfdb_reader import read_wfdb, wfdb_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from tflm_gen.preprocess.binding import Windows
    from tflm_gen.preprocess.spec import PreprocessSpec
    from tflm_gen.records.record import EcgRecord

_CACHE = "beats"
_RECORD_SUFFIXES = (".hea", ".dat", ".atr", ".npz", ".csv")
_ARRAYS = ("windows", "rr", "true", "grades", "places", "extra_windows", "extra_rr")


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
        trigger: How the beats were found.
        detections: Record -> the detector's own score; empty where beats were annotated.
        extra_inputs: As ``inputs``, of beats that the detector made up.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    scored: ScoredBeats
    grades: NDArray[np.str_]
    places: NDArray[np.int64]
    records: tuple[RecordId, ...]
    excluded: Mapping[str, int]
    skipped_records: Mapping[str, str]
    trigger: str
    detections: Mapping[str, RecordDetection]
    extra_inputs: Mapping[str, NDArray[np.float32]]

    @property
    def n_beats(self) -> int:
        """How many beats."""
        return len(self.places)

    def of_records(self, names: Iterable[str]) -> BeatSet:
        """Only the beats of some records."""
        chosen = set(names)
        rows = np.isin(self.scored.records, sorted(chosen))
        return dataclasses.replace(
            self,
            inputs={name: values[rows] for name, values in self.inputs.items()},
            scored=ScoredBeats(
                records=self.scored.records[rows],
                patients=self.scored.patients[rows],
                true=self.scored.true[rows],
                class_names=self.scored.class_names,
            ),
            grades=self.grades[rows],
            places=self.places[rows],
            records=tuple(r for r in self.records if r.name in chosen),
            detections={name: d for name, d in self.detections.items() if name in chosen},
        )


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
            adc_zero=spec.adc_zero,
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

    Beats of class Q and beats on a flat or clipped signal are excluded and counted. Finished
    records are kept in the cache by content.

    Args:
        folder: Where the records are.
        names: Which ones.
        spec: Preprocessing.
        skip_unusable: Leave out a record that cannot be used, and say so, instead of stopping.
        progress: Told every record's name before it is read.

    Raises:
        RecordError: A record cannot be used.
        UsageError: A file of a record is a pipe or a device, or cannot be read.
        NotEnoughDataError: No beat is left.
    """
    parts: list[_Part] = []
    skipped: dict[str, str] = {}
    for name in names:
        if progress is not None:
            progress(f"record {name}")
        try:
            parts.append(_part(folder, name, spec))
        except RecordError as error:
            if not skip_unusable:
                raise
            skipped[name] = error.message
    if not any(len(part.places) for part in parts):
        why = _why_none(parts, skipped)
        raise NotEnoughDataError(
            f"{folder}: no usable beat{why}", hint="Check lead and annotations."
        )
    return _joined(parts, spec, skipped=skipped)


def _why_none(parts: Sequence[_Part], skipped: Mapping[str, str]) -> str:
    if skipped:
        return f" ({len(skipped)} records; {next(iter(skipped.values()))})"
    left_out = [f"{n} {reason}" for part in parts for reason, n in part.excluded.items() if n]
    return f" (left out: {', '.join(left_out[:3])})" if left_out else ""


def record_ids(
    folder: Path, spec: PreprocessSpec, progress: Callable[[str], None] | None = None
) -> tuple[RecordId, ...]:
    """All records of a folder that the preprocessing can take."""
    names = find_records(folder)
    return load_beats(folder, names, spec, skip_unusable=True, progress=progress).records


def usable_ids(
    folder: Path, names: Iterable[str], spec: PreprocessSpec, *, skip_unusable: bool
) -> tuple[RecordId, ...]:
    """Who and what some records are; none at all is no error.

    Raises:
        RecordError: One cannot be used.
    """
    found = []
    for name in names:
        try:
            found.append(_part(folder, name, spec).id)
        except RecordError:
            if not skip_unusable:
                raise
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    id: RecordId
    windows: NDArray[np.float32]
    rr: NDArray[np.float32]
    true: NDArray[np.int64]
    grades: NDArray[np.str_]
    places: NDArray[np.int64]
    excluded: Mapping[str, int]
    detection: RecordDetection | None
    extra_windows: NDArray[np.float32]
    extra_rr: NDArray[np.float32]


def _part(folder: Path, name: str, spec: PreprocessSpec) -> _Part:
    """One record's beats, from the cache if neither its files nor the preprocessing changed."""
    key = _key(folder, name, spec)
    stored = load_arrays(_CACHE, key)
    if stored is not None and (part := _unpacked(stored)) is not None:
        return part
    record = read_record(folder, name, spec)
    check_record(record, spec)
    part = _detected(record, spec) if spec.has_detector else _annotated(record, spec)
    store_arrays(_CACHE, key, _packed(part))
    return part


def _key(folder: Path, name: str, spec: PreprocessSpec) -> str:
    files = [folder / f"{name}{suffix}" for suffix in _RECORD_SUFFIXES]
    files = [path for path in files if path.exists()]
    contents = [hashlib.sha256(_read(p)).digest() for p in files]
    if files and files[0].suffix == ".hea":
        # A header may name signal files of any name.
        named = [path for path in wfdb_files(folder / name) if path not in files]
        contents += [hashlib.sha256(_read(p)).digest() for p in named]
    return key_of(
        name,
        *(p.name for p in files),
        *contents,
        spec_sha256(spec),
        code_digest(),
        _rules_digest(),
    )


def _read(path: Path) -> bytes:
    """A record's file; a pipe or a device is no record to skip, but a mistake."""
    try:
        return read_regular(path)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror})",
            hint="Records are regular files; check the folder.",
        ) from error


@functools.cache
def _rules_digest() -> str:
    """Hash of the sources that decide what a record's beats are."""
    from tflm_gen import records

    folder = Path(records.__file__).parent
    sources = [*sorted(folder.glob("*.py")), Path(__file__), Path(detection.__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _packed(part: _Part) -> dict[str, NDArray[Any]]:
    facts = {
        "id": dataclasses.asdict(part.id),
        "excluded": dict(part.excluded),
        "detection": dataclasses.asdict(part.detection) if part.detection else None,
    }
    arrays = {name: getattr(part, name) for name in _ARRAYS}
    return {**arrays, "facts": np.array(json.dumps(facts))}


def _unpacked(stored: Mapping[str, NDArray[Any]]) -> _Part | None:
    try:
        facts = json.loads(str(stored["facts"]))
        return _Part(
            id=RecordId(**facts["id"]),
            excluded=facts["excluded"],
            detection=RecordDetection(**facts["detection"]) if facts["detection"] else None,
            **{name: stored[name] for name in _ARRAYS},
        )
    except (KeyError, TypeError, ValueError):
        return None


def _annotated(record: EcgRecord, spec: PreprocessSpec) -> _Part:
    made = preprocess_record(spec, record.adc, record.beats)
    return _usable(record, made, np.arange(len(made.beats)), record.classes, None)


def _detected(record: EcgRecord, spec: PreprocessSpec) -> _Part:
    """The detector's beats; their classes are those of the annotated beats they match."""
    made = detect_record(spec, record.adc)
    within = round(detection.MATCH_S * record.rate_hz)
    matching = detection.match_beats(record.beats, made.beats, within=within)
    classes = tuple(record.classes[row] for row in matching.annotated.tolist())
    found = detection.record_detection(matching, record.classes)
    part = _usable(record, made, matching.found, classes, found)
    return dataclasses.replace(
        part,
        extra_windows=made.tensor[matching.extra],
        extra_rr=made.rr[matching.extra],
    )


def _usable(
    record: EcgRecord,
    made: Windows,
    rows: NDArray[np.int64],
    classes: Sequence[str],
    found: RecordDetection | None,
) -> _Part:
    """The beats of some rows, less those that no score should hold."""
    places = made.beats[rows]
    grades = np.array(grade_beats(dataclasses.replace(record, beats=places)).grades)
    true = np.array([CLASSES.index(name) for name in classes], dtype=np.int64)
    reasons = {
        "class Q": true == CLASSES.index("Q"),
        "flat (lead off)": grades == "flat",
        "clipped": grades == "clipped",
    }
    kept = np.ones(len(true), dtype=bool)
    excluded: dict[str, int] = {}
    for reason, these in reasons.items():
        excluded[reason] = int(np.sum(these & kept))
        kept &= ~these
    windows, rr = made.tensor[rows][kept], made.rr[rows][kept]
    return _Part(
        id=RecordId(
            name=record.name,
            patient=record.patient,
            sha256=record.sha256,
            signal_sha256=hashlib.sha256(record.adc.astype("<i2").tobytes()).hexdigest(),
        ),
        windows=windows,
        rr=rr,
        true=true[kept],
        grades=grades[kept],
        places=places[kept],
        excluded=excluded,
        detection=found,
        extra_windows=windows[:0],
        extra_rr=rr[:0],
    )


def _joined(parts: Sequence[_Part], spec: PreprocessSpec, *, skipped: Mapping[str, str]) -> BeatSet:
    excluded: Counter[str] = Counter()
    for part in parts:
        excluded.update(part.excluded)
    return BeatSet(
        inputs=_inputs(spec, [p.windows for p in parts], [p.rr for p in parts]),
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
        trigger=spec.trigger,
        detections={part.id.name: part.detection for part in parts if part.detection},
        extra_inputs=_inputs(spec, [p.extra_windows for p in parts], [p.extra_rr for p in parts]),
    )


def _inputs(
    spec: PreprocessSpec,
    windows: Sequence[NDArray[np.float32]],
    rr: Sequence[NDArray[np.float32]],
) -> dict[str, NDArray[np.float32]]:
    inputs = {spec.window_input: np.concatenate(windows)}
    if spec.rr_features:
        inputs[spec.rr_input] = np.concatenate(rr)
    return inputs
