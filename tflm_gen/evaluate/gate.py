"""Whether a quantized model may stand in for its float model: fixed limits, and one verdict.

Accuracy alone lets a broken model through: a bad calibration set can raise it while the
sensitivity to ventricular beats falls. So every gated score has to hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.evaluate.results import GATED, LABELS, Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

# Preset -> points (hundredths) that any gated score may fall by.
PRESETS = {"diagnostic": 0.5, "screening": 1.0, "advisory": 2.0}
REFUSE_AGREEMENT = 0.98
WARN_AGREEMENT = 0.99
# Rounding of a difference between two shares must not decide.
_SLACK_POINTS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the verdict.

    Attributes:
        score: What was compared.
        before: Float model, a share; None where it has no denominator.
        after: Quantized model.
        drop_points: before - after in points; negative is a gain.
        limit_points: What the preset allows.
        interval_points: 95 % interval of the drop over patients.
        outcome: "pass", "fail" or "not measured".
    """

    score: str
    before: float | None
    after: float | None
    drop_points: float | None
    limit_points: float
    interval_points: Interval | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's answer.

    Attributes:
        accepted: No check failed.
        preset: Which limits.
        agreement: Share of beats with the same class.
        checks: One for every gated score.
        reasons: Why it is rejected, in words.
        warnings: What to look at even though it passed.
    """

    accepted: bool
    preset: str
    agreement: float
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


def judge(
    before: Mapping[str, float | None],
    after: Mapping[str, float | None],
    *,
    agreement: float,
    preset: str,
    intervals: Mapping[str, Interval] | None = None,
    is_batch_invariant: bool = True,
) -> Verdict:
    """Compare float and quantized scores under a preset's limits.

    Args:
        before: Float model's scores, keys of ``results.GATED``.
        after: Quantized model's.
        agreement: Share of beats to which both give the same class.
        preset: Key of :data:`PRESETS`.
        intervals: Of the drops, in shares.
        is_batch_invariant: The float model gives each window one class, whatever the batch.
    """
    limit = PRESETS[preset]
    checks = tuple(
        _check(score, before[score], after[score], limit, (intervals or {}).get(score))
        for score in GATED
    )
    reasons = [_reason(check) for check in checks if check.outcome == "fail"]
    if agreement < REFUSE_AGREEMENT:
        reasons.append(
            f"float and int8 agree on {agreement:.2%} of beats; below {REFUSE_AGREEMENT:.0%} "
            "they are different classifiers"
        )
    if not is_batch_invariant:
        reasons.append("the float model's class depends on the batch size")
    return Verdict(
        accepted=not reasons,
        preset=preset,
        agreement=agreement,
        checks=checks,
        reasons=tuple(reasons),
        warnings=_warnings(checks, agreement),
    )


def _check(
    score: str,
    before: float | None,
    after: float | None,
    limit: float,
    interval: Interval | None,
) -> Check:
    drop = None if before is None or after is None else 100.0 * (before - after)
    if drop is None:
        # A score the float model has and the quantized one lost (it never calls the class).
        outcome = "not measured" if before is None else "fail"
    else:
        outcome = "pass" if drop <= limit + _SLACK_POINTS else "fail"
    return Check(
        score=score,
        before=before,
        after=after,
        drop_points=drop,
        limit_points=limit,
        interval_points=_in_points(interval),
        outcome=outcome,
    )


def _in_points(interval: Interval | None) -> Interval | None:
    if interval is None or interval.low is None or interval.high is None:
        return None
    return Interval(low=100 * interval.low, high=100 * interval.high)


def _reason(check: Check) -> str:
    if check.drop_points is None:
        return (
            f"{LABELS[check.score]} is not defined any more: the int8 model never makes that call"
        )
    return (
        f"{LABELS[check.score]} falls by {check.drop_points:.2f} points "
        f"({100 * (check.before or 0):.2f} -> {100 * (check.after or 0):.2f}); "
        f"the limit is {check.limit_points:g}"
    )


def _warnings(checks: tuple[Check, ...], agreement: float) -> tuple[str, ...]:
    found = []
    if REFUSE_AGREEMENT <= agreement < WARN_AGREEMENT:
        found.append(f"float and int8 agree on {agreement:.2%} of beats; above 99 % is usual")
    for check in checks:
        if check.outcome == "not measured":
            found.append(
                f"{LABELS[check.score]} was not measured: the test has no such beat or call"
            )
        high = check.interval_points.high if check.interval_points else None
        if check.outcome == "pass" and high is not None and high > check.limit_points:
            found.append(
                f"{LABELS[check.score]}: over patients the drop may be up to {high:.2f} points; "
                "more patients would tell"
            )
    by_name = {check.score: check for check in checks}
    accuracy = by_name["accuracy"].drop_points
    if accuracy is not None and accuracy < 0:
        losers = [LABELS[c.score] for c in checks if c.outcome == "fail" and c.score != "accuracy"]
        if losers:
            verb = "fall" if len(losers) > 1 else "falls"
            found.append(
                f"accuracy rises while {', '.join(losers)} {verb}: typical of bad calibration"
            )
    return tuple(found)
