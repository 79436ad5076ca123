"""Calls the firmware's preprocessing from Python: the same C file, compiled for this machine."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen import resources
from tflm_gen.errors import BuildFailedError, UsageError
from tflm_gen.preprocess.structures import (
    MAX_PENDING,
    DetectorState,
    State,
    config_of,
    detector_config,
)
from tflm_gen.process import CommandLine, find_tool, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tflm_gen.preprocess.spec import PreprocessSpec

_FLAGS = ("-std=c11", "-O2", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-shared")
_OUR_HEADER = re.compile(r'^#include "(ecg/[^"]+)"', re.MULTILINE)
_SHORTEST_RR_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """What the C code gave for one record.

    Attributes:
        beats: Sample number of every beat: those given, or those the detector found.
        windows: float32, (n_beats, window_samples), or (n_beats, window_samples, 2).
        rr: float32, (n_beats, number of RR features).
    """

    beats: NDArray[np.int64]

    windows: NDArray[np.float32]
    rr: NDArray[np.float32]

    @property
    def tensor(self) -> NDArray[np.float32]:
        """The windows as a model takes them: (n_beats, window_samples, channels)."""
        return self.windows if self.windows.ndim == 3 else self.windows[..., None]


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
    samples = _samples(adc)
    places = np.ascontiguousarray(beats, dtype=np.uint32)
    if len(places) and (np.any(np.diff(places.astype(np.int64)) <= 0) or places[-1] >= len(adc)):
        raise UsageError(
            "beats are not in rising order inside the record",
            hint="Sort the annotations; two beats cannot share a sample.",
        )
    windows = np.zeros((len(places), *_shape(spec)), dtype=np.float32)
    rr = np.zeros((len(places), len(spec.rr_features)), dtype=np.float32)
    config, state = config_of(spec), State()
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
            hint=f"More than {MAX_PENDING} beats fall into one window; check the annotations.",
        )
    return Windows(beats=places.astype(np.int64), windows=windows, rr=rr)


def detect_record(spec: PreprocessSpec, adc: NDArray[np.integer]) -> Windows:
    """Beats found by the firmware's detector, and a window and RR features for every one.

    Args:
        spec: How windows are made; its trigger is not looked at.
        adc: Converter samples of one lead, from the record's start.

    Raises:
        UsageError: Samples beyond 16 bits.
        MissingToolError: No C compiler.
        BuildFailedError: The C compiler refused the file.
    """
    samples = _samples(adc)
    # No two beats are closer than that, so more cannot be found.
    most = 1 + int(len(samples) / (_SHORTEST_RR_S * spec.sample_rate_hz))
    beats = np.zeros(most, dtype=np.uint32)
    windows = np.zeros((most, *_shape(spec)), dtype=np.float32)
    rr = np.zeros((most, len(spec.rr_features)), dtype=np.float32)
    config, state = config_of(spec), State()
    detector, detector_state = detector_config(spec.sample_rate_hz), DetectorState()
    n_found = _library().EcgDetectRecord(
        ctypes.byref(detector),
        ctypes.byref(detector_state),
        ctypes.byref(config),
        ctypes.byref(state),
        _pointer(samples),
        len(samples),
        most,
        _pointer(beats),
        _pointer(windows),
        _pointer(rr),
    )
    return Windows(
        beats=beats[:n_found].astype(np.int64), windows=windows[:n_found], rr=rr[:n_found]
    )


def _shape(spec: PreprocessSpec) -> tuple[int, ...]:
    return (spec.window_samples,) if spec.channels == 1 else (spec.window_samples, spec.channels)


def _samples(adc: NDArray[np.integer]) -> NDArray[np.int16]:
    samples = np.ascontiguousarray(adc, dtype=np.int16)
    if not np.array_equal(samples, adc):
        raise UsageError("samples do not fit 16 bits", hint="Give the converter's own integers.")
    return samples


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


def source_files() -> tuple[tuple[Path, ...], Path]:
    """The C files and the folder of their headers."""
    common = resources.firmware_templates_dir() / "common"
    names = ("preprocess.c", "beat_detector.c")
    return tuple(common / "src" / name for name in names), common / "include"


def code_digest() -> str:
    """Hash of the C code and of the flags it is compiled with."""
    sources, include = source_files()
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    for file in (*sources, *_included(sources, include)):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _included(sources: Sequence[Path], include: Path) -> list[Path]:
    """Our headers that the sources include, those that these include in turn among them."""
    found: set[Path] = set()
    pending = list(sources)
    while pending:
        names = _OUR_HEADER.findall(pending.pop().read_text(encoding="utf-8"))
        new = {include / name for name in names} - found
        found |= new
        pending += new
    return sorted(found)


@functools.lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    sources, include = source_files()
    path = resources.cache_dir() / "preprocess" / f"preprocess-{code_digest()[:16]}.so"
    if not path.is_file():
        _compile(sources, include, path)
    library = ctypes.CDLL(str(path))
    library.EcgPreprocessRecord.restype = ctypes.c_uint32
    library.EcgDetectRecord.restype = ctypes.c_uint32
    library.EcgPreprocessQuantize.restype = None
    return library


def _compile(sources: Sequence[Path], include: Path, path: Path) -> None:
    compiler = find_tool("cc", install_hint="Install a C compiler: apt-get install gcc")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, staged = tempfile.mkstemp(dir=path.parent, suffix=".so")
    os.close(handle)
    completed = run(
        CommandLine(
            argv=(compiler, *_FLAGS, f"-I{include}", *map(str, sources), "-lm", "-o", staged),
            purpose="compile the preprocessing",
            timeout_s=60,
        )
    )
    if completed.returncode != 0:
        Path(staged).unlink(missing_ok=True)
        raise BuildFailedError(
            f"cc refused the preprocessing: {completed.text.strip().splitlines()[-1:]}",
            hint="Run: tflm-gen doctor",
        )
    Path(staged).replace(path)


def _pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
