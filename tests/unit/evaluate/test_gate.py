from __future__ import annotations

import pytest

from tflm_gen.evaluate.gate import PRESETS, judge
from tflm_gen.evaluate.results import GATED, LABELS, Interval

FLOAT = dict.fromkeys(GATED, 0.90)


def judged(agreement=0.998, preset="diagnostic", intervals=None, **after):
    return judge(FLOAT, {**FLOAT, **after}, agreement=agreement, preset=preset, intervals=intervals)


def test_the_same_scores_pass():
    verdict = judged()
    assert verdict.accepted
    assert (verdict.reasons, verdict.warnings) == ((), ())


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("score", GATED)
def test_every_score_is_held_to_the_presets_limit(preset, score):
    limit = PRESETS[preset] / 100
    assert judged(preset=preset, **{score: 0.90 - limit}).accepted
    verdict = judged(preset=preset, **{score: 0.90 - limit - 0.0001})
    assert not verdict.accepted
    assert LABELS[score] in verdict.reasons[0]


def test_a_gain_elsewhere_buys_nothing():
    """The trap: accuracy and +P rise, VEB sensitivity falls."""
    verdict = judged(agreement=0.985, accuracy=0.905, veb_ppv=0.97, veb_se=0.853)
    assert not verdict.accepted
    assert verdict.reasons == ("VEB Se falls by 4.70 points (90.00 -> 85.30); the limit is 0.5",)
    assert any("accuracy rises while VEB Se fall" in w for w in verdict.warnings)


@pytest.mark.parametrize(
    ("agreement", "accepted", "n_warnings"),
    [(0.9799, False, 0), (0.98, True, 1), (0.9899, True, 1), (0.99, True, 0)],
)
def test_agreement_refuses_and_warns(agreement, accepted, n_warnings):
    verdict = judged(agreement=agreement)
    assert (verdict.accepted, len(verdict.warnings)) == (accepted, n_warnings)


def test_a_call_the_int8_model_never_makes_any_more_is_a_failure():
    verdict = judged(sveb_ppv=None)
    assert not verdict.accepted
    assert "never makes that call" in verdict.reasons[0]


def test_a_score_the_test_cannot_give_is_said_and_not_passed_silently():
    before = {**FLOAT, "sveb_se": None}
    verdict = judge(before, before, agreement=1.0, preset="screening")
    assert verdict.accepted
    assert "SVEB Se was not measured" in verdict.warnings[0]


def test_few_patients_are_a_warning():
    intervals = {"veb_se": Interval(low=-0.001, high=0.03)}
    verdict = judged(intervals=intervals, veb_se=0.899)
    assert verdict.accepted
    assert "may be up to 3.00 points" in verdict.warnings[0]
