"""Records as plain tables: a .csv or .npz with samples, beats and a few facts."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import RecordError
from tflm_gen.records.record import EcgRecord, beats_only

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_HINT = "docs/preprocessing.md shows the two forms."


def read_npz(path: Path, lead: str) -> EcgRecord:
    """A record saved with numpy.savez: adc, beats, symbols, rate_hz, lead, units_per_mv.

    Optional: adc_zero (0), patient (the file's name), adc_range (lowest, highest).

    Raises:
        RecordError: A key is missing, a value has the wrong kind, or no beat is annotated.
    """
    try:
        with np.load(path, allow_pickle=False) as loaded:
            values = {key: loaded[key] for key in loaded.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RecordError(f"{path}: not a readable .npz file ({error})", hint=_HINT) from error
    needed = {"adc", "beats", "symbols", "rate_hz", "lead", "units_per_mv"}
    if missing := sorted(needed - set(values)):
        raise RecordError(f"{path}: no {', '.join(missing)}", hint=_HINT)
    limits = values.get("adc_range")
    return _record(
        path,
        lead,
        samples=values["adc"],
        beats=values["beats"],
        symbols=[str(s) for s in values["symbols"].tolist()],
        facts={
            "rate_hz": float(values["rate_hz"]),
            "lead": str(values["lead"]),
            "units_per_mv": float(values["units_per_mv"]),
            "adc_zero": int(values.get("adc_zero", 0)),
            "patient": str(values.get("patient", path.stem)),
        },
        converter_range=None if limits is None else (int(limits[0]), int(limits[1])),
    )


def read_csv(path: Path, lead: str, *, rate_hz: float, units_per_mv: float) -> EcgRecord:
    """A record with a heading ``<lead>,beat``: one converter integer a row, a symbol at beats.

    Raises:
        RecordError: The heading is another, a row is no integer, or no beat is annotated.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: cannot be read ({error})", hint=_HINT) from error
    if not rows or rows[0] != [lead, "beat"]:
        raise RecordError(
            f"{path}: the first line is {','.join(rows[0]) if rows else 'missing'!r}, "
            f"not '{lead},beat'",
            hint=_HINT,
        )
    samples = np.array([_sample(path, i, row) for i, row in enumerate(rows[1:], start=2)])
    marked = [(i, row[1]) for i, row in enumerate(rows[1:]) if len(row) > 1 and row[1]]
    return _record(
        path,
        lead,
        samples=samples,
        beats=np.array([i for i, _ in marked], dtype=np.int64),
        symbols=[symbol for _, symbol in marked],
        facts={
            "rate_hz": rate_hz,
            "lead": lead,
            "units_per_mv": units_per_mv,
            "adc_zero": 0,
            "patient": path.stem,
        },
        converter_range=None,
    )


def _sample(path: Path, line: int, row: list[str]) -> float:
    try:
        return float(row[0])
    except (ValueError, IndexError) as error:
        raise RecordError(f"{path}: line {line} holds no number", hint=_HINT) from error


def _record(
    path: Path,
    lead: str,
    *,
    samples: NDArray[np.generic],
    beats: NDArray[np.generic],
    symbols: list[str],
    facts: dict[str, Any],
    converter_range: tuple[int, int] | None,
) -> EcgRecord:
    if facts["lead"] != lead:
        raise RecordError(
            f"{path}: lead {facts['lead']!r}, not {lead!r}", hint="Leave this record out."
        )
    adc = _integers(path, samples)
    if len(beats) != len(symbols):
        raise RecordError(f"{path}: {len(beats)} beats, {len(symbols)} symbols", hint=_HINT)
    places, classes = beats_only(np.asarray(beats, dtype=np.int64), symbols)
    if not len(places):
        raise RecordError(f"{path}: holds no annotated beat", hint=_HINT)
    if places[-1] >= len(adc):
        raise RecordError(
            f"{path}: beat at sample {places[-1]} of {len(adc)}", hint="Check the beats' rate."
        )
    return EcgRecord(
        name=path.stem,
        patient=facts["patient"],
        lead=lead,
        rate_hz=facts["rate_hz"],
        adc=adc,
        adc_zero=facts["adc_zero"],
        units_per_mv=facts["units_per_mv"],
        beats=places,
        classes=classes,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        converter_range=converter_range,
    )


def _integers(path: Path, samples: NDArray[np.generic]) -> NDArray[np.int16]:
    if samples.ndim != 1 or samples.dtype.kind not in "iuf" or not len(samples):
        raise RecordError(
            f"{path}: samples are {samples.dtype} of shape {samples.shape}", hint=_HINT
        )
    real = samples.astype(np.float64)
    n_bad = int(np.sum(~np.isfinite(real)))
    if n_bad:
        first = int(np.argmax(~np.isfinite(real)))
        raise RecordError(
            f"{path}: {n_bad} samples are NaN or infinite (first: {first})",
            hint="Cut the lead-off stretch out, or write the converter's own integers.",
        )
    if np.any(real != np.round(real)) or np.any(np.abs(real + 0.5) > 32768):
        raise RecordError(
            f"{path}: samples are no 16-bit integers",
            hint="Give converter integers, not millivolts: the device sees integers.",
        )
    return real.astype(np.int16)
