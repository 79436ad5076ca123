"""EC57 scores with a detector in the loop: its misses and inventions counted, as the rules ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tflm_gen.evaluate import ec57
from tflm_gen.evaluate.detection import detection_document, missed_by_class
from tflm_gen.evaluate.metrics import ratio
from tflm_gen.evaluate.results import calls, counts_by_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.evaluate.beats import BeatSet
    from tflm_gen.evaluate.evaluation import Comparison
    from tflm_gen.evaluate.results import ModelRun

_CLASS = {"VEB": "V", "SVEB": "S"}


def detector_document(
    beats: BeatSet, comparison: Comparison, runs: Sequence[ModelRun]
) -> dict[str, Any]:
    """The detector's own score, and each model's gross scores with it in the loop.

    A beat that was not found counts against sensitivity; a beat that was made up and called V or S
    counts against +P.

    Args:
        beats: The test.
        comparison: The same models on the beats that were found.
        runs: Both models on those beats and, behind them, on the ones made up.
    """
    missed = missed_by_class(beats.detections)
    models: dict[str, Any] = {}
    for scored, run in zip((comparison.float_run, comparison.int8_run), runs, strict=True):
        total = ec57.sum_counts(counts_by_record(beats.scored, scored))
        extra = calls_of_extra(beats, run)
        models[run.name] = {"calls_of_extra": extra, **_scores(total, missed, extra)}
    return {**detection_document(beats.detections), "models": models}


def calls_of_extra(beats: BeatSet, run: ModelRun) -> dict[str, int]:
    """What a model calls the beats that were made up."""
    called = calls(beats.scored, run.after(beats.n_beats)).tolist()
    counts = {name: called.count(i) for i, name in enumerate(ec57.CLASSES)}
    return {name: n for name, n in counts.items() if n}


def _scores(
    total: ec57.Counts, missed: dict[str, int], extra: dict[str, int]
) -> dict[str, dict[str, float | None]]:
    table = {}
    for kind, letter in _CLASS.items():
        score = ec57.beat_score(total, kind)
        table[kind] = {
            "se": ratio(score.tp, score.tp + score.fn + missed.get(letter, 0)),
            "ppv": ratio(score.tp, score.tp + score.fp + extra.get(letter, 0)),
        }
    return table
