"""From two models' outputs on a test set to one document that every report is written from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.evaluate import ec57, gate, metrics
from tflm_gen.evaluate.results import (
    GATED,
    Interval,
    ModelRun,
    ScoredBeats,
    agreement,
    bootstrap,
    calls,
    class_aucs,
    counts_by_record,
    patient_of_record,
    scores_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "tflm-gen/evaluate/1"
CAVEAT = (
    "Evidence in the form of figures on the records named here; no claim of conformity with any "
    "standard, and no clinical validation."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything measured about a float model and its int8 version.

    Attributes:
        float_run: Float model's outputs.
        int8_run: Quantized model's outputs.
        beats: The test.
        float_scores: Gated scores.
        int8_scores: Gated scores.
        intervals: "float", "int8" and "drop": score -> 95 % interval over patients.
        verdict: The gate's answer.
    """

    float_run: ModelRun
    int8_run: ModelRun
    beats: ScoredBeats
    float_scores: Mapping[str, float | None]
    int8_scores: Mapping[str, float | None]
    intervals: Mapping[str, Mapping[str, Interval]]
    verdict: gate.Verdict


def compare(
    beats: ScoredBeats,
    float_run: ModelRun,
    int8_run: ModelRun,
    *,
    preset: str,
    n_rounds: int,
    seed: int,
    is_batch_invariant: bool = True,
) -> Comparison:
    """Score both models, resample patients, and judge."""
    before, after = scores_of(beats, float_run), scores_of(beats, int8_run)
    found = bootstrap(
        beats, [float_run, int8_run], n_rounds=n_rounds, seed=seed, combine=_with_drops
    )
    intervals = {
        side: {score: found[f"{side}:{score}"] for score in GATED}
        for side in ("float", "int8", "drop")
    }
    verdict = gate.judge(
        before,
        after,
        agreement=agreement(float_run, int8_run),
        preset=preset,
        intervals=intervals["drop"],
        is_batch_invariant=is_batch_invariant,
    )
    return Comparison(
        float_run=float_run,
        int8_run=int8_run,
        beats=beats,
        float_scores=before,
        int8_scores=after,
        intervals=intervals,
        verdict=verdict,
    )


def _with_drops(scores: list[Mapping[str, float | None]]) -> dict[str, float | None]:
    before, after = scores
    values: dict[str, float | None] = {}
    for score in GATED:
        a, b = before[score], after[score]
        values[f"float:{score}"] = a
        values[f"int8:{score}"] = b
        values[f"drop:{score}"] = None if a is None or b is None else a - b
    return values


def document(comparison: Comparison, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON document.

    Args:
        comparison: What was measured.
        facts: Models, data, split, trigger and versions, as the command knows them.
    """
    beats, verdict = comparison.beats, comparison.verdict
    runs = (comparison.float_run, comparison.int8_run)
    return {
        "schema": SCHEMA,
        **facts,
        "n_beats": len(beats.true),
        "n_patients": len(set(beats.patients.tolist())),
        "patients_behind_each_class": _patients_by_class(beats),
        "models": {run.name: _model(comparison, run) for run in runs},
        "agreement": verdict.agreement,
        "gate": {
            "accepted": verdict.accepted,
            "preset": verdict.preset,
            "reasons": list(verdict.reasons),
            "warnings": list(verdict.warnings),
            "checks": [dataclasses.asdict(check) for check in verdict.checks],
        },
        "worst": worst_beats(comparison, count=6),
        "caveat": CAVEAT,
    }


def _patients_by_class(beats: ScoredBeats) -> dict[str, dict[str, object]]:
    table: dict[str, dict[str, object]] = {}
    for i, name in enumerate(ec57.CLASSES):
        patients, n_beats = np.unique(beats.patients[beats.true == i], return_counts=True)
        if len(patients):
            most = int(n_beats.argmax())
            table[name] = {
                "n_beats": int(n_beats.sum()),
                "n_patients": len(patients),
                "most_beats_from": str(patients[most]),
                "share_of_that_patient": float(n_beats[most] / n_beats.sum()),
            }
    return table


def _model(comparison: Comparison, run: ModelRun) -> dict[str, Any]:
    beats = comparison.beats
    by_record = counts_by_record(beats, run)
    total = ec57.sum_counts(by_record)
    patients = patient_of_record(beats)
    scores = comparison.float_scores if run.name == "float" else comparison.int8_scores
    intervals = comparison.intervals[run.name]
    return {
        "runtime": run.runtime,
        "scores": {
            name: {"value": value, "low": intervals[name].low, "high": intervals[name].high}
            for name, value in scores.items()
        },
        "auc": class_aucs(beats, run),
        "classes": [dataclasses.asdict(s) for s in metrics.class_scores(total, ec57.CLASSES)],
        "confusion": {"order": list(ec57.CLASSES), "rows_true": total.tolist()},
        "ec57": {
            kind: dataclasses.asdict(ec57.kind_score(by_record, patients, kind))
            for kind in ec57.KINDS
        },
        "ec57_by_record": {
            name: {
                kind: _rounded(dataclasses.asdict(ec57.beat_score(counts, kind)))
                for kind in ec57.KINDS
            }
            for name, counts in by_record.items()
        },
        "roc": {
            name: metrics.roc_points(beats.true == ec57.CLASSES.index(name), run.scores[:, i])
            for i, name in enumerate(beats.class_names)
        },
    }


def _rounded(score: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in score.items()}


def worst_beats(comparison: Comparison, *, count: int) -> list[dict[str, Any]]:
    """Beats the int8 model gets wrong with the most confidence, one a record."""
    beats, run = comparison.beats, comparison.int8_run
    called = calls(beats, run)
    confidence = run.scores.max(axis=1)
    wrong = np.flatnonzero(called != beats.true)
    order = wrong[np.lexsort((wrong, -confidence[wrong]))]
    seen: set[str] = set()
    found: list[dict[str, Any]] = []
    for row in order.tolist():
        record = str(beats.records[row])
        if record in seen or len(found) == count:
            continue
        seen.add(record)
        found.append(
            {
                "row": row,
                "record": record,
                "true": ec57.CLASSES[int(beats.true[row])],
                "called": ec57.CLASSES[int(called[row])],
                "confidence": float(confidence[row]),
                "float_called": ec57.CLASSES[int(calls(beats, comparison.float_run)[row])],
            }
        )
    return found
