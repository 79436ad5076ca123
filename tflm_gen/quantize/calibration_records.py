"""Calibration windows straight from records: the firmware's preprocessing, a balanced choice."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.errors import LeakError
from tflm_gen.evaluate.beats import find_records, load_beats
from tflm_gen.evaluate.ec57 import CLASSES
from tflm_gen.evaluate.splits import DS1, DS2
from tflm_gen.preprocess.spec import load_spec
from tflm_gen.quantize.calibration import Pool, Selection, select
from tflm_gen.quantize.metadata import CALIBRATION, PREPROCESS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tflm_gen.evaluate.beats import BeatSet


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSet:
    """Windows on disk and how they were chosen.

    Attributes:
        data_path: .npz with one array per model input.
        selection: The choice.
        metadata: Texts that the quantized model shall carry.
        record: The whole selection, as JSON.
    """

    data_path: Path
    selection: Selection
    metadata: dict[str, str]
    record: str


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
    folder: Path,
    spec_path: Path,
    *,
    train: str,
    count: int,
    seed: int,
    into: Path,
    progress: Callable[[str], None] | None = None,
) -> CalibrationSet:
    """Read the training records, choose windows, and write them for the quantizer.

    Args:
        folder: Records.
        spec_path: Preprocessing.
        train: "de-chazal" for DS1 of MIT-BIH, "all", or a comma list of record names.
        count: Windows to choose.
        seed: Of the choice.
        into: Folder for the .npz.
        progress: Told what is read.

    Raises:
        LeakError: A record of DS2 is named beside records of DS1.
    """
    spec = load_spec(spec_path)
    names = _names(folder, train)
    beats = load_beats(folder, names, spec, skip_unusable=True, progress=progress)
    selection = select(pool_of(beats), count=count, seed=seed)
    data_path = into / "calibration.npz"
    with data_path.open("wb") as file:
        arrays = {name: array[selection.rows] for name, array in beats.inputs.items()}
        np.savez(file, allow_pickle=False, **arrays)
    chosen = set(selection.by_record)
    facts = {
        "n_windows": len(selection.rows),
        "seed": seed,
        "by_class": dict(selection.by_class),
        "records": [dataclasses.asdict(r) for r in beats.records if r.name in chosen],
    }
    whole = facts | {
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
            PREPROCESS: spec_path.read_text(encoding="utf-8"),
            CALIBRATION: json.dumps(facts, separators=(",", ":")),
        },
        record=json.dumps({"schema": "tflm-gen/calibration/1", **whole}, indent=2) + "\n",
    )


def _names(folder: Path, train: str) -> tuple[str, ...]:
    if train == "de-chazal":
        return DS1
    if train == "all":
        return find_records(folder)
    names = tuple(part.strip() for part in train.split(",") if part.strip())
    on_test_side = sorted(set(names) & set(DS2))
    if on_test_side and set(names) & set(DS1):
        raise LeakError(
            f"records {', '.join(on_test_side)} are DS2, the test side of MIT-BIH",
            hint="Calibrate on training records only: --train de-chazal.",
        )
    return names
