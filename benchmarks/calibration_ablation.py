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
from tflm_gen.evaluate.splits import DS1, DS2, de_chazal
from tflm_gen.model.reader import parse_model
from tflm_gen.preprocess.spec import load_spec, spec_sha256
from tflm_gen.quantize import ptq, source
from tflm_gen.quantize.calibration import describe, select
from tflm_gen.quantize.calibration_records import pool_of
from tflm_gen.quantize.choice import METHODS_TRIED, activation_scales

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tflm_gen.evaluate.results import ModelRun

    Arrays = dict[str, NDArray[np.float32]]

RESULTS = Path(__file__).resolve().parent / "results" / "calibration.json"
SEED = 0
# The first of DS1; no other rule.
ONE_RECORD = DS1[0]


def selections(train: BeatSet) -> dict[str, NDArray[np.int64]]:
    """Name -> rows: sets as the tool chooses them, and sets as they come when nobody looks."""
    pool = pool_of(train)
    rng = np.random.default_rng(SEED)
    chosen = {f"{n} balanced": select(pool, count=n, seed=SEED).rows for n in (200, 400, 20)}
    chosen["200 random"] = np.sort(rng.choice(train.n_beats, 200, replace=False))
    of_one = np.flatnonzero(train.scored.records == ONE_RECORD)
    for n in (200, 20, 10):
        chosen[f"first {n} beats of record {ONE_RECORD}"] = of_one[:n]
    chosen["1 beat"] = of_one[:1]
    return chosen


def calibration_sets(train: BeatSet) -> dict[str, tuple[Arrays, list[str]]]:
    """Name -> windows, and the warnings the tool gives for them."""
    pool = pool_of(train)
    sets: dict[str, tuple[Arrays, list[str]]] = {}
    for name, rows in selections(train).items():
        arrays = {key: values[rows] for key, values in train.inputs.items()}
        sets[name] = (arrays, list(describe(pool, rows.tolist()).warnings))
    rng = np.random.default_rng(SEED)
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


def variants(train: BeatSet) -> list[tuple[str, Arrays, list[str], ptq.Scheme]]:
    """Every set by minimum and maximum; the balanced one by every method, both kinds of weights."""
    sets = calibration_sets(train)
    found = [(name, *made, ptq.Scheme()) for name, made in sets.items()]
    arrays, warnings = sets["200 balanced"]
    for method, percentile in METHODS_TRIED:
        for per_channel in (True, False):
            if method == "minmax" and per_channel:
                continue
            scheme = ptq.Scheme(method=method, percentile=percentile, per_channel=per_channel)
            how = f"percentile {percentile:g}" if method == "percentile" else method
            weights = "per channel" if per_channel else "per tensor"
            found.append((f"200 balanced, {how}, {weights}", arrays, warnings, scheme))
    return found


def measure(model: Path, folder: Path, spec_path: Path, out: Path) -> None:
    """Quantize in every way and score every result; the file grows with each."""
    spec = load_spec(spec_path)
    split = de_chazal()
    # As the tool has it: nobody who is in DS2 too gives a window.
    train = load_beats(folder, [n for n in split.train if n not in split.known_overlap], spec)
    test = load_beats(folder, DS2, spec)
    float_run, _ = run_float(model, test.inputs)
    before = scores_of(test.scored, float_run)
    float_model = source.float_tflite(model, "keras")
    rows: list[dict[str, Any]] = []
    for name, arrays, warnings, scheme in variants(train):
        data, changes = ptq.quantize(float_model, arrays, scheme)
        quantized = parse_model(data, "m.tflite")
        run = run_int8(quantized, test.inputs)
        rows.append(
            {
                "calibration": name,
                "method": scheme.method,
                "percentile": scheme.percentile if scheme.method == "percentile" else None,
                "per_channel": scheme.per_channel,
                "bytes": len(data),
                "narrowed_activations": len(changes),
                "scales": [float(f"{s:.6g}") for s in activation_scales(quantized)],
                "tool_warnings": warnings,
                **_judged(before, test, float_run, run),
            }
        )
        print(json.dumps({k: v for k, v in rows[-1].items() if k != "scales"}), flush=True)
        document = {
            "schema": "tflm-gen/calibration-ablation/2",
            "command": "python benchmarks/calibration_ablation.py --mitdb DIR --model "
            f"{model.name} --spec {spec_path.name}",
            "float_model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
            "float_weights_sha256": weights_sha256(model),
            "preprocessing_sha256": spec_sha256(spec),
            "records_sha256": {r.name: r.sha256 for r in (*train.records, *test.records)},
            "split": "DS1 without 201 calibrates, DS2 scores; beats from annotations",
            "n_beats": test.n_beats,
            "runtimes": [float_run.runtime, run.runtime],
            "float": {k: _rounded(before[k]) for k in GATED},
            "rows": rows,
        }
        out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def weights_sha256(model: Path) -> str:
    """Hash of the weights alone: layer names in the file differ from run to run."""
    import keras

    network = keras.models.load_model(model, compile=False)
    digest = hashlib.sha256()
    for weights in network.get_weights():
        digest.update(str(weights.shape).encode() + weights.tobytes())
    return digest.hexdigest()


def _judged(
    before: Mapping[str, float | None], test: BeatSet, float_run: ModelRun, run: ModelRun
) -> dict[str, Any]:
    after = scores_of(test.scored, run)
    same = agreement(float_run, run)
    verdicts = {
        preset: gate.judge(before, after, agreement=same, preset=preset) for preset in gate.PRESETS
    }
    return {
        "scores": {k: _rounded(after[k]) for k in GATED},
        "same_class": round(same, 6),
        "accepted": {preset: verdict.accepted for preset, verdict in verdicts.items()},
        "reasons_diagnostic": list(verdicts["diagnostic"].reasons),
        "reasons_advisory": list(verdicts["advisory"].reasons),
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
    measure(arguments.model, arguments.mitdb, arguments.spec, arguments.out)


if __name__ == "__main__":
    main()
