from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.arena.bisect import find_smallest_arena
from tflm_gen.errors import FirmwareError

HIGH = 2**21


@given(st.integers(1, HIGH // 16), st.none() | st.integers(0, 2 * HIGH))
def test_the_smallest_size_is_found_and_the_one_below_was_tried(steps, guess):
    needed = 16 * steps
    found = find_smallest_arena(lambda size: size >= needed, high_bytes=HIGH, guess_bytes=guess)
    assert found.ran_at_bytes == needed
    assert found.failed_at_bytes == needed - 16
    tried = dict(found.trials)
    assert tried[needed]
    if needed > 16:
        assert not tried[needed - 16]
    assert len(tried) == len(found.trials)  # no size twice
    assert all(size % 16 == 0 and 0 < size <= HIGH for size in tried)


@pytest.mark.parametrize("guess", [None, 7860])
def test_a_good_guess_saves_trials(guess):
    found = find_smallest_arena(lambda size: size >= 8000, high_bytes=HIGH, guess_bytes=guess)
    assert found.ran_at_bytes == 8000
    assert len(found.trials) <= (18 if guess is None else 8)


@pytest.mark.parametrize("guess", [None, 64, 8000])
def test_what_runs_nowhere_is_an_error(guess):
    with pytest.raises(FirmwareError, match="does not run in an arena of 16,384 bytes"):
        find_smallest_arena(lambda _: False, high_bytes=16384, guess_bytes=guess)
