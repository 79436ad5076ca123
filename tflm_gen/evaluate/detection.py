"""A beat detector's own score: which annotated beats it found within 150 ms, and what it made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.evaluate.ec57 import CLASSES
from tflm_gen.evaluate.metrics import ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MATCH_S = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Found beats against annotated ones in one record.

    Attributes:
        annotated: Row of each matched annotated beat.
        found: Row of the found beat it matches, in the same order.
        missed: Rows of annotated beats that were not found.
        extra: Rows of found beats that are none.
    """

    annotated: NDArray[np.int64]
    found: NDArray[np.int64]
    missed: NDArray[np.int64]
    extra: NDArray[np.int64]


def match_beats(
    annotated: Sequence[int] | NDArray[np.integer],
    found: Sequence[int] | NDArray[np.integer],
    *,
    within: int,
) -> Matching:
    """Pair beats that are at most ``within`` samples apart, the nearest first, each once."""
    true = np.asarray(annotated, dtype=np.int64)
    places = np.asarray(found, dtype=np.int64)
    first = np.searchsorted(places, true - within, side="left")
    last = np.searchsorted(places, true + within, side="right")
    pairs = sorted(
        (abs(int(places[j]) - int(true[i])), i, j)
        for i in range(len(true))
        for j in range(int(first[i]), int(last[i]))
    )
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    rows = sorted(partner)
    return Matching(
        annotated=np.array(rows, dtype=np.int64),
        found=np.array([partner[i] for i in rows], dtype=np.int64),
        missed=np.array([i for i in range(len(true)) if i not in partner], dtype=np.int64),
        extra=np.array([j for j in range(len(places)) if j not in taken], dtype=np.int64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDetection:
    """One record: annotated beats found, missed (by class), and beats made up."""

    found: int
    missed: Mapping[str, int]
    extra: int

    @property
    def n_missed(self) -> int:
        """Of all classes."""
        return sum(self.missed.values())


def record_detection(matching: Matching, classes: Sequence[str]) -> RecordDetection:
    """Counts of one record; ``classes`` are those of the annotated beats."""
    missed = [classes[row] for row in matching.missed.tolist()]
    return RecordDetection(
        found=len(matching.annotated),
        missed={name: missed.count(name) for name in CLASSES if name in missed},
        extra=len(matching.extra),
    )


def detection_document(by_record: Mapping[str, RecordDetection]) -> dict[str, object]:
    """Sensitivity and +P over all beats (gross) and over records (average), and each record's."""
    rows = {
        name: {
            "found": item.found,
            "missed": item.n_missed,
            "extra": item.extra,
            "se": ratio(item.found, item.found + item.n_missed),
            "ppv": ratio(item.found, item.found + item.extra),
        }
        for name, item in by_record.items()
    }
    found = sum(item.found for item in by_record.values())
    n_missed = sum(item.n_missed for item in by_record.values())
    extra = sum(item.extra for item in by_record.values())
    return {
        "match_window_ms": round(1000 * MATCH_S),
        "found": found,
        "missed": n_missed,
        "missed_by_class": missed_by_class(by_record),
        "extra": extra,
        "gross": {"se": ratio(found, found + n_missed), "ppv": ratio(found, found + extra)},
        "average": {key: _mean([row[key] for row in rows.values()]) for key in ("se", "ppv")},
        "by_record": rows,
    }


def missed_by_class(by_record: Mapping[str, RecordDetection]) -> dict[str, int]:
    """Annotated beats that were not found, all records together."""
    totals = {name: sum(r.missed.get(name, 0) for r in by_record.values()) for name in CLASSES}
    return {name: n for name, n in totals.items() if n}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
