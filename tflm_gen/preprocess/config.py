"""A specification as the C code's configuration: one set of numbers for host and firmware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.preprocess.filters import Section, butterworth
from tflm_gen.preprocess.spec_rules import NORMALIZATIONS, RR_FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.preprocess.spec import PreprocessSpec

    Values = Mapping[str, "int | float | tuple[Section, ...] | tuple[int, ...] | tuple[float, ...]"]

# Of the detector: its band, and lengths in seconds.
DETECTOR_BAND_HZ = (8.0, 16.0)
DETECTOR_LENGTHS = ("mean", "apart", "after_t", "delay", "reach", "first_rr")
_LENGTHS_S = (0.08, 0.2, 0.36, 0.06, 0.07, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigValues:
    """Fields of ``EcgPreprocessConfig`` and ``EcgDetectorConfig``, in their order."""

    preprocess: Values
    detector: Values


def config_values(spec: PreprocessSpec) -> ConfigValues:
    """Every number that the C code gets."""
    features = tuple(RR_FEATURES.index(name) for name in spec.rr_features)
    sections = spec.sections
    preprocess: Values = {
        "adc_zero": spec.adc_zero,
        "mv_per_unit": 1.0 / spec.adc_units_per_mv,
        "seconds_per_sample": 1.0 / spec.sample_rate_hz,
        "subtract_first": int(spec.settles_on_first_sample),
        "decimation": spec.decimation,
        "n_sections": len(sections),
        "sections": sections,
        "window_samples": spec.window_samples,
        "window_before": spec.window_before,
        "normalization": NORMALIZATIONS.index(spec.normalization),
        "scale_mv": float(spec.scale_mv),
        "smallest_sd_mv": float(spec.smallest_sd_mv),
        "average_history": spec.average_history,
        "average_from": spec.window_before + spec.average_from,
        "average_to": spec.window_before + spec.average_to,
        "likeness": float(spec.likeness),
        "unlike_divisor": float(spec.unlike_divisor),
        "early_ratio": float(spec.early_ratio),
        "p_from": spec.window_before + spec.p_from,
        "p_to": spec.window_before + spec.p_to,
        "n_rr": len(features),
        "rr_features": features,
        "rr_gains": spec.rr_gains,
        "rr_history": spec.rr_history,
        "rr_long_history": spec.rr_long_history,
        "irregular_history": spec.irregular_history,
        "rhythm_history": spec.rhythm_history,
        "longest_rr": max(1, round(spec.longest_rr_s * spec.sample_rate_hz)),
    }
    return ConfigValues(preprocess=preprocess, detector=detector_values(spec.sample_rate_hz))


def detector_values(rate_hz: int) -> Values:
    """The detector's numbers for a converter."""
    low, high = DETECTOR_BAND_HZ
    return {
        "sections": (
            *butterworth("highpass", order=2, cutoff_hz=low, rate_hz=rate_hz),
            *butterworth("lowpass", order=2, cutoff_hz=high, rate_hz=rate_hz),
        ),
        **{
            name: round(seconds * rate_hz)
            for name, seconds in zip(DETECTOR_LENGTHS, _LENGTHS_S, strict=True)
        },
    }
