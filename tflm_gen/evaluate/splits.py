"""Splits between patients: nobody is on both sides, and a record's content is its identity."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import LeakError, NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SAME = {"sha256": "the same content", "signal": "the same samples"}
# The inter-patient halves of the MIT-BIH Arrhythmia Database by de Chazal et al. (2004); the four
# records with paced beats (102, 104, 107, 217) are in neither.
DS1 = (
    *("101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122"),
    *("124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230"),
)
DS2 = (
    *("100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210"),
    *("212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordId:
    """Who and what a record is, without its samples.

    Attributes:
        name: Of the record.
        patient: Whose it is.
        sha256: Of its files; "" if it is not known.
        signal_sha256: Of the lead's samples, whatever file they are in; "" if it is not known.
    """

    name: str
    patient: str
    sha256: str = ""
    signal_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Two sides that share no patient.

    Attributes:
        name: "DS1/DS2", "fold 1 of 5", ...
        train: Names of the records that may be trained and calibrated on.
        test: Names of the records that are scored.
        known_overlap: Patients that the published lists themselves put on both sides.
    """

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    known_overlap: tuple[str, ...] = ()


def de_chazal() -> Split:
    """DS1 to train, DS2 to test.

    Records 201 (DS1) and 202 (DS2) are of one person. The published lists have it so, and figures
    in the literature include it; the split says so instead of hiding it.
    """
    return Split(name="DS1/DS2", train=DS1, test=DS2, known_overlap=("201",))


def k_folds(records: Sequence[RecordId], *, n_folds: int) -> tuple[Split, ...]:
    """Folds over patients, equal in number of records as far as patients allow.

    The same records give the same folds, in whatever order they come.

    Raises:
        NotEnoughDataError: Fewer patients than folds, or fewer than two folds.
    """
    of_patient: dict[str, list[str]] = defaultdict(list)
    for record in sorted(records, key=lambda r: r.name):
        of_patient[record.patient].append(record.name)
    if not 2 <= n_folds <= len(of_patient):
        raise NotEnoughDataError(
            f"{len(of_patient)} patients cannot make {n_folds} folds",
            hint="Use 2 folds or more, and at most one a patient.",
        )
    folds: list[list[str]] = [[] for _ in range(n_folds)]
    for patient in sorted(of_patient, key=lambda p: (-len(of_patient[p]), p)):
        min(folds, key=len).extend(of_patient[patient])
    return tuple(
        Split(
            name=f"fold {i + 1} of {n_folds}",
            train=tuple(sorted(n for j, other in enumerate(folds) if j != i for n in other)),
            test=tuple(sorted(fold)),
        )
        for i, fold in enumerate(folds)
    )


def check_leak(
    train: Iterable[RecordId], test: Iterable[RecordId], *, allowed: Iterable[str] = ()
) -> None:
    """Stop when a patient, a record name or a record's content is on both sides.

    Args:
        train: Everything the model has seen: training and calibration.
        test: Everything it is scored on.
        allowed: Patients that may be on both sides (a published split's own overlap).

    Raises:
        LeakError: Something is on both sides; the message names it.
    """
    seen = list(train)
    permitted = set(allowed)
    by: Mapping[str, dict[str, str]] = {
        "patient": {r.patient: r.name for r in seen if r.patient not in permitted},
        "record": {r.name: r.name for r in seen},
        "sha256": {r.sha256: r.name for r in seen if r.sha256},
        "signal": {r.signal_sha256: r.name for r in seen if r.signal_sha256},
    }
    for record in test:
        for kind, value in (
            ("record", record.name),
            ("sha256", record.sha256),
            ("signal", record.signal_sha256),
            ("patient", record.patient),
        ):
            if value in by[kind]:
                what = _SAME.get(kind, f"the same {kind} ({value})")
                raise LeakError(
                    f"test record {record.name} and training record {by[kind][value]} have {what}",
                    hint="A score on a known patient says nothing; take it out of one side. (evaluate "
                    "--trained-on LIST names the training records, if they are not all the others.)",
                )
