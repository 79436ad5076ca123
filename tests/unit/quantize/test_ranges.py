"""Ranges from a histogram: what is cut, and what stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.quantize.ranges import Histogram, by_percentile, by_squared_error


def histogram_of(values) -> Histogram:
    values = np.asarray(values, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    return Histogram(low, high, np.histogram(values, 4096, range=(low, high))[0])


def test_a_percentile_cuts_as_many_values_at_each_side():
    values = np.linspace(-1, 1, 100_001)
    low, high = by_percentile(histogram_of(values), 99.0)
    assert low == pytest.approx(-0.98, abs=1e-3)
    assert high == pytest.approx(0.98, abs=1e-3)


def test_all_of_them_is_minimum_and_maximum():
    assert by_percentile(histogram_of([-3.0, 0.5, 7.0]), 100.0) == (-3.0, 7.0)


def test_one_far_value_among_many_is_cut_for_the_least_squared_error():
    rng = np.random.default_rng(0)
    # Cutting it costs less than the coarser steps it would force on all others.
    values = np.append(rng.normal(0, 1, 2_000_000), 40.0)
    low, high = by_squared_error(histogram_of(values))
    assert high < 20
    assert low < -3


def test_evenly_spread_values_are_not_cut():
    assert by_squared_error(histogram_of(np.linspace(0, 6, 50_000))) == (0.0, 6.0)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=50, unique=True))
def test_ranges_never_leave_what_was_seen(values):
    histogram = histogram_of(values)
    for low, high in (by_percentile(histogram, 99.0), by_squared_error(histogram)):
        assert histogram.low <= low <= high <= histogram.high
