from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.evaluate import metrics

# 10 beats by hand: true a a a a b b b c c c, called a a a b b b a c a b.
TRUE = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
CALLED = np.array([0, 0, 0, 1, 1, 1, 0, 2, 0, 1])
COUNTS = metrics.confusion(TRUE, CALLED, 3)


def test_confusion_counts_rows_as_truth():
    assert COUNTS.tolist() == [[3, 1, 0], [1, 2, 0], [1, 1, 1]]


def test_scores_by_hand():
    a, b, c = metrics.class_scores(COUNTS, ("a", "b", "c"))
    assert (a.n_beats, a.precision, a.recall) == (4, 3 / 5, 3 / 4)
    assert (b.precision, b.recall) == (2 / 4, 2 / 3)
    assert (c.precision, c.recall) == (1.0, 1 / 3)
    assert [s.f1 for s in (a, b, c)] == pytest.approx([2 / 3, 4 / 7, 1 / 2])
    assert metrics.accuracy(COUNTS) == 0.6
    assert metrics.macro_f1(COUNTS, (0, 1, 2)) == pytest.approx((2 / 3 + 4 / 7 + 1 / 2) / 3)
    assert metrics.macro_f1(COUNTS, (0, 2)) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_a_class_never_called_has_no_precision_and_no_f1_to_hide_behind():
    counts = metrics.confusion(np.array([0, 0, 1]), np.array([0, 0, 0]), 3)
    _, b, c = metrics.class_scores(counts, ("a", "b", "c"))
    assert (b.precision, b.recall, b.f1) == (None, 0.0, 0.0)
    assert (c.precision, c.recall, c.f1) == (None, None, None)
    assert metrics.macro_f1(counts, (0, 1, 2)) == pytest.approx((0.8 + 0.0) / 2)


def test_auc_by_hand():
    positive = np.array([True, False, True, False])
    # Pairs: 0.9>0.8, 0.9>0.1, 0.3<0.8, 0.3>0.1.
    assert metrics.auc(positive, np.array([0.9, 0.8, 0.3, 0.1])) == 0.75
    assert metrics.auc(positive, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert metrics.auc(np.array([True, True]), np.array([0.1, 0.2])) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(pairs):
    positive = np.array([p for p, _ in pairs])
    score = np.array([s / 5 for _, s in pairs], dtype=np.float32)
    won = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a, b in itertools.product(score[positive], score[~positive])
    ]
    expected = float(np.mean(won)) if won else None
    assert metrics.auc(positive, score) == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=60))
def test_the_roc_curve_encloses_the_auc(pairs):
    positive = np.array([p for p, _ in pairs])
    score = np.array([s / 9 for _, s in pairs])
    points = metrics.roc_points(positive, score)
    area = metrics.auc(positive, score)
    if area is None:
        assert points == []
        return
    x, y = np.array(points).T
    assert points[0] == (0.0, 0.0)
    assert points[-1] == (1.0, 1.0)
    assert np.sum((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2) == pytest.approx(area)
