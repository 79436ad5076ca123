"""Chooses calibration windows: balanced over classes, patients and signal quality, and on record.

The ranges of an int8 model are those of its calibration windows. Windows of one patient, or of one
class, give narrow ranges; what lies beyond them saturates, and the sensitivity to rare beats falls
while accuracy may even rise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.errors import NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# Rows by patient and signal quality; the last one of a list is the next to be taken.
_Cells = dict[tuple[str, str], list[int]]

MIN_RECORDS = 10
MIN_WINDOWS, MAX_WINDOWS = 100, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What may be chosen from; one entry a window in every list.

    Attributes:
        classes: Class of every window.
        patients: Patient of every window.
        records: Record of every window.
        grades: Signal quality of every window.
        places: Beat's sample number in its record.
    """

    classes: Sequence[str]
    patients: Sequence[str]
    records: Sequence[str]
    grades: Sequence[str]
    places: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Chosen windows and what they cover.

    Attributes:
        rows: Row numbers in the pool, rising.
        seed: Of the draw.
        by_class: Class -> windows.
        by_record: Record -> windows.
        by_grade: Signal quality -> windows.
        n_patients: How many patients they come from.
        beats: "record@sample" of every window, so that the same set can be made again.
        warnings: What makes this set weak.
    """

    rows: NDArray[np.int64]
    seed: int
    by_class: Mapping[str, int]
    by_record: Mapping[str, int]
    by_grade: Mapping[str, int]
    n_patients: int
    beats: tuple[str, ...]
    warnings: tuple[str, ...]


def select(pool: Pool, *, count: int, seed: int) -> Selection:
    """Draw windows so that classes, in them patients, and over those qualities get equal turns.

    A class with few windows gives all it has; its turns go to the others. Within a class the next
    window is of the patient with the fewest so far and, of those, of the rarest quality so far.

    Raises:
        NotEnoughDataError: The pool has fewer windows than asked for.
    """
    n_pool = len(pool.classes)
    if n_pool < count:
        raise NotEnoughDataError(
            f"{n_pool} windows to choose from; {count} are asked for",
            hint="Add records, or ask for fewer windows.",
        )
    order = np.random.default_rng(seed).permutation(n_pool).tolist()
    cells: dict[str, _Cells] = defaultdict(lambda: defaultdict(list))
    for row in reversed(order):
        cells[pool.classes[row]][pool.patients[row], pool.grades[row]].append(row)
    streams = [_balanced(cells[name], count) for name in sorted(cells)]
    rows = sorted(_turns(streams)[:count])
    return _described(pool, np.array(rows, dtype=np.int64), seed)


def describe(pool: Pool, rows: Sequence[int], *, seed: int = 0) -> Selection:
    """What a given choice covers, with the same warnings."""
    return _described(pool, np.array(sorted(rows), dtype=np.int64), seed)


def count_warnings(n_windows: int) -> tuple[str, ...]:
    """What to say of a number of calibration windows."""
    if MIN_WINDOWS <= n_windows <= MAX_WINDOWS:
        return ()
    return (f"{n_windows} windows; {MIN_WINDOWS} to {MAX_WINDOWS} are usual",)


def _balanced(cells: _Cells, count: int) -> list[int]:
    """Up to ``count`` windows of one class, whose rows lie in cells by patient and quality."""
    of_patient, of_grade = Counter[str](), Counter[str]()
    left = {key: list(rows) for key, rows in cells.items()}
    chosen: list[int] = []
    while left and len(chosen) < count:
        patient, grade = min(left, key=lambda key: (of_patient[key[0]], of_grade[key[1]]))
        chosen.append(left[patient, grade].pop())
        if not left[patient, grade]:
            del left[patient, grade]
        of_patient[patient] += 1
        of_grade[grade] += 1
    return chosen


def _turns(streams: Sequence[Sequence[int]]) -> list[int]:
    """One of each stream in turn, until all are empty."""
    longest = max((len(stream) for stream in streams), default=0)
    return [stream[i] for i in range(longest) for stream in streams if i < len(stream)]


def _described(pool: Pool, rows: NDArray[np.int64], seed: int) -> Selection:
    chosen = rows.tolist()
    by_class = Counter(pool.classes[row] for row in chosen)
    by_record = Counter(pool.records[row] for row in chosen)
    return Selection(
        rows=rows,
        seed=seed,
        by_class=dict(sorted(by_class.items())),
        by_record=dict(sorted(by_record.items())),
        by_grade=dict(sorted(Counter(pool.grades[row] for row in chosen).items())),
        n_patients=len({pool.patients[row] for row in chosen}),
        beats=tuple(f"{pool.records[row]}@{pool.places[row]}" for row in chosen),
        warnings=_warnings(pool, chosen, by_class, by_record),
    )


def _warnings(
    pool: Pool, chosen: Sequence[int], by_class: Mapping[str, int], by_record: Mapping[str, int]
) -> tuple[str, ...]:
    found = []
    if len(by_record) < MIN_RECORDS:
        found.append(
            f"windows of {len(by_record)} records only; below {MIN_RECORDS} the ranges are those "
            "of a few people, and sensitivity can fall while accuracy rises"
        )
    found += count_warnings(len(chosen))
    missing = sorted(set(pool.classes) - set(by_class))
    if missing:
        found.append(f"no window of class {', '.join(missing)}")
    return tuple(found)
