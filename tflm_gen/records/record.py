"""One recording in memory, and the beat classes of its annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# ANSI/AAMI EC57 groups of the MIT-BIH beat codes; every other code is no beat.
AAMI_GROUPS = {
    **dict.fromkeys("NLRejB", "N"),
    **dict.fromkeys("AaJSn", "S"),
    **dict.fromkeys("VEr", "V"),
    "F": "F",
    **dict.fromkeys("/fQ?", "Q"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EcgRecord:
    """One lead of one recording.

    Attributes:
        name: Name of the record ("100").
        patient: Whose it is; two records of one person share it.
        lead: Name of the lead.
        rate_hz: Samples a second.
        adc: Converter integers.
        adc_zero: Converter value of 0 mV.
        units_per_mv: Converter steps in one millivolt.
        beats: Sample numbers of the annotated beats, rising.
        classes: AAMI class of every beat, one letter.
        sha256: Of the files that were read.
        converter_range: Lowest and highest number of the converter, or None if it is not known.
    """

    name: str
    patient: str
    lead: str
    rate_hz: float
    adc: NDArray[np.int16]
    adc_zero: int
    units_per_mv: float
    beats: NDArray[np.int64]
    classes: tuple[str, ...]
    sha256: str
    converter_range: tuple[int, int] | None


def beats_only(
    samples: NDArray[np.int64], symbols: list[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Places and AAMI classes of the beats among annotations, in rising order.

    Of two beats on one sample the first stays.
    """
    found: dict[int, str] = {}
    for sample, symbol in sorted(zip(samples.tolist(), symbols, strict=True), key=lambda p: p[0]):
        if symbol in AAMI_GROUPS and sample >= 0:
            found.setdefault(int(sample), AAMI_GROUPS[symbol])
    places = np.fromiter(found, dtype=np.int64, count=len(found))
    return places, tuple(found.values())
