"""Beat scores by the rules of ANSI/AAMI EC57, for ventricular (VEB) and supraventricular (SVEB).

A fusion or unclassifiable beat called V is no false VEB, and an unclassifiable beat called S is no
false SVEB. "Gross" pools all beats; "average" gives every record the same weight. The two differ
a lot when one record holds most of a class, so both are always given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tflm_gen.evaluate.metrics import ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = ("N", "S", "V", "F", "Q")
_N, _S, _V, _F, _Q = range(5)
# Called class -> true classes for which that call does not count as wrong.
_FORGIVEN = {_V: (_F, _Q), _S: (_Q,)}
KINDS = {"VEB": _V, "SVEB": _S}

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatScore:
    """Counts and ratios of one kind of beat; a ratio without a denominator is None.

    Attributes:
        tp: Beats of the kind called so.
        fn: Beats of the kind called otherwise.
        fp: Other beats called so, without the forgiven ones.
        tn: Other beats called otherwise.
        forgiven: Calls that count neither way.
        se: Sensitivity, tp / (tp + fn).
        ppv: Positive predictivity (+P), tp / (tp + fp).
        fpr: False positive rate, fp / (fp + tn).
    """

    tp: int
    fn: int
    fp: int
    tn: int
    forgiven: int
    se: float | None
    ppv: float | None
    fpr: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """A ratio averaged over records, and how many records have it.

    Attributes:
        value: Mean over the records in which the ratio has a denominator.
        n_records: How many those are.
    """

    value: float | None
    n_records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KindScore:
    """One kind of beat over a test set.

    Attributes:
        gross: Beats of all records pooled.
        average_se: Records equal.
        average_ppv: Records equal.
        n_patients: Patients with at least one such beat.
        largest_patient_share: Share of these beats that the richest patient has.
    """

    gross: BeatScore
    average_se: Average
    average_ppv: Average
    n_patients: int
    largest_patient_share: float | None


def beat_score(counts: Counts, kind: str) -> BeatScore:
    """Score of one kind from a 5 x 5 matrix in the order of :data:`CLASSES`."""
    k = KINDS[kind]
    others = [i for i in range(len(CLASSES)) if i != k]
    forgiven = int(sum(counts[i, k] for i in _FORGIVEN[k]))
    tp = int(counts[k, k])
    fn = int(counts[k].sum()) - tp
    fp = int(sum(counts[i, k] for i in others)) - forgiven
    tn = int(sum(counts[i].sum() - counts[i, k] for i in others))
    return BeatScore(
        tp=tp,
        fn=fn,
        fp=fp,
        tn=tn,
        forgiven=forgiven,
        se=ratio(tp, tp + fn),
        ppv=ratio(tp, tp + fp),
        fpr=ratio(fp, fp + tn),
    )


def kind_score(
    by_record: Mapping[str, Counts], patient_of: Mapping[str, str], kind: str
) -> KindScore:
    """Gross and average score of one kind.

    Args:
        by_record: Record -> 5 x 5 matrix.
        patient_of: Record -> patient.
        kind: "VEB" or "SVEB".
    """
    scores = [beat_score(counts, kind) for counts in by_record.values()]
    beats: dict[str, int] = {}
    for name, counts in by_record.items():
        n_beats = int(counts[KINDS[kind]].sum())
        if n_beats:
            beats[patient_of[name]] = beats.get(patient_of[name], 0) + n_beats
    return KindScore(
        gross=beat_score(sum_counts(by_record), kind),
        average_se=_average([s.se for s in scores]),
        average_ppv=_average([s.ppv for s in scores]),
        n_patients=len(beats),
        largest_patient_share=ratio(max(beats.values(), default=0), sum(beats.values())),
    )


def sum_counts(by_record: Mapping[str, Counts]) -> Counts:
    """All records' counts together."""
    total = np.zeros((len(CLASSES), len(CLASSES)), dtype=np.int64)
    for counts in by_record.values():
        total += counts
    return total


def _average(values: list[float | None]) -> Average:
    known = [value for value in values if value is not None]
    return Average(value=float(np.mean(known)) if known else None, n_records=len(known))
