"""WFDB records (.hea, .dat, .atr), as PhysioNet's databases have them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import MissingToolError, RecordError
from tflm_gen.records.record import EcgRecord, beats_only
from tflm_gen.records.wfdb_checks import (
    FETCH_AGAIN,
    check_annotation_end,
    check_length,
    check_samples,
    named_files,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Recordings 201 and 202 of the MIT-BIH Arrhythmia Database are of one person. Known by what is in
# them: a folder may have any name, and a copy another one.
_PERSON_OF_DAT = {
    "16610ae46eff900794597503d15af4572a8b1518f18dbed2843b7e68c81f3898": "201",
    "0c990e4142de6be898de4b21bd6e6705cd567e5d97cb731a994dc5aee9c7142d": "201",
}


def read_wfdb(path: Path, lead: str, *, annotator: str = "atr") -> EcgRecord:
    """One lead of a record with its beats.

    Args:
        path: The record without suffix, or its .hea file.
        lead: Name of the signal ("MLII").
        annotator: Suffix of the annotation file.

    Raises:
        RecordError: Files are missing or damaged, the lead is not there, or no beat is annotated.
        MissingToolError: The wfdb package is not installed.
    """
    base = path.with_suffix("") if path.suffix == ".hea" else path
    files = wfdb_files(base, annotator)
    record, annotation = _parse(base, annotator)
    if lead not in record.sig_name:
        raise RecordError(
            f"{base}: no lead {lead!r}; it has {', '.join(record.sig_name)}",
            hint="Leave this record out, or train for the lead it has.",
        )
    channel = record.sig_name.index(lead)
    check_samples(base, record, channel)
    beats, classes = beats_only(annotation.sample, annotation.symbol)
    if not len(beats):
        raise RecordError(
            f"{files[-1]}: holds no beat", hint="Beats are annotated in the .atr file."
        )
    if beats[-1] >= len(record.d_signal):
        raise RecordError(
            f"{files[-1]}: beat at sample {beats[-1]} of {len(record.d_signal)}",
            hint="The annotation belongs to another record, or the signal was cut.",
        )
    bits = int(record.adc_res[channel] or 0)
    zero = int(record.adc_zero[channel] or 0)
    return EcgRecord(
        name=base.name,
        patient=_patient(files, base.name),
        lead=lead,
        rate_hz=float(record.fs),
        adc=record.d_signal[:, channel].astype(np.int16),
        adc_zero=int(record.baseline[channel]),
        units_per_mv=float(record.adc_gain[channel]) * _per_mv(record.units[channel], base),
        beats=beats,
        classes=classes,
        sha256=_sha256(files),
        converter_range=(zero - (1 << bits) // 2, zero + (1 << bits) // 2 - 1) if bits else None,
    )


def wfdb_files(base: Path, annotator: str = "atr") -> tuple[Path, ...]:
    """Every file that a record is read from: header, signals as it names them, annotation.

    Raises:
        RecordError: One is not there.
    """
    header, annotation = (base.parent / f"{base.name}.{kind}" for kind in ("hea", annotator))
    for file in (header, annotation):
        if not file.is_file():
            raise RecordError(
                f"{file}: no such file", hint="A WFDB record is a .hea, a .dat and an annotation."
            )
    return (header, *named_files(base), annotation)


def _patient(files: Sequence[Path], name: str) -> str:
    digests = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files[1:-1])
    return next((_PERSON_OF_DAT[d] for d in digests if d in _PERSON_OF_DAT), name)


def _parse(base: Path, annotator: str) -> tuple[Any, Any]:
    try:
        import wfdb
    except ImportError as error:
        raise MissingToolError(
            "reading WFDB records needs the wfdb package, which is not installed",
            hint="Install it: pip install 'tflm-gen[quantize]'",
        ) from error
    annotation_file = base.parent / f"{base.name}.{annotator}"
    try:
        check_length(base, wfdb.rdheader(str(base)))
        check_annotation_end(annotation_file)
        record = wfdb.rdrecord(str(base), physical=False)
        annotation = wfdb.rdann(str(base), annotator)
    except RecordError:
        raise
    # wfdb raises anything from IndexError to AssertionError on damaged files.
    except Exception as error:
        raise RecordError(
            f"{base}: not a readable WFDB record: {type(error).__name__}: {error}",
            hint=FETCH_AGAIN,
        ) from error
    if record.d_signal is None or record.fs is None:
        raise RecordError(f"{base}: the header names no signal", hint="Fetch the record again.")
    return record, annotation


def _per_mv(unit: str, base: Path) -> float:
    factors = {"mV": 1.0, "uV": 1000.0, "V": 0.001}
    if unit not in factors:
        raise RecordError(f"{base}: unit {unit!r}", hint="The lead must be in V, mV or uV.")
    return factors[unit]


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
