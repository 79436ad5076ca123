"""Calibration windows straight from records: the firmware's preprocessing, a balanced choice."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import LeakError, UsageError
from tflm_gen.evaluate.beats import find_records, load_beats
from tflm_gen.evaluate.ec57 import CLASSES
from tflm_gen.evaluate.results import check_class_names
from tflm_gen.evaluate.split_choice import choose_split, names_records
from tflm_gen.evaluate.splits import DS1, DS2, k_folds
from tflm_gen.preprocess.spec import load_spec
from tflm_gen.quantize.calibration import Pool, Selection, select
from tflm_gen.quantize.metadata import CALIBRATION, PREPROCESS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tflm_gen.evaluate.beats import BeatSet
    from tflm_gen.preprocess.spec import PreprocessSpec

# One of so many parts of the training patients judges the calibrations.
_VALIDATION_FOLDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSet:
    """Windows on disk and how they were chosen.

    Attributes:
        data_path: .npz with one array per model input.
        selection: The choice.
        metadata: Texts that the quantized model shall carry.
        record: The whole selection.
        validation: Beats of training patients that no window comes from, if they were asked for.
    """

    data_path: Path
    selection: Selection
    metadata: dict[str, str]
    record: dict[str, Any]
    validation: BeatSet | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSource:
    """Which records windows may come from.

    Attributes:
        folder: Records.
        spec_path: Preprocessing.
        train: "de-chazal" for DS1 of MIT-BIH less the record of a person who is in DS2 too,
            "fold:K/N" for all but that fold, "all", or a comma list of record names.
        has_validation: Keep a fourth of the patients out, to compare calibrations on.
        progress: Told what is read.
    """

    folder: Path
    spec_path: Path
    train: str
    has_validation: bool = False
    progress: Callable[[str], None] | None = None

    @property
    def is_list(self) -> bool:
        """Whether the records are named one by one; then each of them must be usable."""
        return self.train != "all" and names_records(self.train)


def pool_of(beats: BeatSet) -> Pool:
    """What of a beat set a choice looks at."""
    return Pool(
        classes=[CLASSES[i] for i in beats.scored.true.tolist()],
        patients=beats.scored.patients.tolist(),
        records=beats.scored.records.tolist(),
        grades=beats.grades.tolist(),
        places=beats.places.tolist(),
    )


def calibration_from_records(
    source: RecordSource, *, count: int, seed: int, into: Path
) -> CalibrationSet:
    """Read the training records, choose windows, and write them for the quantizer.

    Args:
        source: Which records, and how they are preprocessed.
        count: Windows to choose.
        seed: Of the choice.
        into: Folder for the .npz.

    Raises:
        LeakError: A record of DS2 is named beside records of DS1.
        NotEnoughDataError: Too few windows, or too few patients to keep some for validation.
    """
    spec = load_spec(source.spec_path)
    names = _names(source, spec)
    beats = load_beats(
        source.folder, names, spec, skip_unusable=not source.is_list, progress=source.progress
    )
    validation = None
    if source.has_validation:
        fold = k_folds(beats.records, n_folds=_VALIDATION_FOLDS)[0]
        validation, beats = beats.of_records(fold.test), beats.of_records(fold.train)
    selection = _selected(beats, count=count, seed=seed)
    data_path = into / "calibration.npz"
    _write_windows(data_path, beats, selection)
    chosen = set(selection.by_record)
    used = [r for r in beats.records if r.name in chosen] + list(
        validation.records if validation else ()
    )
    facts = {
        "n_windows": len(selection.rows),
        "seed": seed,
        "by_class": dict(selection.by_class),
    }
    # The model is to be small: of the two hashes it takes the one that a copy cannot change.
    ids = [dataclasses.asdict(r) for r in used]
    carried = facts | {"records": [{k: r[k] for k in r if k != "sha256"} for r in ids]}
    whole = facts | {
        "records": ids,
        "by_record": dict(selection.by_record),
        "by_grade": dict(selection.by_grade),
        "n_patients": selection.n_patients,
        "beats": list(selection.beats),
        "warnings": list(selection.warnings),
        "skipped_records": dict(beats.skipped_records),
        "excluded": dict(beats.excluded),
    }
    return CalibrationSet(
        data_path=data_path,
        selection=selection,
        metadata={
            PREPROCESS: source.spec_path.read_text(encoding="utf-8"),
            CALIBRATION: json.dumps(carried, separators=(",", ":")),
        },
        record={"schema": "tflm-gen/calibration/1", **whole},
        validation=validation,
    )


def _write_windows(path: Path, beats: BeatSet, selection: Selection) -> None:
    arrays = {name: array[selection.rows] for name, array in beats.inputs.items()}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _selected(beats: BeatSet, *, count: int, seed: int) -> Selection:
    selection = select(pool_of(beats), count=count, seed=seed)
    if not beats.skipped_records:
        return selection
    reasons = "; ".join(beats.skipped_records.values())
    skipped = f"{len(beats.skipped_records)} records not used: {reasons}"
    return dataclasses.replace(selection, warnings=(*selection.warnings, skipped))


def _names(source: RecordSource, spec: PreprocessSpec) -> tuple[str, ...]:
    if source.has_validation:
        check_class_names(spec.classes, str(source.spec_path))
    train = source.train
    if train == "all":
        return find_records(source.folder)
    if not source.is_list:
        split = choose_split(train, source.folder, spec, source.progress)
        # A published split may itself have one person on both sides: that one gives no window.
        return tuple(name for name in split.train if name not in split.known_overlap)
    names = tuple(part.strip() for part in train.split(",") if part.strip())
    if not names:
        raise UsageError(
            f"--train {train!r} names no record", hint="Give de-chazal, fold:K/N, all."
        )
    on_test_side = sorted(set(names) & set(DS2))
    if on_test_side and set(names) & set(DS1):
        raise LeakError(
            f"records {', '.join(on_test_side)} are DS2, the test side of MIT-BIH",
            hint="Calibrate on training records only: --train de-chazal.",
        )
    return names
