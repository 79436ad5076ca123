"""What a calibration set does to a beat classifier, and whether the gate sees it.

    python benchmarks/calibration_ablation.py --mitdb DIR --model FLOAT.keras --spec FILE

DIR holds the MIT-BIH Arrhythmia Database. Ranges come from DS1 (or from noise), scores from DS2 on
TFLM's own interpreter. Needs tensorflow-cpu and wfdb. Writes benchmarks/results/calibration.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.evaluate import gate
from tflm_gen.evaluate.beats import BeatSet, load_beats
from tflm_gen.evaluate.results import GATED, agreement, scores_of
from tflm_gen.evaluate.runs import run_float, run_int8
from tflm_gen.evaluate.splits import DS1, DS2
from tflm_gen.model.reader import parse_model
from tflm_gen.preprocess.spec import load_spec
from tflm_gen.quantize import ptq, source
from tflm_gen.quantize.calibration import describe, select
from tflm_gen.quantize.calibration_records import pool_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float32]]

RESULTS = Path(__file__).resolve().parent / "results" / "calibration.json"
SEED = 0


def calibration_sets(train: BeatSet) -> dict[str, tuple[Arrays, list[str]]]:
    """Name -> windows, and the warnings the tool gives for them."""
    pool = pool_of(train)
    rng = np.random.default_rng(SEED)
    of_101 = np.flatnonzero(train.scored.records == "101")[:200]
    chosen = {f"{n} balanced": select(pool, count=n, seed=SEED).rows for n in (200, 400, 20)}
    chosen["200 random"] = np.sort(rng.choice(train.n_beats, 200, replace=False))
    chosen["first 200 beats of record 101"] = of_101
    chosen["1 beat"] = of_101[:1]
    sets: dict[str, tuple[Arrays, list[str]]] = {}
    for name, rows in chosen.items():
        arrays = {key: values[rows] for key, values in train.inputs.items()}
        sets[name] = (arrays, list(describe(pool, rows.tolist()).warnings))
    noise = {
        key: (
            rng.normal(0, 1, (200, *values.shape[1:]))
            if values.ndim == 3
            else np.ones((200, *values.shape[1:]))
        ).astype(np.float32)
        for key, values in train.inputs.items()
    }
    sets["200 windows of noise, intervals all 1"] = (noise, ["not from records"])
    return sets


def measure(model: Path, folder: Path, spec_path: Path) -> dict[str, Any]:
    """Quantize with every set and score every result."""
    spec = load_spec(spec_path)
    train = load_beats(folder, DS1, spec)
    test = load_beats(folder, DS2, spec)
    float_run, _ = run_float(model, test.inputs)
    before = scores_of(test.scored, float_run)
    float_model = source.float_tflite(model, "keras")
    rows = []
    variants = [(name, *made, True) for name, made in calibration_sets(train).items()]
    variants.append(
        ("200 balanced, per-tensor weights", *calibration_sets(train)["200 balanced"], False)
    )
    for name, arrays, warnings, per_channel in variants:
        data = ptq.quantize(float_model, arrays, scheme="int8", io="int8", per_channel=per_channel)
        run = run_int8(parse_model(data, "m.tflite"), test.inputs)
        after = scores_of(test.scored, run)
        same = agreement(float_run, run)
        verdicts = {
            preset: gate.judge(before, after, agreement=same, preset=preset)
            for preset in gate.PRESETS
        }
        rows.append(
            {
                "calibration": name,
                "per_channel": per_channel,
                "bytes": len(data),
                "scores": {k: _rounded(after[k]) for k in GATED},
                "same_class": round(same, 6),
                "tool_warnings": warnings,
                "accepted": {preset: verdict.accepted for preset, verdict in verdicts.items()},
                "reasons_diagnostic": list(verdicts["diagnostic"].reasons),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return {
        "schema": "tflm-gen/calibration-ablation/1",
        "float_model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "split": "DS1 calibrates, DS2 scores; beats from annotations",
        "n_beats": test.n_beats,
        "runtime": run.runtime,
        "float": {k: _rounded(before[k]) for k in GATED},
        "rows": rows,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Calibration sets against the gate.")
    parser.add_argument("--mitdb", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    result = measure(arguments.model, arguments.mitdb, arguments.spec)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
