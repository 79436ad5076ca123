"""What the signal around a beat is worth: usable, noisy, or no ECG at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.errors import RecordError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tflm_gen.preprocess.spec import PreprocessSpec
    from tflm_gen.records.record import EcgRecord

CLEAN, SUBTLE, ARTEFACT = "clean", "subtle", "artefact"
FLAT, CLIPPED = "flat", "clipped"

_REACH_S = 0.35
_FLAT_MV = 0.02
_CLIPPED_SAMPLES = 5
# An extreme that more of a record lies at is its baseline.
_MOST_CLIPPED = 0.2
_NO_LIMIT = (-(1 << 31), 1 << 31)
_NOISY_MV = 0.015
_DRIFT_MV = 0.6
_LOW_MV = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatQuality:
    """A grade for every beat.

    Attributes:
        grades: "clean", "subtle" (low amplitude), "artefact" (noise or a drifting baseline), "flat" (lead off)
            or "clipped" (at the converter's or an amplifier's limit).
    """

    grades: tuple[str, ...]

    def count(self) -> dict[str, int]:
        """Beats of each grade, for those that occur."""
        return {grade: self.grades.count(grade) for grade in dict.fromkeys(self.grades)}


def check_record(record: EcgRecord, spec: PreprocessSpec) -> None:
    """Refuse a record that the preprocessing was not made for.

    Raises:
        RecordError: Another rate, gain, zero or lead, or a signal that is one flat line.
    """
    if record.rate_hz != spec.sample_rate_hz:
        raise RecordError(
            f"{record.name}: {record.rate_hz:g} Hz; the preprocessing takes {spec.sample_rate_hz}",
            hint="Record at that rate, or train for this one; records are not resampled silently.",
        )
    if not math.isclose(record.units_per_mv, spec.adc_units_per_mv, rel_tol=1e-6):
        raise RecordError(
            f"{record.name}: {record.units_per_mv:g} steps a millivolt; the preprocessing takes "
            f"{spec.adc_units_per_mv:g}",
            hint="Record with that gain, or train for this one; samples are not scaled silently.",
        )
    if record.adc_zero != spec.adc_zero and not spec.settles_on_first_sample:
        raise RecordError(
            f"{record.name}: 0 mV is {record.adc_zero}; the preprocessing takes {spec.adc_zero}, "
            "and no high-pass filter removes the difference",
            hint="Record with that zero, or add a high-pass filter and train again.",
        )
    if record.lead != spec.lead:
        raise RecordError(
            f"{record.name}: lead {record.lead}; the preprocessing takes {spec.lead}",
            hint="Leave this record out, or train for the lead it has.",
        )
    if record.adc.min() == record.adc.max():
        raise RecordError(
            f"{record.name}: all {len(record.adc)} samples are {record.adc[0]}",
            hint="The lead was off, or the wrong channel was written.",
        )


def grade_beats(record: EcgRecord) -> BeatQuality:
    """Grade the signal within 0.35 s of every beat."""
    reach = max(2, round(_REACH_S * record.rate_hz))
    limits = signal_limits(record)
    grades = []
    for beat in record.beats.tolist():
        piece = record.adc[max(0, beat - reach) : beat + reach + 1].astype(np.float64)
        grades.append(_grade(piece, record.units_per_mv, limits))
    return BeatQuality(grades=tuple(grades))


def signal_limits(record: EcgRecord) -> tuple[int, int] | None:
    """Lowest and highest number the signal can take: the converter's, or where its tops are flat.

    An amplifier before the converter clips inside the converter's range, and not every file names
    that range. Its mark is an extreme of the whole record that is held, but not most of the time:
    that would be a baseline.
    """
    low, high = record.converter_range or _NO_LIMIT
    least, most = int(record.adc.min()), int(record.adc.max())
    if _is_held(record.adc, least):
        low = max(low, least)
    if _is_held(record.adc, most):
        high = min(high, most)
    return None if (low, high) == _NO_LIMIT else (low, high)


def _is_held(samples: NDArray[np.int16], level: int) -> bool:
    at_level = samples == level
    if at_level.mean() > _MOST_CLIPPED:
        return False
    sums = np.cumsum(np.concatenate([[0], at_level]))
    return bool(np.any(sums[_CLIPPED_SAMPLES:] - sums[:-_CLIPPED_SAMPLES] == _CLIPPED_SAMPLES))


def _grade(piece: NDArray[np.float64], units_per_mv: float, limits: tuple[int, int] | None) -> str:
    span_mv = float(piece.max() - piece.min()) / units_per_mv
    if span_mv < _FLAT_MV:
        return FLAT
    if limits is not None:
        at_limit = np.sum((piece <= limits[0]) | (piece >= limits[1]))
        if at_limit >= _CLIPPED_SAMPLES:
            return CLIPPED
    # What stays after a second difference is noise above the ECG's band; 2.45 is sqrt(1+4+1).
    noise_mv = float(np.median(np.abs(np.diff(piece, n=2)))) / 0.6745 / 2.45 / units_per_mv
    edge = max(1, len(piece) // 6)
    drift_mv = abs(float(piece[:edge].mean() - piece[-edge:].mean())) / units_per_mv
    if noise_mv > _NOISY_MV or drift_mv > _DRIFT_MV:
        return ARTEFACT
    return SUBTLE if span_mv < _LOW_MV else CLEAN
