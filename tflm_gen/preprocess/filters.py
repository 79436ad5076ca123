"""Butterworth filters as second-order sections; causal by construction."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np

# Of the gain at the cutoff, which is 0.707.
_GAIN_ERROR = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One second-order section with a0 = 1; the numbers are float32 values, as the device's."""

    b0: float
    b1: float
    b2: float
    a1: float
    a2: float


def butterworth(kind: str, *, order: int, cutoff_hz: float, rate_hz: float) -> tuple[Section, ...]:
    """Sections of a low-pass or high-pass filter by the bilinear transform.

    Args:
        kind: "lowpass" or "highpass".
        order: 1 to 4.
        cutoff_hz: Where the gain is 1/sqrt(2).
        rate_hz: Of the samples that go in.
    """
    warped = math.tan(math.pi * cutoff_hz / rate_hz)
    sections = [
        # Pole pairs lie evenly on a circle; an odd order has one more pole on the real axis.
        _second_order(
            kind, warped, damping=2 * math.cos(math.pi * (2 * i + 1 + order % 2) / (2 * order))
        )
        for i in range(order // 2)
    ]
    if order % 2:
        sections.append(_first_order(kind, warped))
    return tuple(sections)


def survives_rounding(kind: str, *, order: int, cutoff_hz: float, rate_hz: float) -> bool:
    """Whether a filter still is the one that was asked for once its numbers are float32.

    A cutoff far below the rate puts the poles so near to 1 that float32 moves them: the filter
    has another cutoff then, or never settles.
    """
    z = cmath.exp(-2j * math.pi * cutoff_hz / rate_hz)
    gain = 1.0
    for s in butterworth(kind, order=order, cutoff_hz=cutoff_hz, rate_hz=rate_hz):
        # Both poles are inside the unit circle.
        if not (abs(s.a2) < 1 and abs(s.a1) < 1 + s.a2):
            return False
        gain *= abs((s.b0 + s.b1 * z + s.b2 * z * z) / (1 + s.a1 * z + s.a2 * z * z))
    return abs(gain - math.sqrt(0.5)) < _GAIN_ERROR


def _second_order(kind: str, warped: float, *, damping: float) -> Section:
    norm = 1 + damping * warped + warped * warped
    edge = warped * warped if kind == "lowpass" else 1.0
    middle = 2 * edge if kind == "lowpass" else -2 * edge
    return _rounded(
        edge / norm,
        middle / norm,
        edge / norm,
        2 * (warped * warped - 1) / norm,
        (1 - damping * warped + warped * warped) / norm,
    )


def _first_order(kind: str, warped: float) -> Section:
    norm = 1 + warped
    edge = warped if kind == "lowpass" else 1.0
    sign = 1 if kind == "lowpass" else -1
    return _rounded(edge / norm, sign * edge / norm, 0.0, (warped - 1) / norm, 0.0)


def _rounded(b0: float, b1: float, b2: float, a1: float, a2: float) -> Section:
    b0, b1, b2, a1, a2 = (float(np.float32(value)) for value in (b0, b1, b2, a1, a2))
    return Section(b0=b0, b1=b1, b2=b2, a1=a1, a2=a2)
