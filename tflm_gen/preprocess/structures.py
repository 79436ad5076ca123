"""The C code's structures, as ctypes sees them; a test compares their sizes with the compiler's."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from tflm_gen.preprocess.config import DETECTOR_LENGTHS, config_values, detector_values
from tflm_gen.preprocess.spec_rules import (
    MAX_RR_FEATURES,
    MAX_RR_HISTORY,
    MAX_SECTIONS,
    MAX_WINDOW,
    RING,
)

if TYPE_CHECKING:
    from tflm_gen.preprocess.spec import PreprocessSpec

MAX_PENDING = 16
_PENDING = (
    *("at", "pre", "mean_sum", "mean_count", "long_sum", "long_count"),
    *("before", "changes", "change_sum", "surprise", "rhythm_sum", "rhythm_count"),
)
_DETECTOR_SECTIONS, _DETECTOR_MEANS, _DETECTOR_MAX_MEAN, _DETECTOR_RING = 2, 8, 128, 512


class _Section(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_float) for name in ("b0", "b1", "b2", "a1", "a2"))


class Config(ctypes.Structure):
    """``EcgPreprocessConfig``."""

    _fields_ = (
        ("adc_zero", ctypes.c_int32),
        ("mv_per_unit", ctypes.c_float),
        ("seconds_per_sample", ctypes.c_float),
        ("subtract_first", ctypes.c_int32),
        ("decimation", ctypes.c_uint32),
        ("n_sections", ctypes.c_uint32),
        ("sections", _Section * MAX_SECTIONS),
        ("window_samples", ctypes.c_uint32),
        ("window_before", ctypes.c_uint32),
        ("normalization", ctypes.c_int32),
        ("scale_mv", ctypes.c_float),
        ("smallest_sd_mv", ctypes.c_float),
        ("average_history", ctypes.c_uint32),
        ("average_from", ctypes.c_uint32),
        ("average_to", ctypes.c_uint32),
        ("likeness", ctypes.c_float),
        ("unlike_divisor", ctypes.c_float),
        ("early_ratio", ctypes.c_float),
        ("p_from", ctypes.c_uint32),
        ("p_to", ctypes.c_uint32),
        ("n_rr", ctypes.c_uint32),
        ("rr_features", ctypes.c_int32 * MAX_RR_FEATURES),
        ("rr_gains", ctypes.c_float * MAX_RR_FEATURES),
        ("rr_history", ctypes.c_uint32),
        ("rr_long_history", ctypes.c_uint32),
        ("irregular_history", ctypes.c_uint32),
        ("rhythm_history", ctypes.c_uint32),
        ("longest_rr", ctypes.c_uint32),
    )


class _PendingBeat(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in _PENDING)


class State(ctypes.Structure):
    """``EcgPreprocessState``."""

    _fields_ = (
        ("section_state", ctypes.c_float * 2 * MAX_SECTIONS),
        ("ring", ctypes.c_float * RING),
        ("n_pushed", ctypes.c_uint32),
        ("n_kept", ctypes.c_uint32),
        ("first_adc", ctypes.c_int32),
        ("history", ctypes.c_uint32 * MAX_RR_HISTORY),
        ("n_history", ctypes.c_uint32),
        ("has_beat", ctypes.c_bool),
        ("last_beat", ctypes.c_uint32),
        ("pending", _PendingBeat * MAX_PENDING),
        ("n_pending", ctypes.c_uint32),
        ("average", ctypes.c_float * MAX_WINDOW),
        ("n_averaged", ctypes.c_uint32),
        ("p_likeness", ctypes.c_float),
        ("n_lost", ctypes.c_uint32),
    )


class DetectorConfig(ctypes.Structure):
    """``EcgDetectorConfig``."""

    _fields_ = (
        ("sections", _Section * _DETECTOR_SECTIONS),
        *((name, ctypes.c_uint32) for name in DETECTOR_LENGTHS),
    )


class _DetectorPeak(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("height", "slope", "at", "seen"))


class DetectorState(ctypes.Structure):
    """``EcgDetectorState``."""

    _fields_ = (
        ("section_state", ctypes.c_float * 2 * _DETECTOR_SECTIONS),
        ("last", ctypes.c_float),
        ("slopes", ctypes.c_uint32 * _DETECTOR_MAX_MEAN),
        ("slope_sum", ctypes.c_uint32),
        ("steepest", ctypes.c_uint32),
        ("ring", ctypes.c_int16 * _DETECTOR_RING),
        ("first_adc", ctypes.c_int32),
        ("n_pushed", ctypes.c_uint32),
        ("candidate", _DetectorPeak),
        ("missed", _DetectorPeak),
        ("last_beat", _DetectorPeak),
        ("n_beats", ctypes.c_uint32),
        ("beats", ctypes.c_uint32 * _DETECTOR_MEANS),
        ("n_noise", ctypes.c_uint32),
        ("noise", ctypes.c_uint32 * _DETECTOR_MEANS),
        ("n_intervals", ctypes.c_uint32),
        ("intervals", ctypes.c_uint32 * _DETECTOR_MEANS),
    )


def config_of(spec: PreprocessSpec) -> Config:
    """The C configuration of a specification."""
    values: dict[str, Any] = dict(config_values(spec).preprocess)
    sections, features, gains = (
        values.pop(name) for name in ("sections", "rr_features", "rr_gains")
    )
    return Config(
        **values,
        sections=_sections(MAX_SECTIONS, sections),
        rr_features=(ctypes.c_int32 * MAX_RR_FEATURES)(*features),
        rr_gains=(ctypes.c_float * MAX_RR_FEATURES)(*gains),
    )


def detector_config(rate_hz: int) -> DetectorConfig:
    """The detector's C configuration for a converter."""
    values = dict(detector_values(rate_hz))
    sections = values.pop("sections")
    assert isinstance(sections, tuple)
    return DetectorConfig(**values, sections=_sections(_DETECTOR_SECTIONS, sections))


def _sections(length: int, sections: tuple[Any, ...]) -> ctypes.Array[_Section]:
    return (_Section * length)(*(_Section(s.b0, s.b1, s.b2, s.a1, s.a2) for s in sections))
