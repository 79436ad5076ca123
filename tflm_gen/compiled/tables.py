"""Tables computed at generation: int8 functions of one variable, and the softmax's exponentials.

An int8 function has 256 values, so the fixed-point steps of TFLM's kernels run here once and the
firmware reads a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.compiled import fixed_point as fx

if TYPE_CHECKING:
    from collections.abc import Callable

INT8_MIN, INT8_MAX = -128, 127
# TFLM evaluates LOGISTIC and TANH on numbers with four integer bits, SOFTMAX with five.
_UNARY_INTEGER_BITS = 4
_SOFTMAX_INTEGER_BITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """Per-tensor quantization: real = (q - zero_point) * scale; scale is a float32."""

    scale: float
    zero_point: int


def clamp_int8(value: int) -> int:
    """The nearest int8."""
    return max(INT8_MIN, min(INT8_MAX, value))


def quantize_float32(value: float, to: Affine) -> int:
    """A real number as int8 of that quantization, with TFLite's float32 division."""
    scaled = fx.float32(fx.float32(value) / to.scale)
    return to.zero_point + fx.round_away(scaled)


def activation_range(activation: str, out: Affine) -> tuple[int, int] | None:
    """Clamp of a fused activation in int8, or None for one that int8 kernels do not have."""
    limits: dict[str, tuple[float | None, float | None]] = {
        "NONE": (None, None),
        "RELU": (0.0, None),
        "RELU6": (0.0, 6.0),
        "RELU_N1_TO_1": (-1.0, 1.0),
    }
    if activation not in limits:
        return None
    low, high = limits[activation]
    return (
        INT8_MIN if low is None else max(INT8_MIN, quantize_float32(low, out)),
        INT8_MAX if high is None else min(INT8_MAX, quantize_float32(high, out)),
    )


def _table(value_of: Callable[[int], int]) -> tuple[int, ...]:
    return tuple(value_of(q) for q in range(INT8_MIN, INT8_MAX + 1))


def requantize_table(source: Affine, out: Affine) -> tuple[int, ...]:
    """QUANTIZE from int8 to int8."""
    factor = fx.quantize_multiplier(source.scale / out.scale)
    return _table(lambda q: clamp_int8(fx.rescale(q - source.zero_point, factor) + out.zero_point))


def relu_table(
    source: Affine, out: Affine, low: float = 0.0, high: float = math.inf
) -> tuple[int, ...]:
    """RELU, RELU_N1_TO_1, RELU_0_TO_1: rescaled, then clamped to two real numbers."""
    factor = fx.quantize_multiplier(fx.float32(source.scale / out.scale))
    lowest = max(INT8_MIN, quantize_float32(low, out))
    highest = INT8_MAX if high == math.inf else min(INT8_MAX, quantize_float32(high, out))
    # As TFLite does it: the upper clamp has the last word where the two cross.
    return _table(
        lambda q: min(
            highest,
            max(lowest, out.zero_point + fx.rescale(q - source.zero_point, factor)),
        )
    )


def relu6_table(source: Affine) -> tuple[int, ...]:
    """RELU6: a clamp in the input's quantization; TFLM does not rescale here."""
    low = clamp_int8(quantize_float32(0.0, source))
    high = clamp_int8(quantize_float32(6.0, source))
    return _table(lambda q: max(low, min(high, q)))


def leaky_relu_table(source: Affine, out: Affine, alpha: float) -> tuple[int, ...]:
    """LEAKY_RELU: one factor for each sign."""
    alpha32 = fx.float32(alpha)
    negative = fx.quantize_multiplier(fx.float32(fx.float32(source.scale * alpha32) / out.scale))
    positive = fx.quantize_multiplier(fx.float32(source.scale / out.scale))

    def value_of(q: int) -> int:
        shifted = q - source.zero_point
        factor = positive if shifted >= 0 else negative
        return clamp_int8(out.zero_point + fx.rescale(shifted, factor))

    return _table(value_of)


def _input_radius(integer_bits: int, left_shift: int) -> int:
    """Largest input, in quantized steps, that does not leave the fixed-point range."""
    largest = (2.0**integer_bits - 1.0) * 2.0 ** (31 - integer_bits) / 2.0**left_shift
    return math.floor(largest)


def _squashing_table(
    source: Affine, function: Callable[[int, int], int], out_bits: int, out_offset: int
) -> tuple[int, ...]:
    real = source.scale * 2.0 ** (31 - _UNARY_INTEGER_BITS)
    factor = fx.quantize_multiplier(real)
    # TFLM's own exponent, which may be larger than a multiplier's: then every input saturates.
    radius = _input_radius(_UNARY_INTEGER_BITS, math.frexp(real)[1])

    def value_of(q: int) -> int:
        shifted = q - source.zero_point
        if shifted <= -radius:
            return INT8_MIN
        if shifted >= radius:
            return INT8_MAX
        value = function(fx.rescale(shifted, factor), _UNARY_INTEGER_BITS)
        return clamp_int8(fx.divide_pot(value, 31 - out_bits) + out_offset)

    return _table(value_of)


def logistic_table(source: Affine) -> tuple[int, ...]:
    """LOGISTIC; its output always has scale 1/256 and zero point -128."""
    return _squashing_table(source, fx.logistic, out_bits=8, out_offset=-128)


def tanh_table(source: Affine) -> tuple[int, ...]:
    """TANH; its output always has scale 1/128 and zero point 0."""
    return _squashing_table(source, fx.tanh, out_bits=7, out_offset=0)


# --- HARD_SWISH works on 16-bit numbers ---------------------------------------------------------


def _wrap16(value: int) -> int:
    return (value + 2**15) % 2**16 - 2**15


def _saturate16(value: int) -> int:
    return max(-(2**15), min(2**15 - 1, value))


def _high_mul16(a: int, b: int) -> int:
    """Rounding doubling high product of two 16-bit numbers, truncated as C divides."""
    if a == b == -(2**15):
        return 2**15 - 1
    product = a * b
    nudged = product + (2**14 if product >= 0 else 1 - 2**14)
    return int(math.copysign(abs(nudged) >> 15, nudged))


def _divide_pot16(value: int, exponent: int) -> int:
    """Quotient value / 2^exponent as TFLM takes it of 16 bits, halves away from zero.

    From 16 bits on its mask wraps, and the sign is all that is left of the value.
    """
    mask = _wrap16((1 << exponent) - 1)
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if value & mask > threshold else 0)


def _mantissa16(factor: fx.Multiplier) -> int:
    if factor.mantissa >= fx.INT32_MAX - (1 << 15):
        return 2**15 - 1
    return (factor.mantissa + (1 << 15)) >> 16


def hard_swish_table(source: Affine, out: Affine) -> tuple[int, ...] | None:
    """HARD_SWISH, or None where TFLM refuses it (output scale under 1/128 of the input's)."""
    fine_scale = fx.float32(fx.float32(1.0 / 128.0) * source.scale)
    to_out = fx.quantize_multiplier(fx.float32(fine_scale / out.scale))
    to_gate = fx.quantize_multiplier(fx.float32(fine_scale / fx.float32(3.0 / 32768.0)))
    if to_out.shift > 0:
        return None

    def gate_of(fine: int) -> int:
        """The factor clip(x + 3, 0, 6) / 6 in Q0.15."""
        gate = fine
        if to_gate.shift > 0:
            gate = _saturate16(gate << (to_gate.shift - 1))
        gate = _high_mul16(gate, _mantissa16(to_gate))
        if to_gate.shift > 0:
            gate = _saturate16(gate << 1)
        elif to_gate.shift < 0:
            gate = _divide_pot16(gate, -to_gate.shift)
        return (gate + (1 << 15)) >> 1

    def value_of(q: int) -> int:
        fine = _wrap16((q - source.zero_point) << 7)
        product = gate_of(fine) * _high_mul16(fine, _mantissa16(to_out))
        scaled = int(math.copysign(abs(product) >> 15, product))
        return clamp_int8(_divide_pot16(scaled, -to_out.shift) + out.zero_point)

    return _table(value_of)


# --- SOFTMAX ------------------------------------------------------------------------------------


def softmax_exponentials(source: Affine, beta: float) -> tuple[int, ...]:
    """exp(-d * scale * beta) in Q0.31 for the differences d = 0, 1, ... to the row's maximum.

    The table ends where TFLM treats the exponential as zero.
    """
    real = min(fx.float32(beta) * source.scale * 2.0 ** (31 - _SOFTMAX_INTEGER_BITS), 2.0**31 - 1.0)
    factor = fx.quantize_multiplier(real)
    radius = _input_radius(_SOFTMAX_INTEGER_BITS, factor.shift)
    return tuple(
        fx.exp_negative(
            fx.high_mul(fx.wrap32(-difference << factor.shift), factor.mantissa),
            _SOFTMAX_INTEGER_BITS,
        )
        for difference in range(min(radius, 255) + 1)
    )


# --- RESIZE_NEAREST_NEIGHBOR --------------------------------------------------------------------


def nearest_indices(
    n_in: int, n_out: int, *, align_corners: bool, half_pixel_centers: bool
) -> tuple[int, ...]:
    """Which input row each output row repeats, with TFLite's float32 steps."""
    one = np.float32
    corners = 1 if align_corners and n_out > 1 else 0
    step = one(n_in - corners) / one(n_out - corners)
    offset = one(0.5) if half_pixel_centers else one(0.0)
    indices = []
    for position in range(n_out):
        place = float((one(position) + offset) * step)
        index = fx.round_away(place) if align_corners else math.floor(place)
        index = min(index, n_in - 1)
        indices.append(max(0, index) if half_pixel_centers else index)
    return tuple(indices)
