from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tflm_gen.errors import PreprocessSpecError
from tflm_gen.evaluate import ec57, metrics
from tflm_gen.evaluate.results import (
    GATED,
    ModelRun,
    ScoredBeats,
    agreement,
    bootstrap,
    check_class_names,
    counts_by_record,
    scores_of,
)


def beats_of(true, patients=None, records=None, names=("N", "S", "V")):
    n = len(true)
    patients = np.array(patients if patients is not None else ["p"] * n)
    return ScoredBeats(
        records=np.array(records) if records is not None else patients,
        patients=patients,
        true=np.array(true, dtype=np.int64),
        class_names=names,
    )


def run_of(scores, name="float"):
    return ModelRun(name=name, runtime="test", scores=np.array(scores, dtype=np.float32))


def random_test(seed=3, n=600):
    rng = np.random.default_rng(seed)
    true = rng.choice([0, 1, 2, 3], n, p=[0.7, 0.1, 0.15, 0.05])
    patients = [f"p{i}" for i in rng.integers(0, 8, n)]
    logits = rng.normal(0, 1, (n, 3)) + 2.0 * (np.arange(3)[None, :] == true[:, None])
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return beats_of(true, patients), run_of(scores)


def test_the_first_of_equal_outputs_wins():
    assert run_of([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]]).choice.tolist() == [0, 1]


def test_outputs_may_come_in_any_order():
    beats = beats_of([2, 0], names=("V", "N"))
    counts = counts_by_record(beats, run_of([[0.9, 0.1], [0.2, 0.8]]))["p"]
    assert (counts[2, 2], counts[0, 0], counts.sum()) == (1, 1, 2)


def test_counts_are_kept_apart_by_record():
    beats = beats_of([0, 2, 2], patients=["p", "p", "p"], records=["a", "a", "b"])
    by_record = counts_by_record(beats, run_of([[1, 0, 0], [0, 0, 1], [1, 0, 0]]))
    assert ec57.beat_score(by_record["a"], "VEB").se == 1.0
    assert ec57.beat_score(by_record["b"], "VEB").se == 0.0


def test_a_fusion_beat_counts_against_accuracy_and_not_against_veb():
    scores = scores_of(beats_of([0, 2, 3]), run_of([[1, 0, 0], [0, 0, 1], [0, 0, 1]]))
    assert scores["accuracy"] == 2 / 3
    assert (scores["veb_se"], scores["veb_ppv"]) == (1.0, 1.0)
    assert scores["sveb_se"] is None


def test_agreement_is_of_classes_not_of_probabilities():
    a = run_of([[0.9, 0.1, 0.0], [0.4, 0.5, 0.1]])
    b = run_of([[0.5, 0.4, 0.1], [0.5, 0.4, 0.1]])
    assert agreement(a, b) == 0.5


@pytest.mark.parametrize("has_softmax", [True, False])
def test_a_draw_of_every_patient_once_is_the_score_itself(has_softmax):
    beats, run = random_test()
    if not has_softmax:  # Outputs far from 0 to 1.
        run = dataclasses.replace(run, scores=(20 * run.scores - 15).astype(np.float32))
    exact = scores_of(beats, run)
    seen = {}

    class Once:
        def integers(self, low, high, size):
            return np.arange(size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.random, "default_rng", lambda seed: Once())
        bootstrap(beats, [run], n_rounds=2, combine=lambda s: seen.update(s[0]) or s[0])
    assert seen["auc"] == pytest.approx(exact["auc"], abs=1e-3)  # from 1,024 bins
    for key in set(GATED) - {"auc"}:
        assert seen[key] == pytest.approx(exact[key])


def test_the_interval_is_of_patients_not_of_beats():
    """One bad patient of two: beats say about a half, patients say anything from 0 to 1."""
    true = [2] * 1000
    good = [[0, 0, 1]] * 500 + [[1, 0, 0]] * 500
    beats = beats_of(true, ["a"] * 500 + ["b"] * 500)
    interval = bootstrap(beats, [run_of(good)], n_rounds=200, combine=lambda s: s[0])["veb_se"]
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_intervals_repeat_and_pair_the_models():
    beats, run = random_test()

    def drop(scores):
        return {k: None if v is None else v - scores[1][k] for k, v in scores[0].items()}

    same = bootstrap(beats, [run, run], n_rounds=50, combine=drop)
    assert {(i.low, i.high) for i in same.values()} == {(0.0, 0.0)}
    first = bootstrap(beats, [run], n_rounds=50, seed=4, combine=lambda s: s[0])
    assert first == bootstrap(beats, [run], n_rounds=50, seed=4, combine=lambda s: s[0])
    assert first["auc"].low < metrics.auc(beats.true == 0, run.scores[:, 0]) + 0.2


def test_only_classes_of_ec57_can_be_scored():
    check_class_names(("N", "S", "V"), "spec.toml")
    with pytest.raises(PreprocessSpecError, match=r"spec.toml: classes veb are none of N, S, V"):
        check_class_names(("N", "veb"), "spec.toml")
