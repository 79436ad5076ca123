"""One model's calls on a test set, and every score that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.errors import PreprocessSpecError
from tflm_gen.evaluate import ec57, metrics
from tflm_gen.evaluate.ec57 import CLASSES, Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

# Scores that the gate looks at, in the order of the tables.
GATED = ("accuracy", "macro_f1", "auc", "veb_se", "veb_ppv", "sveb_se", "sveb_ppv")
LABELS = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "auc": "macro AUC",
    "veb_se": "VEB Se",
    "veb_ppv": "VEB +P",
    "sveb_se": "SVEB Se",
    "sveb_ppv": "SVEB +P",
}
AUC_BINS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredBeats:
    """The beats that are scored.

    Attributes:
        records: Record of every beat.
        patients: Patient of every beat.
        true: Class of every beat, as index into ``ec57.CLASSES``. Q beats are no part of a test.
        class_names: The model's outputs in order, each one of ``ec57.CLASSES``.
    """

    records: NDArray[np.str_]
    patients: NDArray[np.str_]
    true: NDArray[np.int64]
    class_names: tuple[str, ...]

    @property
    def called_index(self) -> NDArray[np.int64]:
        """Index into ``ec57.CLASSES`` of every output."""
        return np.array([CLASSES.index(name) for name in self.class_names], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRun:
    """Outputs of one model.

    Attributes:
        name: "float", "int8".
        runtime: What computed them.
        scores: (n_beats, n_classes), as the model gives them.
    """

    name: str
    runtime: str
    scores: NDArray[np.float32]

    @property
    def choice(self) -> NDArray[np.int64]:
        """Number of the largest output of every beat; the first one wins a tie, as in firmware."""
        choice: NDArray[np.int64] = self.scores.argmax(axis=1).astype(np.int64)
        return choice

    def first(self, count: int) -> ModelRun:
        """The outputs of the first beats."""
        return ModelRun(name=self.name, runtime=self.runtime, scores=self.scores[:count])

    def after(self, count: int) -> ModelRun:
        """The outputs of the beats behind those."""
        return ModelRun(name=self.name, runtime=self.runtime, scores=self.scores[count:])


def check_class_names(names: Sequence[str], source: str) -> None:
    """Scores need to know what each output means.

    Raises:
        PreprocessSpecError: A class is none of EC57's.
    """
    if unknown := [name for name in names if name not in CLASSES]:
        raise PreprocessSpecError(
            f"{source}: classes {', '.join(unknown)} are none of {', '.join(CLASSES)}",
            hint="Name the model's outputs by EC57's letters; only those can be scored.",
        )


def calls(beats: ScoredBeats, run: ModelRun) -> NDArray[np.int64]:
    """Called class of every beat, as index into ``ec57.CLASSES``."""
    return beats.called_index[run.choice]


def counts_by_record(beats: ScoredBeats, run: ModelRun) -> dict[str, Counts]:
    """Record -> 5 x 5 confusion matrix."""
    called = calls(beats, run)
    return {
        str(name): metrics.confusion(
            beats.true[beats.records == name], called[beats.records == name], len(CLASSES)
        )
        for name in dict.fromkeys(beats.records.tolist())
    }


def patient_of_record(beats: ScoredBeats) -> dict[str, str]:
    """Record -> patient."""
    return dict(zip(beats.records.tolist(), beats.patients.tolist(), strict=True))


def gated_scores(
    counts: Counts, macro_auc: float | None, classes: Sequence[int]
) -> dict[str, float | None]:
    """The scores of :data:`GATED` from pooled counts."""
    veb, sveb = ec57.beat_score(counts, "VEB"), ec57.beat_score(counts, "SVEB")
    return {
        "accuracy": metrics.accuracy(counts),
        "macro_f1": metrics.macro_f1(counts, tuple(classes)),
        "auc": macro_auc,
        "veb_se": veb.se,
        "veb_ppv": veb.ppv,
        "sveb_se": sveb.se,
        "sveb_ppv": sveb.ppv,
    }


def scores_of(beats: ScoredBeats, run: ModelRun) -> dict[str, float | None]:
    """The scores of :data:`GATED` for one model, with the exact AUC."""
    counts = ec57.sum_counts(counts_by_record(beats, run))
    return gated_scores(counts, macro_auc(beats, run), beats.called_index.tolist())


def class_aucs(beats: ScoredBeats, run: ModelRun) -> dict[str, float | None]:
    """One class against the rest, for every output."""
    return {
        name: metrics.auc(beats.true == CLASSES.index(name), run.scores[:, i])
        for i, name in enumerate(beats.class_names)
    }


def macro_auc(beats: ScoredBeats, run: ModelRun) -> float | None:
    """Mean AUC over the outputs whose class occurs."""
    known = [value for value in class_aucs(beats, run).values() if value is not None]
    return float(np.mean(known)) if known else None


def agreement(a: ModelRun, b: ModelRun) -> float:
    """Share of beats to which both models give the same class."""
    return float(np.mean(a.choice == b.choice))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """95 % of the resampled values lie here; None where too few of them were defined."""

    low: float | None
    high: float | None


def bootstrap(
    beats: ScoredBeats,
    runs: Sequence[ModelRun],
    *,
    n_rounds: int = 1000,
    seed: int = 0,
    combine: Callable[[list[Mapping[str, float | None]]], Mapping[str, float | None]],
) -> dict[str, Interval]:
    """Percentile intervals by drawing patients, not beats, with replacement.

    Args:
        beats: The test set.
        runs: Models; every round gives all of them the same patients.
        n_rounds: How many draws.
        seed: Of the draws.
        combine: From the models' scores of one round to the values wanted (one model's own, or
            differences between two).
    """
    patients = list(dict.fromkeys(beats.patients.tolist()))
    tables = [_PatientTables(beats, run, patients) for run in runs]
    rng = np.random.default_rng(seed)
    values: dict[str, list[float]] = {}
    for _ in range(n_rounds):
        weights = np.bincount(rng.integers(0, len(patients), len(patients)), None, len(patients))
        for key, value in combine([table.scores(weights) for table in tables]).items():
            values.setdefault(key, [])
            if value is not None:
                values[key].append(value)
    return {key: _interval(found, n_rounds) for key, found in values.items()}


def _interval(found: list[float], n_rounds: int) -> Interval:
    if len(found) < n_rounds // 2:
        return Interval(low=None, high=None)
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(low=float(low), high=float(high))


class _PatientTables:
    """Counts and score histograms a patient, so that a round is a weighted sum."""

    def __init__(self, beats: ScoredBeats, run: ModelRun, patients: list[str]) -> None:
        called = calls(beats, run)
        rows = [beats.patients == patient for patient in patients]
        self._classes = beats.called_index.tolist()
        self._counts = np.stack(
            [metrics.confusion(beats.true[r], called[r], len(CLASSES)) for r in rows]
        )
        bins = _bins(run.scores)
        self._histograms = np.zeros(
            (len(patients), len(self._classes), 2, AUC_BINS), dtype=np.int64
        )
        for p, row in enumerate(rows):
            for c, true_class in enumerate(self._classes):
                for side in (0, 1):
                    chosen = row & ((beats.true == true_class) == bool(side))
                    self._histograms[p, c, side] = np.bincount(bins[chosen, c], None, AUC_BINS)

    def scores(self, weights: NDArray[np.int64]) -> dict[str, float | None]:
        """Scores of a draw in which patient i came weights[i] times."""
        counts = np.tensordot(weights, self._counts, axes=1)
        histograms = np.tensordot(weights, self._histograms, axes=1)
        known = [value for pair in histograms if (value := _binned_auc(*pair)) is not None]
        return gated_scores(counts, float(np.mean(known)) if known else None, self._classes)


def _bins(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Bin of every score; probabilities need 0 to 1, a model without a softmax more."""
    low, high = min(0.0, float(scores.min())), max(1.0, float(scores.max()))
    share = (scores.astype(np.float64) - low) / (high - low)
    bins: NDArray[np.int64] = np.clip((share * AUC_BINS).astype(np.int64), 0, AUC_BINS - 1)
    return bins


def _binned_auc(negative: NDArray[np.int64], positive: NDArray[np.int64]) -> float | None:
    n_negative, n_positive = int(negative.sum()), int(positive.sum())
    if not n_negative or not n_positive:
        return None
    below = np.cumsum(negative) - negative
    return float(np.sum(positive * (below + negative / 2.0)) / (n_negative * n_positive))
