"""Input vectors for proofs: seeded, the same on every machine, for any inputs of a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.records import TensorSpec

DEFAULT_COUNT = 32

_FLOAT_LIMIT = 4.0
_SAMPLE_RATE_HZ = 250.0
# One heartbeat as Gaussian waves: (time of the peak after R in s, height in mV, width in s).
_BEAT = (
    (-0.17, 0.12, 0.025),  # P
    (-0.026, -0.12, 0.010),  # Q
    (0.0, 1.10, 0.011),  # R
    (0.028, -0.25, 0.011),  # S
    (0.27, 0.30, 0.045),  # T
)
_WIDE_BEAT = (
    (0.0, 1.5, 0.040),  # wide QRS without a P wave: a ventricular beat
    (0.09, -0.6, 0.040),
    (0.32, -0.4, 0.060),
)

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One set of inputs.

    Attributes:
        name: What it is ("ecg 90 bpm", "random 3").
        inputs: Little-endian bytes of every input, in the interpreter's order.
    """

    name: str
    inputs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """Stored numbers that a data type can take."""

    dtype: np.dtype[np.generic]
    low: float
    high: float

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"


# int32 and int64 inputs are indices or lengths: numbers beyond the table they index would test
# memory faults, not arithmetic. float32 stays finite and near what normalised signals reach.
_RANGES = {
    "int8": _Range(dtype=np.dtype("<i1"), low=-128, high=127),
    "uint8": _Range(dtype=np.dtype("<u1"), low=0, high=255),
    "int16": _Range(dtype=np.dtype("<i2"), low=-32768, high=32767),
    "int32": _Range(dtype=np.dtype("<i4"), low=0, high=1),
    "int64": _Range(dtype=np.dtype("<i8"), low=0, high=1),
    "bool": _Range(dtype=np.dtype("<u1"), low=0, high=1),
    "float32": _Range(dtype=np.dtype("<f4"), low=-_FLOAT_LIMIT, high=_FLOAT_LIMIT),
}


def make_vectors(
    inputs: Sequence[TensorSpec], *, count: int = DEFAULT_COUNT, seed: int = 0
) -> tuple[Vector, ...]:
    """Extremes, zero point, ramps and synthetic ECG, then random vectors up to the count.

    Args:
        inputs: The model's inputs.
        count: How many; with fewer than there are patterns, the first ones.
        seed: Of the random ones and of the noise; equal seeds give equal bytes everywhere.

    Raises:
        UnsupportedModelError: If an input has a data type with no vectors.
    """
    for spec in inputs:
        if spec.dtype not in _RANGES:
            raise UnsupportedModelError(
                f"input {spec.name!r} has data type {spec.dtype}; "
                f"vectors are made for {', '.join(_RANGES)}",
                hint="Convert the model with int8 inputs.",
            )
    vectors = []
    for name, pattern in _patterns()[:count]:
        made = tuple(_pattern(spec, pattern, seed + 1000 * i) for i, spec in enumerate(inputs))
        vectors.append(Vector(name=name, inputs=made))
    for number in range(len(vectors), count):
        made = tuple(_random(spec, (seed, number, i)) for i, spec in enumerate(inputs))
        vectors.append(Vector(name=f"random {number}", inputs=made))
    return tuple(vectors)


# --- patterns: stored numbers (not yet rounded) of one input -----------------------------------

_Pattern = Callable[[TensorSpec, int], Values]


def _patterns() -> list[tuple[str, _Pattern]]:
    return [
        ("ecg 60 bpm", lambda spec, seed: _ecg(spec, seed, bpm=60)),
        ("zero point", lambda spec, _: np.full(spec.n_elements, _stored(spec, 0.0))),
        ("all minimum", lambda spec, _: np.full(spec.n_elements, _RANGES[spec.dtype].low)),
        ("all maximum", lambda spec, _: np.full(spec.n_elements, _RANGES[spec.dtype].high)),
        ("alternating", lambda spec, _: _alternating(spec, period=1)),
        ("blocks of 8", lambda spec, _: _alternating(spec, period=8)),
        ("ramp up", lambda spec, _: _ramp(spec)),
        ("ramp down", lambda spec, _: _ramp(spec)[::-1]),
        ("impulse", lambda spec, _: _impulse(spec)),
        ("ecg 90 bpm", lambda spec, seed: _ecg(spec, seed, bpm=90)),
        ("ecg 150 bpm", lambda spec, seed: _ecg(spec, seed, bpm=150)),
        ("ecg ventricular", lambda spec, seed: _ecg(spec, seed, bpm=75, wide_every=3)),
        ("ecg irregular", lambda spec, seed: _ecg(spec, seed, bpm=110, jitter=0.3)),
        ("ecg noisy", lambda spec, seed: _ecg(spec, seed, bpm=75, noise_mv=0.15)),
        ("ecg saturated", lambda spec, seed: _ecg(spec, seed, bpm=75, gain=8.0)),
        ("flat line", lambda spec, seed: _ecg(spec, seed, bpm=0, noise_mv=0.01)),
    ]


def _pattern(spec: TensorSpec, pattern: _Pattern, seed: int) -> bytes:
    """Bytes of one input; a pattern needs at least one element to be one."""
    return _to_bytes(spec, pattern(spec, seed)) if spec.n_elements > 0 else b""


def _affine(spec: TensorSpec) -> tuple[float, float]:
    """Scale and zero point that turn stored numbers into real ones; (1, 0) where there are none."""
    found = spec.quantization
    if found is None or not found.scales or not found.zero_points:
        return 1.0, 0.0
    return found.scales[0] or 1.0, found.zero_points[0]


def _stored(spec: TensorSpec, real: float) -> float:
    """Stored number of a real value, not rounded or limited."""
    scale, zero_point = _affine(spec)
    return real / scale + zero_point


def _alternating(spec: TensorSpec, *, period: int) -> Values:
    limits = _RANGES[spec.dtype]
    is_low = (np.arange(spec.n_elements) // period) % 2 == 0
    return np.where(is_low, limits.low, limits.high).astype(np.float64)


def _ramp(spec: TensorSpec) -> Values:
    limits = _RANGES[spec.dtype]
    return np.linspace(limits.low, limits.high, spec.n_elements)


def _impulse(spec: TensorSpec) -> Values:
    values = np.full(spec.n_elements, _stored(spec, 0.0))
    values[spec.n_elements // 2] = _RANGES[spec.dtype].high
    return values


def _random(spec: TensorSpec, seed: tuple[int, int, int]) -> bytes:
    """Every stored number equally likely. Raw generator words: numpy keeps those the same."""
    limits = _RANGES[spec.dtype]
    words = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(spec.n_elements)
    if limits.is_float:
        unit = (words >> np.uint64(11)).astype(np.float64) / 2.0**53
        return _to_bytes(spec, limits.low + unit * (limits.high - limits.low))
    span = np.uint64(int(limits.high - limits.low) + 1)
    return _to_bytes(spec, (words % span).astype(np.float64) + limits.low)


def _to_bytes(spec: TensorSpec, values: Values) -> bytes:
    limits = _RANGES[spec.dtype]
    rounded = values if limits.is_float else np.floor(values + 0.5)
    return np.clip(rounded, limits.low, limits.high).astype(limits.dtype).tobytes()


# --- synthetic ECG -----------------------------------------------------------------------------


def _ecg(
    spec: TensorSpec,
    seed: int,
    *,
    bpm: float,
    jitter: float = 0.02,
    noise_mv: float = 0.02,
    wide_every: int = 0,
    gain: float = 1.0,
) -> Values:
    """Heartbeats in millivolts along the longest axis, other axes as leads of smaller gain."""
    shape = spec.shape or (1,)
    axis = max(range(len(shape)), key=lambda i: shape[i])
    n_samples = shape[axis]
    words = np.random.PCG64(np.random.SeedSequence((seed, round(bpm)))).random_raw(2 * n_samples)
    unit = (words >> np.uint64(11)).astype(np.float64) / 2.0**53
    signal = _heartbeats(n_samples, bpm, unit[:n_samples], jitter, wide_every)
    time_s = np.arange(n_samples) / _SAMPLE_RATE_HZ
    signal += 0.1 * np.sin(2 * math.pi * 0.25 * time_s) + noise_mv * (2 * unit[n_samples:] - 1)
    leads = np.moveaxis(np.ones(shape), axis, -1)
    n_leads = leads.size // n_samples
    factors = 1.0 / (1.0 + 0.3 * np.arange(n_leads))
    stacked = (gain * factors[:, None] * signal[None, :]).reshape(leads.shape)
    values = np.moveaxis(stacked, -1, axis).reshape(-1)
    scale, zero_point = _affine(spec)
    return np.asarray(values / scale + zero_point, dtype=np.float64)


def _heartbeats(n_samples: int, bpm: float, unit: Values, jitter: float, wide_every: int) -> Values:
    time_s = np.arange(n_samples) / _SAMPLE_RATE_HZ
    signal = np.zeros(n_samples)
    if bpm <= 0:
        return signal
    peak_s, beat = 0.3, 0
    while peak_s < time_s[-1] + 0.5:
        is_wide = wide_every > 0 and beat % wide_every == wide_every - 1
        for offset_s, height_mv, width_s in _WIDE_BEAT if is_wide else _BEAT:
            distance = (time_s - peak_s - offset_s) / width_s
            signal += height_mv * np.exp(-0.5 * distance**2)
        peak_s += 60.0 / bpm * (1.0 + jitter * (2 * unit[beat % n_samples] - 1))
        beat += 1
    return signal
