"""Synthetic single-lead ECG windows: sums of Gaussian waves with noise, drawn from a seed.

These are drawings that look like an ECG, not recordings of a heart. They exist so that the
example model can be made anywhere, without a database and without a licence question. Nothing
that is measured on them says anything about patients.

Needs numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE_HZ = 180
WINDOW_SAMPLES = 360
CLASS_NAMES = ("normal", "ventricular_like", "noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One Gaussian wave of a beat.

    Attributes:
        offset_s: Time of its peak from the R peak; negative is earlier.
        width_s: Standard deviation.
        height_mv: Signed height.
    """

    offset_s: float
    width_s: float
    height_mv: float


NORMAL_BEAT = (
    Wave(offset_s=-0.17, width_s=0.022, height_mv=0.14),  # P
    Wave(offset_s=-0.028, width_s=0.009, height_mv=-0.12),  # Q
    Wave(offset_s=0.0, width_s=0.011, height_mv=1.1),  # R
    Wave(offset_s=0.030, width_s=0.010, height_mv=-0.24),  # S
    Wave(offset_s=0.26, width_s=0.045, height_mv=0.28),  # T
)

# Wide QRS, no P wave, T wave against the QRS.
VENTRICULAR_LIKE_BEAT = (
    Wave(offset_s=-0.045, width_s=0.032, height_mv=0.35),
    Wave(offset_s=0.0, width_s=0.042, height_mv=1.2),
    Wave(offset_s=0.085, width_s=0.036, height_mv=-0.45),
    Wave(offset_s=0.29, width_s=0.065, height_mv=-0.38),
)


def draw_windows(n_windows: int, *, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw labelled windows, the classes in turn and then shuffled.

    Args:
        n_windows: Number of windows.
        seed: Of the one random generator behind everything.

    Returns:
        Windows in millivolts, shape ``(n_windows, WINDOW_SAMPLES, 1)``, and their labels, indices
        into ``CLASS_NAMES``.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(n_windows) % len(CLASS_NAMES)
    rng.shuffle(labels)
    windows = np.stack([_draw_window(rng, CLASS_NAMES[label]) for label in labels])
    return windows[:, :, np.newaxis].astype(np.float32), labels.astype(np.int64)


def _draw_window(rng: np.random.Generator, class_name: str) -> NDArray[np.float64]:
    """One window of a class, its median removed, as a front end with a slow high-pass would."""
    if class_name == "noise":
        window = _draw_noise_only(rng)
    else:
        window = _draw_rhythm(rng, ventricular_like=class_name == "ventricular_like")
        window *= rng.uniform(0.6, 1.5) * (-1.0 if rng.random() < 0.15 else 1.0)
        window += _draw_disturbance(rng)
    centred: NDArray[np.float64] = window - np.median(window)
    return centred


def _draw_rhythm(rng: np.random.Generator, *, ventricular_like: bool) -> NDArray[np.float64]:
    """Beats at a varying rate; in a ventricular-like window at least one beat is a wide one."""
    time_s = np.arange(WINDOW_SAMPLES) / SAMPLE_RATE_HZ
    window = np.zeros(WINDOW_SAMPLES)
    rr_s = 60.0 / rng.uniform(50.0, 110.0)
    beat_s = rng.uniform(-0.3, 0.35)
    beats_s = []
    while beat_s < time_s[-1] + 0.3:
        beats_s.append(beat_s)
        beat_s += rr_s * rng.normal(1.0, 0.03)
    inside = [i for i, at_s in enumerate(beats_s) if 0.25 < at_s < time_s[-1] - 0.25]
    wide = int(rng.choice(inside)) if ventricular_like else -1
    for index, at_s in enumerate(beats_s):
        early_s = rng.uniform(0.1, 0.3) * rr_s if index == wide and index != inside[0] else 0.0
        beat = VENTRICULAR_LIKE_BEAT if index == wide else NORMAL_BEAT
        for wave in beat:
            width_s = wave.width_s * rng.uniform(0.85, 1.2)
            height_mv = wave.height_mv * rng.uniform(0.75, 1.25)
            peak_s = at_s - early_s + wave.offset_s
            window += height_mv * np.exp(-0.5 * ((time_s - peak_s) / width_s) ** 2)
    return window


def _draw_disturbance(rng: np.random.Generator) -> NDArray[np.float64]:
    """Baseline wander, a little mains hum and white noise, as on a good electrode."""
    time_s = np.arange(WINDOW_SAMPLES) / SAMPLE_RATE_HZ
    wander = rng.uniform(0.0, 0.25) * np.sin(
        2 * np.pi * (rng.uniform(0.15, 0.5) * time_s + rng.random())
    )
    hum = rng.uniform(0.0, 0.03) * np.sin(2 * np.pi * (50.0 * time_s + rng.random()))
    disturbance: NDArray[np.float64] = wander + hum + rng.normal(0.0, 0.03, WINDOW_SAMPLES)
    return disturbance


def _draw_noise_only(rng: np.random.Generator) -> NDArray[np.float64]:
    """A bad electrode: strong muscle noise, jumps, or a nearly flat line with hum."""
    time_s = np.arange(WINDOW_SAMPLES) / SAMPLE_RATE_HZ
    kind = rng.integers(3)
    if kind == 0:
        envelope = 0.4 + 0.6 * np.abs(np.sin(2 * np.pi * rng.uniform(0.3, 1.5) * time_s))
        return rng.normal(0.0, rng.uniform(0.3, 0.8), WINDOW_SAMPLES) * envelope
    if kind == 1:
        steps = np.where(rng.random(WINDOW_SAMPLES) < 0.02, rng.normal(0, 1.5, WINDOW_SAMPLES), 0.0)
        smooth = np.convolve(np.cumsum(steps), np.ones(5) / 5, mode="same")
        return np.clip(smooth + rng.normal(0.0, 0.15, WINDOW_SAMPLES), -3.0, 3.0)
    flat: NDArray[np.float64] = rng.uniform(0.1, 0.6) * np.sin(
        2 * np.pi * (50.0 * time_s + rng.random())
    ) + rng.normal(0.0, 0.05, WINDOW_SAMPLES)
    return flat
