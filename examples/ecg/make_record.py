"""Draws the synthetic record beside the example, for those who do not have the database.

    python examples/ecg/make_record.py [--out FOLDER]

One minute of P, QRS and T waves as sums of Gaussians, from a seed, in the converter's integers of
preprocess.toml; with a drifting baseline, noise, early beats (A) and wide ones (V). No recording of
a person was used, and none of what a model says of it is a result. It is there to be sent through
the firmware: ``tflm-gen replay PROJECT --records examples/ecg/records``.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.preprocess.spec import load_spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
NAME = "synthetic"
SEED, SECONDS, USUAL_INTERVAL_S = 21, 60, 0.8
# Centre from the R wave in s, width in s, height in mV.
_QRS = ((-0.030, 0.009, -0.12), (0.0, 0.011, 1.20), (0.030, 0.010, -0.25))
_T = (0.260, 0.042, 0.28)
WAVES = {
    "N": ((-0.165, 0.022, 0.14), *_QRS, _T),
    # Early, with a P wave of another shape.
    "A": ((-0.130, 0.016, -0.08), *_QRS, _T),
    # Early, wide, no P wave, T against the QRS.
    "V": ((-0.020, 0.030, 1.30), (0.055, 0.034, -0.80), (0.300, 0.055, -0.35)),
}
INTERVALS = {"N": 1.0, "A": 0.68, "V": 0.62}
# After an early beat the next one comes late: fully (V), or hardly (A).
PAUSES = {"N": 1.0, "A": 1.08, "V": 1.38}


def draw_beats(rng: np.random.Generator) -> list[tuple[float, str]]:
    """Times in seconds and codes.

    The first thirteen beats are N, and so is every beat after an early one: the averages have
    something to start from, and no early beat hides another.
    """
    beats: list[tuple[float, str]] = []
    at, before = 0.6, "N"
    while at < SECONDS - 1.0:
        beats.append((at, before))
        is_early_allowed = len(beats) > 12 and before == "N"
        chance = rng.random()
        code = "V" if chance < 0.13 else "A" if chance < 0.24 else "N"
        code = code if is_early_allowed else "N"
        breathing = 1 + 0.04 * math.sin(2 * math.pi * 0.25 * at)
        ratio = INTERVALS[code] * PAUSES[before] * breathing * (1 + 0.012 * rng.standard_normal())
        at, before = at + USUAL_INTERVAL_S * ratio, code
    return beats


def draw_record() -> dict[str, NDArray[np.generic]]:
    """The arrays of the .npz file, by the names that the reader takes."""
    spec = load_spec(HERE / "preprocess.toml")
    rate = spec.sample_rate_hz
    rng = np.random.default_rng(SEED)
    beats = draw_beats(rng)
    time = np.arange(SECONDS * rate) / rate
    mv = 0.15 * np.sin(2 * np.pi * 0.22 * time) + rng.normal(0, 0.008, len(time))
    for at, code in beats:
        height = 1 + 0.05 * rng.standard_normal()
        for centre, width, peak in WAVES[code]:
            mv += height * peak * np.exp(-0.5 * ((time - at - centre) / width) ** 2)
    zero, units = spec.adc_zero, spec.adc_units_per_mv
    adc = np.clip(np.round(zero + units * mv), 0, 2 * zero - 1)
    return {
        "adc": adc.astype(np.int16),
        "beats": np.array([round(at * rate) for at, _ in beats]),
        "symbols": np.array([code for _, code in beats]),
        "rate_hz": np.array(float(rate)),
        "lead": np.array(spec.lead),
        "units_per_mv": np.array(units),
        "adc_zero": np.array(zero),
        "adc_range": np.array([0, 2 * zero - 1]),
        "patient": np.array("nobody"),
    }


def main() -> None:
    """Draw and write the record."""
    parser = argparse.ArgumentParser(description="Draw the example's synthetic record.")
    parser.add_argument("--out", type=Path, default=HERE / "records")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.npz"
    np.savez_compressed(path, **draw_record())
    print(path)


if __name__ == "__main__":
    main()
