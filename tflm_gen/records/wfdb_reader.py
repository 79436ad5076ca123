"""WFDB records (.hea, .dat, .atr), as PhysioNet's databases have them."""

from __future__ import annotations

import errno
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import MissingToolError, RecordError
from tflm_gen.project.read_file import read_regular, require_regular
from tflm_gen.records.record import EcgRecord, beats_only

if TYPE_CHECKING:
    from pathlib import Path

# Two recordings of the MIT-BIH Arrhythmia Database are of one person.
_SAME_PERSON = {"mitdb": {"202": "201"}}
_SEGMENT = ("hea", "dat")
_MAX_HEADER_BYTES = 1 << 20


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
    files = [base.parent / f"{base.name}.{kind}" for kind in ("hea", "dat", annotator)]
    for file in files:
        if not file.is_file():
            raise RecordError(
                f"{file}: no such file", hint="A WFDB record is a .hea, a .dat and an annotation."
            )
    _check_named_files(base)
    record, annotation = _parse(base, annotator)
    if lead not in record.sig_name:
        raise RecordError(
            f"{base}: no lead {lead!r}; it has {', '.join(record.sig_name)}",
            hint="Leave this record out, or train for the lead it has.",
        )
    channel = record.sig_name.index(lead)
    beats, classes = beats_only(annotation.sample, annotation.symbol)
    if not len(beats):
        raise RecordError(
            f"{files[2]}: holds no beat", hint="Check the annotator's name (--annotator)."
        )
    bits = int(record.adc_res[channel] or 0)
    zero = int(record.adc_zero[channel] or 0)
    return EcgRecord(
        name=base.name,
        patient=_SAME_PERSON.get(base.parent.name, {}).get(base.name, base.name),
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


def _check_named_files(base: Path) -> None:
    """The header names further files, which wfdb opens whatever they are: every line's first word.

    Raises:
        RecordError: If one is not beside the header, or is no regular file.
    """
    header = base.parent / f"{base.name}.hea"
    try:
        text = read_regular(header, limit=_MAX_HEADER_BYTES).decode("utf-8", "replace")
        lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
        for name in {words[0] for words in lines[1:] if words} - {"~"}:
            if "/" in name or "\\" in name:
                raise OSError(errno.EINVAL, f"it names the file {name!r}, outside of the folder")
            # A signal's file, or a segment.
            for file in (base.parent / name, *(base.parent / f"{name}.{k}" for k in _SEGMENT)):
                if file.exists():
                    require_regular(file)
    except OSError as error:
        raise RecordError(
            f"{header}: a file of the record cannot be read ({error.strerror})",
            hint="Fetch the record again and compare its checksum.",
        ) from error


def _parse(base: Path, annotator: str) -> tuple[Any, Any]:
    try:
        import wfdb
    except ImportError as error:
        raise MissingToolError(
            "reading WFDB records needs the wfdb package, which is not installed",
            hint="Install it: pip install 'tflm-gen[quantize]'",
        ) from error
    try:
        record = wfdb.rdrecord(str(base), physical=False)
        annotation = wfdb.rdann(str(base), annotator)
    # wfdb raises anything from IndexError to AssertionError on damaged files.
    except Exception as error:
        raise RecordError(
            f"{base}: not a readable WFDB record: {type(error).__name__}: {error}",
            hint="Fetch the record again and compare its checksum.",
        ) from error
    if record.d_signal is None or record.fs is None:
        raise RecordError(f"{base}: the header names no signal", hint="Fetch the record again.")
    return record, annotation


def _per_mv(unit: str, base: Path) -> float:
    factors = {"mV": 1.0, "uV": 1000.0, "V": 0.001}
    if unit not in factors:
        raise RecordError(f"{base}: unit {unit!r}", hint="The lead must be in V, mV or uV.")
    return factors[unit]


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
