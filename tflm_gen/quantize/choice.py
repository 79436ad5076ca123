"""Which calibration is best: every method tried, each result scored on patients of its own."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflm_gen.evaluate.gate import judge
from tflm_gen.evaluate.results import GATED, agreement, scores_of
from tflm_gen.evaluate.runs import run_float, run_int8
from tflm_gen.model.reader import read_model
from tflm_gen.quantize.client import quantize_models

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tflm_gen.evaluate.beats import BeatSet
    from tflm_gen.evaluate.results import ModelRun
    from tflm_gen.model.records import Model
    from tflm_gen.quantize.records import QuantizeAnswer, QuantizeRequest

# (method, percentile): the second counts for "percentile" only.
METHODS_TRIED = (
    ("minmax", 100.0),
    ("percentile", 99.99),
    ("percentile", 99.9),
    ("percentile", 99.0),
    ("mse", 100.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One way to quantize and what it came to on the validation patients.

    Attributes:
        method: "minmax", "percentile" or "mse".
        percentile: For "percentile".
        per_channel: Per-channel weights.
        n_narrowed: Activations whose range is not their minimum and maximum.
        scales: Input, and every activation after it: the first scales of the model, in order.
        n_bytes: Size of the model.
        scores: The gated scores.
        worst_drop_points: Largest fall of any of them against the float model.
        worst_score: Which one that is.
        same_class: Share of beats with the float model's class.
        reasons: Why the gate would reject it at the strictest preset; empty if it would not.
    """

    method: str
    percentile: float
    per_channel: bool
    n_narrowed: int
    scales: tuple[float, ...]
    n_bytes: int
    scores: Mapping[str, float | None]
    worst_drop_points: float
    worst_score: str
    same_class: float
    reasons: tuple[str, ...]

    @property
    def label(self) -> str:
        """Its name in tables."""
        how = f"percentile {self.percentile:g}" if self.method == "percentile" else self.method
        return f"{how}, {'per channel' if self.per_channel else 'per tensor'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """All trials and the best of them.

    Attributes:
        trials: In the order tried.
        best: The one whose worst score falls least; on a tie the one that agrees most.
        float_scores: The float model's scores on the same beats.
        n_beats: How many.
        records: Records of the validation patients.
        answer: The best one's quantization.
        model: The best one's bytes.
    """

    trials: tuple[Trial, ...]
    best: Trial
    float_scores: Mapping[str, float | None]
    n_beats: int
    records: tuple[str, ...]
    answer: QuantizeAnswer
    model: bytes

    def document(self) -> dict[str, Any]:
        """For the record of the calibration."""
        return {
            "validation_records": list(self.records),
            "validation_beats": self.n_beats,
            "float": dict(self.float_scores),
            "trials": [dataclasses.asdict(t) | {"name": t.label} for t in self.trials],
            "best": self.best.label,
        }


def choose_calibration(
    request: QuantizeRequest,
    validation: BeatSet,
    folder: Path,
    *,
    timeout_s: float,
    progress: Callable[[str], None] = lambda _: None,
) -> Choice:
    """Quantize by every method, per channel and per tensor, and score each result.

    Args:
        request: What to quantize; its method and weights are replaced.
        validation: Beats of patients that are neither in the calibration nor in the test.
        folder: For the results.
        timeout_s: Of all quantizations together.
        progress: Told what is tried.

    Raises:
        TflmGenError: What quantizing or running a model raises.
    """
    progress("float model on the validation patients")
    float_run, _ = run_float(Path(request.model_path), validation.inputs)
    before = scores_of(validation.scored, float_run)
    ways = [(m, p, c) for m, p in METHODS_TRIED for c in (True, False)]
    requests = [
        dataclasses.replace(
            request,
            method=method,
            percentile=percentile,
            per_channel=per_channel,
            output_path=str(folder / f"trial{number}.tflite"),
        )
        for number, (method, percentile, per_channel) in enumerate(ways)
    ]
    progress(f"quantizing in {len(ways)} ways")
    answers = quantize_models(requests, timeout_s=timeout_s)
    trials: list[Trial] = []
    for tried, answer in zip(requests, answers, strict=True):
        progress(f"scoring calibration {len(trials) + 1} of {len(ways)}")
        trials.append(_trial(tried, answer, validation, float_run, before))
    place = min(range(len(trials)), key=lambda i: _rank(trials[i]))
    return Choice(
        trials=tuple(trials),
        best=trials[place],
        float_scores=before,
        n_beats=validation.n_beats,
        records=tuple(record.name for record in validation.records),
        answer=answers[place],
        model=Path(requests[place].output_path).read_bytes(),
    )


def _trial(
    request: QuantizeRequest,
    answer: QuantizeAnswer,
    validation: BeatSet,
    float_run: ModelRun,
    before: Mapping[str, float | None],
) -> Trial:
    model = read_model(Path(request.output_path))
    run = run_int8(model, validation.inputs)
    after = scores_of(validation.scored, run)
    same = agreement(float_run, run)
    worst, score = _worst_drop(before, after)
    verdict = judge(before, after, agreement=same, preset="diagnostic")
    return Trial(
        method=request.method,
        percentile=request.percentile,
        per_channel=request.per_channel,
        n_narrowed=len(answer.range_changes),
        scales=activation_scales(model),
        n_bytes=answer.quantized_bytes,
        scores=after,
        worst_drop_points=worst,
        worst_score=score,
        same_class=same,
        reasons=verdict.reasons,
    )


def _worst_drop(
    before: Mapping[str, float | None], after: Mapping[str, float | None]
) -> tuple[float, str]:
    drops = []
    for score in GATED:
        a, b = before[score], after[score]
        if a is not None:
            # A score that int8 lost altogether is worse than any fall.
            drops.append((100.0 if b is None else 100.0 * (a - b), score))
    return max(drops)


def _rank(trial: Trial) -> tuple[float, float]:
    """Hundredths of a point decide; below that, agreement."""
    return (round(trial.worst_drop_points, 2), -trial.same_class)


def activation_scales(model: Model) -> tuple[float, ...]:
    """Scales of the int8 tensors that are no weights, in the file's order."""
    return tuple(
        tensor.quantization.scales[0]
        for tensor in model.main.tensors
        if tensor.dtype == "int8"
        and tensor.quantization is not None
        and len(tensor.quantization.scales) == 1
        and tensor.data_bytes == 0
    )
