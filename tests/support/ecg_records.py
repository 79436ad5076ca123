"""Synthetic ECG records in converter integers, and the files that readers take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.preprocess.spec import PreprocessSpec, parse_spec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SPEC_TEXT = """
schema = "tflm-gen/preprocess/1"
lead = "MLII"
sample_rate_hz = 360
output_rate_hz = 180
trigger = "annotation_triggered"
classes = ["N", "S", "V"]
[adc]
zero = 1024
units_per_mv = 200.0
[[filter]]
kind = "highpass"
order = 2
cutoff_hz = 0.5
[[filter]]
kind = "lowpass"
order = 3
cutoff_hz = 40.0
[window]
input = "beat"
samples = 128
before = 52
[normalization]
kind = "fixed"
scale_mv = 1.0
[rr]
input = "rr"
features = ["pre_s", "post_s", "pre_ratio", "post_ratio", "pre_over_post"]
history = 10
longest_s = 3.0
"""


def spec_text(*changes: tuple[str, str]) -> str:
    """The specification above with text replaced; every change must apply."""
    text = SPEC_TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def spec_with(*changes: tuple[str, str]) -> PreprocessSpec:
    """The same, read."""
    return parse_spec(spec_text(*changes), "spec.toml")


def make_signal(
    n_seconds: float = 20.0, *, seed: int = 1, rate_hz: int = 360
) -> tuple[NDArray[np.int16], list[int], list[str]]:
    """Converter samples with beats, every fifth one wide and early; places and symbols."""
    rng = np.random.default_rng(seed)
    n = int(n_seconds * rate_hz)
    time = np.arange(n) / rate_hz
    signal = 0.2 * np.sin(2 * np.pi * 0.3 * time) + rng.normal(0, 0.01, n)
    beats, symbols, at, number = [], [], 0.4, 0
    while at < n_seconds - 0.5:
        is_wide = number % 5 == 4
        width = 0.04 if is_wide else 0.012
        signal += (1.6 if is_wide else 1.1) * np.exp(-0.5 * ((time - at) / width) ** 2)
        beats.append(round(at * rate_hz))
        symbols.append("V" if is_wide else "N")
        at += (0.6 if number % 5 == 3 else 0.82) + rng.normal(0, 0.02)
        number += 1
    adc = np.clip(np.round(1024 + 200 * signal), 0, 2047).astype(np.int16)
    return adc, beats, symbols


def write_npz(path: Path, *, seed: int = 1, **changes: object) -> Path:
    """A record as an .npz file; a change to None takes a key out."""
    adc, beats, symbols = make_signal(seed=seed)
    values: dict[str, object] = {
        "adc": adc,
        "beats": np.array(beats),
        "symbols": np.array(symbols),
        "rate_hz": 360.0,
        "lead": "MLII",
        "units_per_mv": 200.0,
        "adc_zero": 1024,
        "adc_range": np.array([0, 2047]),
    } | changes
    np.savez(path, **{k: v for k, v in values.items() if v is not None})
    return path
