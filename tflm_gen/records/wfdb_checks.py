"""Whether a WFDB record's files are whole and say the same: sizes, check sums, end marks."""

from __future__ import annotations

import errno
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import RecordError
from tflm_gen.project.read_file import read_regular, require_regular

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FETCH_AGAIN = "Fetch the record again and compare its checksum."
_MAX_HEADER_BYTES = 1 << 20
# Storage format -> bytes of a sample, and the number that stands for "no sample".
_BYTES = {
    **{"8": Fraction(1), "80": Fraction(1), "16": Fraction(2), "61": Fraction(2)},
    **{"160": Fraction(2), "24": Fraction(3), "32": Fraction(4), "212": Fraction(3, 2)},
    **{"310": Fraction(4, 3), "311": Fraction(4, 3)},
}
_NO_SAMPLE = {
    **{"80": -128, "310": -512, "311": -512, "212": -2048, "24": -(1 << 23), "32": -(1 << 31)},
    **dict.fromkeys(("16", "61", "160"), -(1 << 15)),
}


def named_files(base: Path) -> tuple[Path, ...]:
    """The signal files that a header names, each once; wfdb opens whatever it finds there.

    Raises:
        RecordError: If one is not beside the header or is no regular file, or if the header names
            further headers.
    """
    header = base.parent / f"{base.name}.hea"
    found = []
    try:
        text = read_regular(header, limit=_MAX_HEADER_BYTES).decode("utf-8", "replace")
        lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
        for name in dict.fromkeys(words[0] for words in lines[1:] if words):
            if "/" in name or "\\" in name:
                raise OSError(errno.EINVAL, f"it names the file {name!r}, outside of the folder")
            if name == "~" or (base.parent / f"{name}.hea").exists():
                raise OSError(errno.EINVAL, "it is one of several segments")
            found.append(base.parent / name)
            require_regular(found[-1])
    except FileNotFoundError as error:
        absent = found[-1] if found else header
        raise RecordError(f"{absent}: no such file", hint=FETCH_AGAIN) from error
    except OSError as error:
        raise RecordError(
            f"{header}: a file of the record cannot be read ({error.strerror})", hint=FETCH_AGAIN
        ) from error
    if not found:
        raise RecordError(f"{header}: names no signal file", hint=FETCH_AGAIN)
    return tuple(found)


def check_length(base: Path, header: Any) -> None:  # noqa: ANN401 - wfdb has no types
    """Compare the signal files' sizes with what the header promises.

    Raises:
        RecordError: A file is shorter.
    """
    needed: dict[str, Fraction] = {}
    for name, kind, per_frame in zip(
        header.file_name or (), header.fmt or (), header.samps_per_frame or (), strict=True
    ):
        n_samples = (header.sig_len or 0) * (per_frame or 1)
        needed[name] = needed.get(name, Fraction(0)) + n_samples * _BYTES.get(kind, Fraction(0))
    for name, size in needed.items():
        found = (base.parent / name).stat().st_size
        if found < math.floor(size):
            raise RecordError(
                f"{base.parent / name}: {found:,} bytes; the header's {header.sig_len:,} samples "
                f"take {math.ceil(size):,}: the file was cut",
                hint=FETCH_AGAIN,
            )


def check_annotation_end(path: Path) -> None:
    """Make sure that an annotation file was not cut: the format ends with a word of zeros.

    Raises:
        RecordError: It does not.
    """
    data = path.read_bytes()
    if data and (len(data) % 2 or data[-2:] != b"\0\0"):
        raise RecordError(
            f"{path}: {len(data):,} bytes without an end mark: the file was cut", hint=FETCH_AGAIN
        )


def check_samples(base: Path, record: Any, channel: int) -> None:  # noqa: ANN401 - as above
    """Compare the samples with the header's first value and check sum; refuse missing ones.

    Raises:
        RecordError: They differ, a sample is marked as missing, or one has more than 16 bits.
    """
    samples: NDArray[np.int64] = record.d_signal[:, channel].astype(np.int64)
    is_plain = (record.samps_per_frame or [1])[channel] == 1 and not (record.skew or [0])[channel]
    stated = record.checksum[channel] if record.checksum else None
    found = int(samples.sum()) % 65536
    if is_plain and stated is not None and found != stated % 65536:
        raise RecordError(
            f"{base}: the samples' check sum is {found}, in the header it is {stated % 65536}",
            hint=FETCH_AGAIN,
        )
    first = record.init_value[channel] if record.init_value else None
    if is_plain and first is not None and len(samples) and int(samples[0]) != first:
        raise RecordError(
            f"{base}: the first sample is {int(samples[0])}, in the header it is {first}",
            hint=FETCH_AGAIN,
        )
    missing = np.flatnonzero(samples == _NO_SAMPLE.get(record.fmt[channel], -(1 << 31)))
    if len(missing):
        raise RecordError(
            f"{base}: {len(missing)} samples are missing (NaN; first: {missing[0]})",
            hint="Cut the stretch without a signal out, or leave the record out.",
        )
    if np.any(np.abs(samples + 0.5) > 32768):
        raise RecordError(f"{base}: samples of more than 16 bits", hint="Scale them to 16 bits.")
