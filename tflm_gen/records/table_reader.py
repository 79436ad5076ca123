"""Records as plain tables: a .csv or .npz with samples, beats and a few facts."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import RecordError
from tflm_gen.records.record import EcgRecord, beats_only

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_HINT = "docs/preprocessing.md shows the two forms."
_FACTS = ("rate_hz", "units_per_mv", "adc_zero", "adc_range", "patient")


@dataclass(frozen=True, slots=True, kw_only=True)
class _TableFacts:
    lead: str
    patient: str
    rate_hz: float
    units_per_mv: float
    adc_zero: int
    converter_range: tuple[int, int] | None


def read_npz(path: Path, lead: str) -> EcgRecord:
    """A record saved with numpy.savez: adc, beats, symbols, rate_hz, lead, units_per_mv.

    Optional: adc_zero (0), patient (the file's name), adc_range (lowest, highest).

    Raises:
        RecordError: A key is missing, a value has the wrong kind, or no beat is annotated.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise ValueError("it is a single array")
        with loaded:
            values = {key: loaded[key] for key in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RecordError(f"{path}: not a readable .npz file ({error})", hint=_HINT) from error
    needed = {"adc", "beats", "symbols", "rate_hz", "lead", "units_per_mv"}
    if missing := sorted(needed - set(values)):
        raise RecordError(f"{path}: no {', '.join(missing)}", hint=_HINT)
    beats, symbols = values["beats"], values["symbols"]
    if beats.ndim != 1 or symbols.ndim != 1 or (len(beats) and beats.dtype.kind not in "iu"):
        raise RecordError(f"{path}: beats and symbols are no lists, one entry a beat", hint=_HINT)
    given = {name: values[name] for name in _FACTS if name in values}
    return _record(
        path,
        lead,
        samples=values["adc"],
        beats=beats,
        symbols=[str(s) for s in symbols.tolist()],
        facts=_facts(path, {"lead": values["lead"], **given}),
    )


def read_csv(
    path: Path, lead: str, *, rate_hz: float, units_per_mv: float, adc_zero: int = 0
) -> EcgRecord:
    """A record with a heading ``<lead>,beat``: one converter integer a row, a symbol at beats.

    Lines ``# name: value`` before the heading state the facts of a .npz; what they do not state
    is taken from the arguments.

    Raises:
        RecordError: The heading is another, a row is no integer, or no beat is annotated.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordError(f"{path}: cannot be read ({error})", hint=_HINT) from error
    stated, n_stated = _stated_facts(path, rows)
    del rows[:n_stated]
    if not rows or rows[0] != [lead, "beat"]:
        raise RecordError(
            f"{path}: the first line is {','.join(rows[0]) if rows else 'missing'!r}, "
            f"not '{lead},beat'",
            hint=_HINT,
        )
    first = n_stated + 2
    samples = np.array([_sample(path, i, row) for i, row in enumerate(rows[1:], start=first)])
    marked = [(i, row[1]) for i, row in enumerate(rows[1:]) if len(row) > 1 and row[1]]
    taken = {"rate_hz": rate_hz, "units_per_mv": units_per_mv, "adc_zero": adc_zero}
    return _record(
        path,
        lead,
        samples=samples,
        beats=np.array([i for i, _ in marked], dtype=np.int64),
        symbols=[symbol for _, symbol in marked],
        facts=_facts(path, {"lead": lead, **taken, **stated}),
    )


def _stated_facts(path: Path, rows: list[list[str]]) -> tuple[dict[str, object], int]:
    """The ``# name: value`` lines that a file starts with, and how many those are."""
    found: dict[str, object] = {}
    for number, row in enumerate(rows, start=1):
        line = ",".join(row)
        if not line.startswith("#"):
            return found, number - 1
        name, _, value = (part.strip() for part in line[1:].partition(":"))
        if name not in _FACTS:
            raise RecordError(
                f"{path}: line {number} states {name!r}, which is none of {', '.join(_FACTS)}",
                hint=_HINT,
            )
        found[name] = value.split() if name == "adc_range" else value
    return found, len(rows)


def _facts(path: Path, given: Mapping[str, Any]) -> _TableFacts:
    try:
        limits = [int(v) for v in given["adc_range"]] if "adc_range" in given else None
        facts = _TableFacts(
            lead=str(given["lead"]),
            patient=str(given.get("patient", path.stem)),
            rate_hz=float(given["rate_hz"]),
            units_per_mv=float(given["units_per_mv"]),
            adc_zero=int(given.get("adc_zero", 0)),
            converter_range=None if limits is None else (limits[0], limits[1]),
        )
    except (TypeError, ValueError, IndexError) as error:
        raise RecordError(
            f"{path}: one of {', '.join(_FACTS)} is no number ({error})", hint=_HINT
        ) from error
    if not (0 < facts.rate_hz < np.inf and 0 < facts.units_per_mv < np.inf):
        raise RecordError(f"{path}: rate_hz and units_per_mv must be above 0", hint=_HINT)
    return facts


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
    facts: _TableFacts,
) -> EcgRecord:
    if facts.lead != lead:
        raise RecordError(
            f"{path}: lead {facts.lead!r}, not {lead!r}", hint="Leave this record out."
        )
    adc = _integers(path, samples)
    if len(beats) != len(symbols):
        raise RecordError(f"{path}: {len(beats)} beats, {len(symbols)} symbols", hint=_HINT)
    if len(beats) and (first := int(beats.astype(np.int64).min())) < 0:
        raise RecordError(
            f"{path}: beat at sample {first}: before the record's start",
            hint="Count the beats' samples from the record's first.",
        )
    places, classes = beats_only(np.asarray(beats, dtype=np.int64), symbols)
    if not len(places):
        raise RecordError(f"{path}: holds no annotated beat", hint=_HINT)
    if places[-1] >= len(adc):
        raise RecordError(
            f"{path}: beat at sample {places[-1]} of {len(adc)}", hint="Check the beats' rate."
        )
    return EcgRecord(
        name=path.stem,
        patient=facts.patient,
        lead=lead,
        rate_hz=facts.rate_hz,
        adc=adc,
        adc_zero=facts.adc_zero,
        units_per_mv=facts.units_per_mv,
        beats=places,
        classes=classes,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        converter_range=facts.converter_range,
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
