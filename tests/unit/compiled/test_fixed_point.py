"""The fixed-point arithmetic agrees with its definition on rationals, and with floating point."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.compiled import fixed_point as fx

INT32 = st.integers(-(2**31), 2**31 - 1)
MANTISSA = st.integers(2**30, 2**31 - 1)


def nearest_half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def nearest_half_away(value: Fraction) -> int:
    rounded = math.floor(abs(value) + Fraction(1, 2))
    return rounded if value >= 0 else -rounded


@given(a=INT32, b=MANTISSA)
def test_high_mul_rounds_to_nearest(a: int, b: int) -> None:
    assert fx.high_mul(a, b) == nearest_half_up(Fraction(a * b, 2**31))


@given(value=INT32, exponent=st.integers(0, 31))
def test_divide_pot_rounds_halves_away_from_zero(value: int, exponent: int) -> None:
    assert fx.divide_pot(value, exponent) == nearest_half_away(Fraction(value, 2**exponent))


@given(st.floats(2.0**-25, 2.0**20))
def test_a_multiplier_is_the_nearest_with_31_bits(real: float) -> None:
    multiplier = fx.quantize_multiplier(real)
    assert 2**30 <= multiplier.mantissa < 2**31
    stored = Fraction(multiplier.mantissa, 2**31) * Fraction(2) ** multiplier.shift
    assert abs(stored - Fraction(real)) <= Fraction(2) ** (multiplier.shift - 32)


@pytest.mark.parametrize(
    ("real", "mantissa", "shift"),
    [
        (0.0, 0, 0),
        (0.5, 2**30, 0),
        (1.0, 2**30, 1),
        # Rounds up to 2^31, which moves into the exponent.
        (1.0 - 2.0**-40, 2**30, 1),
        # Smaller than 32 bits can shift to.
        (2.0**-40, 0, 0),
        # Larger than they can.
        (2.0**35, 2**31 - 1, 30),
    ],
)
def test_multipliers_at_the_limits(real: float, mantissa: int, shift: int) -> None:
    assert fx.quantize_multiplier(real) == fx.Multiplier(mantissa=mantissa, shift=shift)


@given(
    acc=st.integers(-(2**30) + 1, 2**30 - 1),
    mantissa=MANTISSA,
    shift=st.integers(1, 22),
    zero=st.integers(-128, 127),
)
def test_the_short_form_of_the_fast_kernels(acc: int, mantissa: int, shift: int, zero: int) -> None:
    """One rounding high product of the doubled sum, one shift: tgk_finish_fast()."""
    twice = 2 * acc
    offset = (1 << (shift - 1)) + zero * (1 << shift)
    scaled = (twice * mantissa + ((offset + (twice >> 31)) << 32) + 2**31) >> 32
    expected = fx.rescale(acc, fx.Multiplier(mantissa=mantissa, shift=-shift)) + zero
    assert max(-128, min(127, scaled >> shift)) == max(-128, min(127, expected))
    assert -(2**31) <= scaled < 2**31


@given(st.integers(-(2**31) + 1, 0), st.integers(2, 5))
def test_exponentials_are_close(a: int, integer_bits: int) -> None:
    real = math.exp(a / 2.0 ** (31 - integer_bits))
    assert fx.exp_negative(a, integer_bits) / 2**31 == pytest.approx(real, abs=3e-7)


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_logistic_and_tanh_are_close(a: int) -> None:
    x = a / 2.0**27
    assert fx.logistic(a, 4) / 2**31 == pytest.approx(1 / (1 + math.exp(-x)), abs=1e-6)
    assert fx.tanh(a, 4) / 2**31 == pytest.approx(math.tanh(x), abs=1e-6)


@given(st.floats(-1e6, 1e6))
def test_round_away_is_c_round(value: float) -> None:
    assert fx.round_away(value) == nearest_half_away(Fraction(value))
