"""Splits as the command line names them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tflm_gen.errors import UsageError
from tflm_gen.evaluate.beats import find_records, record_ids, usable_ids
from tflm_gen.evaluate.splits import Split, check_leak, de_chazal, k_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tflm_gen.evaluate.splits import RecordId
    from tflm_gen.preprocess.spec import PreprocessSpec

_PUBLISHED, _FOLD_PREFIX = "de-chazal", "fold:"
_FOLD = re.compile(rf"{_FOLD_PREFIX}(\d+)/(\d+)")
SPLIT_FORMS = "de-chazal, fold:K/N (over patients), or a comma list of test records"


def names_records(text: str) -> bool:
    """Whether records are asked for one by one: then each of them must be usable."""
    return text != _PUBLISHED and not text.startswith(_FOLD_PREFIX)


def choose_split(
    text: str,
    folder: Path,
    spec: PreprocessSpec,
    progress: Callable[[str], None] | None = None,
) -> Split:
    """A split by its name, a fold by its number, or the test records as a list.

    Args:
        text: "de-chazal", "fold:2/5", or names with commas.
        folder: The records.
        spec: Preprocessing; records that it cannot take are on neither side.
        progress: Told what is read.

    Raises:
        UsageError: No such fold.
        LeakError: A patient or a recording would be on both sides.
    """
    if text == _PUBLISHED:
        return de_chazal()
    match = _FOLD.fullmatch(text)
    if match:
        number, n_folds = int(match[1]), int(match[2])
        ids = record_ids(folder, spec, progress)
        if not 1 <= number <= n_folds:
            raise UsageError(f"there is no fold {number} of {n_folds}", hint="Folds count from 1.")
        split = k_folds(ids, n_folds=n_folds)[number - 1]
        by_name = {record.name: record for record in ids}
        # Two patients' names for one recording would pass the fold's own rule.
        check_leak([by_name[n] for n in split.train], [by_name[n] for n in split.test])
        return split
    test = tuple(part.strip() for part in text.split(",") if part.strip())
    if not test:
        raise UsageError(f"--split {text!r} names no record", hint=f"Give {SPLIT_FORMS}.")
    there = find_records(folder)
    if absent := [name for name in test if name not in there]:
        raise UsageError(
            f"--split: {folder} has no record {', '.join(absent)}", hint=f"Give {SPLIT_FORMS}."
        )
    others = tuple(name for name in there if name not in test)
    return Split(name=f"test records {', '.join(test)}", train=others, test=test)


def check_training(
    names: str, split: Split, folder: Path, spec: PreprocessSpec, test: Iterable[RecordId]
) -> tuple[RecordId, ...]:
    """Compare the records that a float model was trained on with the test; their identities.

    Args:
        names: A comma list, or "split" for those of the split's other side that are there.
        split: The split.
        folder: The records.
        spec: Preprocessing.
        test: What is scored.

    Raises:
        LeakError: One of them, or its patient or content, is in the test.
        RecordError: One of those listed cannot be used.
    """
    if names == "split":
        there = set(find_records(folder))
        chosen = tuple(name for name in split.train if name in there)
    else:
        chosen = tuple(part.strip() for part in names.split(",") if part.strip())
    seen = usable_ids(folder, chosen, spec, skip_unusable=names == "split")
    check_leak(seen, test, allowed=split.known_overlap)
    return seen
