"""Bytes, hertz and microseconds as text, both ways; no other module converts units.

Sizes rounded up to a step, too.

One KB is 1,024 bytes and one MB 1,024 KB, as data sheets of microcontrollers count memory.
Frequencies count in thousands.
"""

from __future__ import annotations

import re
from types import MappingProxyType

KB = 1024
MB = 1024 * KB
GB = 1024 * MB

_BYTE_UNITS = MappingProxyType({"": 1, "b": 1, "k": KB, "m": MB, "g": GB})
_HERTZ_UNITS = MappingProxyType({"": 1, "k": 10**3, "m": 10**6, "g": 10**9})
_TIME_UNITS = MappingProxyType({"us": 1, "ms": 10**3, "s": 10**6})
_NUMBER = re.compile(r"\s*([0-9][0-9_,]*(?:\.[0-9]+)?)\s*([A-Za-zµ]*)\s*")


def align_up(size: int, step: int) -> int:
    """The next multiple of step."""
    return -(-size // step) * step


def parse_bytes(text: str) -> int:
    """Bytes from ``"4096"``, ``"64K"``, ``"64 KB"`` or ``"1.5 MiB"``.

    Raises:
        ValueError: If the text is no size, or no whole number of bytes.
    """
    value, unit = _split(text, "a size such as 65536, 64K or 1.5 MB")
    key = unit.lower().removesuffix("b").removesuffix("i") if unit.lower() != "b" else "b"
    return _whole(value, _BYTE_UNITS.get(key), text, "a size such as 65536, 64K or 1.5 MB")


def parse_hertz(text: str) -> int:
    """Hertz from ``"64000000"``, ``"64 MHz"`` or ``"32.768 kHz"``.

    Raises:
        ValueError: If the text is no frequency, or no whole number of hertz.
    """
    value, unit = _split(text, "a frequency such as 64 MHz")
    return _whole(
        value, _HERTZ_UNITS.get(unit.lower().removesuffix("hz")), text, "a frequency such as 64 MHz"
    )


def parse_microseconds(text: str) -> int:
    """Microseconds from ``"1500 us"``, ``"1.5 ms"`` or ``"2 s"``; a unit is required.

    Raises:
        ValueError: If the text is no duration, or no whole number of microseconds.
    """
    value, unit = _split(text, "a duration such as 1.5 ms")
    return _whole(
        value, _TIME_UNITS.get(unit.lower().replace("µ", "u")), text, "a duration such as 1.5 ms"
    )


def format_bytes(n_bytes: int) -> str:
    """``"512 B"``, ``"13.2 KB"``, ``"1.5 MB"``: at most four digits."""
    return _format(n_bytes, ((GB, "GB"), (MB, "MB"), (KB, "KB")), "B", switch=KB)


def format_hertz(hertz: int) -> str:
    """``"64 MHz"``, ``"32.8 kHz"``, ``"50 Hz"``."""
    return _format(hertz, ((10**9, "GHz"), (10**6, "MHz"), (10**3, "kHz")), "Hz", switch=1000)


def format_microseconds(microseconds: float) -> str:
    """``"850 us"``, ``"12.4 ms"``, ``"1.5 s"``."""
    return _format(microseconds, ((10**6, "s"), (10**3, "ms")), "us", switch=1000)


def format_count(count: int) -> str:
    """``"850"``, ``"12.4 k"``, ``"1.5 M"``: a number of things, in thousands."""
    return _format(count, ((10**9, "G"), (10**6, "M"), (10**3, "k")), "", switch=1000).rstrip()


def _format(value: float, units: tuple[tuple[int, str], ...], smallest: str, *, switch: int) -> str:
    for size, name in units:
        # 1023.96 KB would print as "1024.0 KB": go to the larger unit where rounding does.
        if abs(value) >= size - size / switch / 20:
            return f"{_short(value / size)} {name}"
    return f"{_short(value)} {smallest}"


def _short(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def _split(text: str, wanted: str) -> tuple[str, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not {wanted}")
    return match[1].replace("_", "").replace(",", ""), match[2]


def _whole(value: str, unit: int | None, text: str, wanted: str) -> int:
    """Exact decimal arithmetic: "32.768 kHz" must not become 32767."""
    if unit is None:
        raise ValueError(f"{text!r} is not {wanted}")
    whole, _, fraction = value.partition(".")
    divisor: int = 10 ** len(fraction)
    result, rest = divmod(int(whole + fraction) * unit, divisor)
    if rest:
        raise ValueError(f"{text!r} is no whole number")
    return result
