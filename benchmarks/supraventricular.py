"""Which figures tell S from N in patients that were not fitted to, and what fibrillation looks like.

    python benchmarks/supraventricular.py --mitdb DIR

DIR holds the MIT-BIH Arrhythmia Database; only DS1 is read. Every patient is scored by the regression of
examples/ecg/train.py fitted to the other patients of DS1. Needs wfdb. Writes
benchmarks/results/supraventricular.json.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.evaluate.beats import BeatSet, load_beats
from tflm_gen.evaluate.metrics import auc
from tflm_gen.evaluate.splits import de_chazal
from tflm_gen.preprocess.spec import load_spec

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "ecg"
RESULTS = Path(__file__).resolve().parent / "results" / "supraventricular.json"
FEWEST_S = 12
FIBRILLATION, REPEATING = ("(AFIB",), ("(B", "(T")


def trainer() -> ModuleType:
    """The example's training script, which is no package."""
    spec = importlib.util.spec_from_file_location("ecg_train", EXAMPLE / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def area(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """Chance that one of ``high`` is above one of ``low``; neither is empty."""
    is_high = np.repeat([True, False], [len(high), len(low)])
    found = auc(is_high, np.concatenate([high, low]))
    assert found is not None
    return found


def left_out(data: BeatSet, train: ModuleType, features: tuple[str, ...]) -> dict[str, Any]:
    """Each patient with S beats against all N beats of DS1, by fits that never saw the patient."""
    kernel, bias = train.figures_of(features)
    figures = np.maximum(data.inputs["rr"] @ kernel + bias, 0)
    true, patients = data.scored.true, data.scored.patients
    usable = true < train.VENTRICULAR
    odds = np.zeros(data.n_beats)
    for patient in np.unique(patients):
        rows = usable & (patients != patient)
        slope, level = train.fit_supraventricular(
            figures[rows], true[rows] == train.SUPRAVENTRICULAR, patients[rows]
        )
        mine = patients == patient
        odds[mine] = figures[mine] @ slope + level
    normal = odds[true == train.NORMAL]
    areas = {}
    for patient in np.unique(patients):
        s_beats = odds[(patients == patient) & (true == train.SUPRAVENTRICULAR)]
        if len(s_beats) >= FEWEST_S:
            areas[str(patient)] = {"n": len(s_beats), "area": round(area(s_beats, normal), 4)}
    mean = float(np.mean([entry["area"] for entry in areas.values()]))
    return {"patients": areas, "mean_area": round(mean, 4)}


def rhythm_of_beats(data: BeatSet, folder: Path) -> NDArray[np.str_]:
    """The annotated rhythm at each beat."""
    import wfdb

    rhythms = np.full(data.n_beats, "", dtype="<U8")
    for name in np.unique(data.scored.records):
        rows = np.flatnonzero(data.scored.records == name)
        marks = wfdb.rdann(str(folder / name), "atr")
        for sample, note in zip(marks.sample, marks.aux_note, strict=True):
            if note.startswith("("):
                rhythms[rows[data.places[rows] >= sample]] = note.strip("\0")
    return rhythms


def fibrillation_against_repeating(
    data: BeatSet, folder: Path, features: tuple[str, ...]
) -> dict[str, Any]:
    """Area between fibrillation and bigeminy or trigeminy, for both measures of irregularity."""
    rhythms = rhythm_of_beats(data, folder)
    groups = {"fibrillation": FIBRILLATION, "repeating": REPEATING}
    rows = {name: np.isin(rhythms, marks) for name, marks in groups.items()}
    found: dict[str, Any] = {f"n_{name}": int(mask.sum()) for name, mask in rows.items()}
    for name in ("irregularity", "unpredictability"):
        values = data.inputs["rr"][:, features.index(name)].astype(np.float64)
        found[name] = round(area(values[rows["fibrillation"]], values[rows["repeating"]]), 4)
    return found


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description="What tells S from N between patients.")
    parser.add_argument("--mitdb", type=Path, required=True)
    folder = parser.parse_args().mitdb
    train, spec = trainer(), load_spec(EXAMPLE / "preprocess.toml")
    data = load_beats(folder, de_chazal().train, spec)
    document = {
        "schema": "tflm-gen/supraventricular/1",
        "command": "python benchmarks/supraventricular.py --mitdb DIR",
        "split": "DS1 of the MIT-BIH Arrhythmia Database, one patient left out; beats from annotations",
        "files": {
            name: hashlib.sha256((EXAMPLE / name).read_bytes()).hexdigest()
            for name in ("train.py", "preprocess.toml")
        },
        "versions": {"python": platform.python_version(), "numpy": version("numpy")},
        "s_against_n": left_out(data, train, spec.rr_features),
        "fibrillation_against_bigeminy_and_trigeminy": fibrillation_against_repeating(
            data, folder, spec.rr_features
        ),
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
