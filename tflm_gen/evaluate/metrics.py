"""Scores of a classifier from counts and probabilities: plain definitions, nothing averaged away.

Rows of a confusion matrix are true classes, columns called ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """One class against all others; a score without a denominator is None.

    Attributes:
        name: The class.
        n_beats: True beats of the class.
        precision: Share of its calls that are right.
        recall: Share of its beats that are called.
        f1: Their harmonic mean; 0 when beats exist and none is called rightly.
    """

    name: str
    n_beats: int
    precision: float | None
    recall: float | None
    f1: float | None


def confusion(true: NDArray[np.integer], called: NDArray[np.integer], n_classes: int) -> Counts:
    """Counts[true class, called class]."""
    flat = np.asarray(true, dtype=np.int64) * n_classes + np.asarray(called, dtype=np.int64)
    return np.bincount(flat, minlength=n_classes * n_classes).reshape(n_classes, n_classes)


def ratio(part: float, whole: float) -> float | None:
    """Divide; None for nothing in nothing."""
    return float(part) / float(whole) if whole else None


def accuracy(counts: Counts) -> float | None:
    """Share of beats called rightly."""
    return ratio(np.trace(counts), counts.sum())


def class_scores(counts: Counts, names: tuple[str, ...]) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of every class."""
    scores = []
    for i, name in enumerate(names):
        hits, n_true, n_called = (
            int(x) for x in (counts[i, i], counts[i].sum(), counts[:, i].sum())
        )
        scores.append(
            ClassScore(
                name=name,
                n_beats=n_true,
                precision=ratio(hits, n_called),
                recall=ratio(hits, n_true),
                f1=ratio(2 * hits, n_true + n_called),
            )
        )
    return tuple(scores)


def macro_f1(counts: Counts, classes: tuple[int, ...]) -> float | None:
    """Mean F1 over the given classes; one that has no beats and no calls is left out."""
    values = []
    for i in classes:
        value = ratio(2 * counts[i, i], counts[i].sum() + counts[:, i].sum())
        if value is not None:
            values.append(value)
    return float(np.mean(values)) if values else None


def auc(is_positive: NDArray[np.bool_], score: NDArray[np.floating]) -> float | None:
    """Area under the ROC curve: the chance that a positive outranks a negative, ties half.

    None where one side is empty.
    """
    positive = np.asarray(is_positive, dtype=bool)
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return None
    _, place, n_equal = np.unique(np.asarray(score), return_inverse=True, return_counts=True)
    # Mean rank of each distinct score, counted from 1.
    ranks = (np.cumsum(n_equal) - (n_equal - 1) / 2.0)[place]
    above = ranks[positive].sum() - n_positive * (n_positive + 1) / 2.0
    return float(above / (n_positive * n_negative))


def roc_points(
    is_positive: NDArray[np.bool_], score: NDArray[np.floating], *, n_points: int = 200
) -> list[tuple[float, float]]:
    """(false positive rate, sensitivity) from the strictest threshold to the laxest, thinned."""
    positive = np.asarray(is_positive, dtype=bool)
    if positive.all() or not positive.any():
        return []
    order = np.argsort(-np.asarray(score), kind="stable")
    hits = np.cumsum(positive[order])
    misses = np.cumsum(~positive[order])
    sorted_scores = np.asarray(score)[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(sorted_scores)), len(order) - 1)
    points = [(0.0, 0.0)] + [
        (float(misses[i] / misses[-1]), float(hits[i] / hits[-1])) for i in last_of_tie
    ]
    step = max(1, len(points) // n_points)
    return points[::step] + ([points[-1]] if (len(points) - 1) % step else [])
