"""TFLite's fixed-point arithmetic, exact, in Python integers: what generation decides ahead of time.

Rounding is TFLM's default: the product is rounded once to 32 bits, then once more by the shift.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """A real factor as TFLite stores it: real = mantissa / 2^31 * 2^shift.

    Attributes:
        mantissa: 0, or in [2^30, 2^31).
        shift: Positive to the left.
    """

    mantissa: int
    shift: int


def float32(value: float) -> float:
    """The nearest float32, as a Python float."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def round_away(value: float) -> int:
    """Nearest integer, halves away from zero: C's ``round``."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def quantize_multiplier(real: float) -> Multiplier:
    """Splits a factor into mantissa and shift, with the rounding and limits of TFLite."""
    if real == 0.0:
        return Multiplier(mantissa=0, shift=0)
    fraction, shift = math.frexp(real)
    mantissa = round_away(fraction * 2**31)
    if mantissa == 2**31:
        mantissa //= 2
        shift += 1
    if shift < -31:
        return Multiplier(mantissa=0, shift=0)
    if shift > 30:
        return Multiplier(mantissa=INT32_MAX, shift=30)
    return Multiplier(mantissa=mantissa, shift=shift)


def wrap32(value: int) -> int:
    """The value as two's complement keeps it in 32 bits."""
    return (value + 2**31) % 2**32 - 2**31


def high_mul(a: int, b: int) -> int:
    """Rounding doubling high product of two 32-bit numbers, saturated."""
    if a == INT32_MIN and b == INT32_MIN:
        return INT32_MAX
    return (a * b + 2**30) >> 31


def divide_pot(value: int, exponent: int) -> int:
    """Quotient value / 2^exponent, halves away from zero."""
    if exponent == 0:
        return value
    return (value + (1 << (exponent - 1)) - (1 if value < 0 else 0)) >> exponent


def rescale(value: int, by: Multiplier) -> int:
    """Product of value and factor, in TFLite's two roundings."""
    left, right = max(by.shift, 0), max(-by.shift, 0)
    return divide_pot(high_mul(wrap32(value << left), by.mantissa), right)


def multiply_pot(value: int, exponent: int) -> int:
    """Product value * 2^exponent, saturated to 32 bits; rounded when the exponent is negative."""
    if exponent < 0:
        return divide_pot(value, -exponent)
    return max(INT32_MIN, min(INT32_MAX, value << exponent))


# --- Transcendental functions on Qm.n numbers ---------------------------------------------------

# exp(-2^e) in Q0.31 for e = -2 ... 4.
_EXP_OF_MINUS_POT = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_EXP_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883
# Start of the Newton iteration for 1/x, in Q2.29.
_48_OVER_17 = 1515870810
_MINUS_32_OVER_17 = -1010580540
_ONE_Q2 = 1 << 29


def _exp_quarter(a: int) -> int:
    """Exponential of a Q0.31 number in [-1/4, 0): four terms of the series around -1/8."""
    x = a + (1 << 28)
    x2 = high_mul(x, x)
    x3 = high_mul(x2, x)
    x4 = high_mul(x2, x2)
    tail = divide_pot(high_mul(divide_pot(x4, 2) + x3, _ONE_THIRD) + x2, 1)
    return _EXP_MINUS_EIGHTH + high_mul(_EXP_MINUS_EIGHTH, x + tail)


def exp_negative(a: int, integer_bits: int) -> int:
    """Exponential of a number <= 0 with that many integer bits; the result is Q0.31."""
    if a == 0:
        return INT32_MAX
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    in_quarter = (a & (quarter - 1)) - quarter
    result = _exp_quarter(multiply_pot(in_quarter, integer_bits))
    remainder = in_quarter - a
    for exponent, factor in enumerate(_EXP_OF_MINUS_POT, start=-2):
        if integer_bits > exponent and remainder & (1 << (fraction_bits + exponent)):
            result = high_mul(result, factor)
    return result


def _two_over_one_plus(a: int) -> int:
    """2 / (1 + a) in Q2.29 for a Q0.31 number in [0, 1]."""
    half = (a + INT32_MAX + 1) >> 1
    x = wrap32(_48_OVER_17 + high_mul(half, _MINUS_32_OVER_17))
    for _ in range(3):
        error = _ONE_Q2 - high_mul(half, x)
        x = wrap32(x + multiply_pot(high_mul(x, error), 2))
    return x


def reciprocal_one_plus(a: int) -> int:
    """1 / (1 + a) in Q0.31 for a Q0.31 number in [0, 1]."""
    return multiply_pot(_two_over_one_plus(a), 1)


def logistic(a: int, integer_bits: int) -> int:
    """1 / (1 + exp(-a)) in Q0.31."""
    if a == 0:
        return 1 << 30
    positive = reciprocal_one_plus(exp_negative(-abs(a), integer_bits))
    return positive if a > 0 else INT32_MAX - positive


def tanh(a: int, integer_bits: int) -> int:
    """The hyperbolic tangent in Q0.31."""
    if a == 0:
        return 0
    exp_2a = exp_negative(-abs(a), integer_bits + 1)
    positive = multiply_pot(_two_over_one_plus(exp_2a) - _ONE_Q2, 2)
    return positive if a > 0 else -positive
