"""Calls the firmware's preprocessing from Python: the same C file, compiled for this machine."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen import resources
from tflm_gen.errors import BuildFailedError, UsageError
from tflm_gen.preprocess.spec import (
    MAX_RR_FEATURES,
    MAX_RR_HISTORY,
    MAX_SECTIONS,
    NORMALIZATIONS,
    RING,
    RR_FEATURES,
    PreprocessSpec,
)
from tflm_gen.process import CommandLine, find_tool, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FLAGS = ("-std=c11", "-O2", "-ffp-contract=off", "-fPIC", "-shared")
_MAX_PENDING = 16


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
        ("n_rr", ctypes.c_uint32),
        ("rr_features", ctypes.c_int32 * MAX_RR_FEATURES),
        ("rr_history", ctypes.c_uint32),
        ("longest_rr", ctypes.c_uint32),
    )


class _PendingBeat(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("at", "pre", "mean_sum", "mean_count"))


class _State(ctypes.Structure):
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
        ("pending", _PendingBeat * _MAX_PENDING),
        ("n_pending", ctypes.c_uint32),
        ("n_lost", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """What the C code gave for one record.

    Attributes:
        windows: float32, (n_beats, window_samples).
        rr: float32, (n_beats, number of RR features).
    """

    windows: NDArray[np.float32]
    rr: NDArray[np.float32]


def config_of(spec: PreprocessSpec) -> Config:
    """The C configuration of a specification."""
    sections = spec.sections
    features = [RR_FEATURES.index(name) for name in spec.rr_features]
    return Config(
        adc_zero=spec.adc_zero,
        mv_per_unit=1.0 / spec.adc_units_per_mv,
        seconds_per_sample=1.0 / spec.sample_rate_hz,
        subtract_first=int(spec.settles_on_first_sample),
        decimation=spec.decimation,
        n_sections=len(sections),
        sections=(_Section * MAX_SECTIONS)(
            *(_Section(s.b0, s.b1, s.b2, s.a1, s.a2) for s in sections)
        ),
        window_samples=spec.window_samples,
        window_before=spec.window_before,
        normalization=NORMALIZATIONS.index(spec.normalization),
        scale_mv=spec.scale_mv,
        smallest_sd_mv=spec.smallest_sd_mv,
        n_rr=len(features),
        rr_features=(ctypes.c_int32 * MAX_RR_FEATURES)(*features),
        rr_history=spec.rr_history,
        longest_rr=max(1, round(spec.longest_rr_s * spec.sample_rate_hz)),
    )


def preprocess_record(
    spec: PreprocessSpec, adc: NDArray[np.integer], beats: Sequence[int] | NDArray[np.integer]
) -> Windows:
    """One window and its RR features for every beat of a record.

    Args:
        spec: How.
        adc: Converter samples of one lead, from the record's start.
        beats: Sample numbers of the beats, rising.

    Raises:
        UsageError: Samples beyond 16 bits, or beats out of order or outside of the record.
        MissingToolError: No C compiler.
        BuildFailedError: The C compiler refused the file.
    """
    samples = np.ascontiguousarray(adc, dtype=np.int16)
    if not np.array_equal(samples, adc):
        raise UsageError("samples do not fit 16 bits", hint="Give the converter's own integers.")
    places = np.ascontiguousarray(beats, dtype=np.uint32)
    if len(places) and (np.any(np.diff(places.astype(np.int64)) <= 0) or places[-1] >= len(adc)):
        raise UsageError(
            "beats are not in rising order inside the record",
            hint="Sort the annotations; two beats cannot share a sample.",
        )
    windows = np.zeros((len(places), spec.window_samples), dtype=np.float32)
    rr = np.zeros((len(places), len(spec.rr_features)), dtype=np.float32)
    config, state = config_of(spec), _State()
    n_written = _library().EcgPreprocessRecord(
        ctypes.byref(config),
        ctypes.byref(state),
        _pointer(samples),
        len(samples),
        _pointer(places),
        len(places),
        _pointer(windows),
        _pointer(rr),
    )
    if n_written != len(places) or state.n_lost:
        raise UsageError(
            f"{len(places) - n_written} of {len(places)} beats gave no window",
            hint=f"More than {_MAX_PENDING} beats fall into one window; check the annotations.",
        )
    return Windows(windows=windows, rr=rr)


def quantize_values(
    values: NDArray[np.float32], *, scale: float, zero_point: int
) -> NDArray[np.int8]:
    """Values as an int8 input stores them, by the firmware's own rounding."""
    given = np.ascontiguousarray(values, dtype=np.float32)
    out = np.empty(given.shape, dtype=np.int8)
    _library().EcgPreprocessQuantize(
        _pointer(given), given.size, ctypes.c_float(scale), zero_point, _pointer(out)
    )
    return out


def source_files() -> tuple[Path, Path]:
    """The C file and the folder of its header."""
    common = resources.firmware_templates_dir() / "common"
    return common / "src" / "preprocess.c", common / "include"


@functools.lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    source, include = source_files()
    header = include / "ecg" / "preprocess.h"
    digest = hashlib.sha256(
        source.read_bytes() + header.read_bytes() + " ".join(_FLAGS).encode()
    ).hexdigest()
    path = resources.cache_dir() / "preprocess" / f"preprocess-{digest[:16]}.so"
    if not path.is_file():
        _compile(source, include, path)
    library = ctypes.CDLL(str(path))
    library.EcgPreprocessRecord.restype = ctypes.c_uint32
    library.EcgPreprocessQuantize.restype = None
    return library


def _compile(source: Path, include: Path, path: Path) -> None:
    compiler = find_tool("cc", install_hint="Install a C compiler: apt-get install gcc")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, staged = tempfile.mkstemp(dir=path.parent, suffix=".so")
    os.close(handle)
    completed = run(
        CommandLine(
            argv=(compiler, *_FLAGS, f"-I{include}", str(source), "-lm", "-o", staged),
            purpose="compile the preprocessing",
            timeout_s=60,
        )
    )
    if completed.returncode != 0:
        Path(staged).unlink(missing_ok=True)
        raise BuildFailedError(
            f"cc refused {source.name}: {completed.text.strip().splitlines()[-1:]}",
            hint="Run: tflm-gen doctor",
        )
    Path(staged).replace(path)


def _pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
