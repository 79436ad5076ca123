from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.units import (
    format_bytes,
    format_count,
    format_hertz,
    format_microseconds,
    parse_bytes,
    parse_hertz,
    parse_microseconds,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("4096", 4096),
        ("65_536", 65536),
        ("65,536 B", 65536),
        ("64K", 65536),
        ("64 KB", 65536),
        ("64KiB", 65536),
        ("1.5 MB", 1572864),
        ("1G", 1 << 30),
    ],
)
def test_parse_bytes(text: str, expected: int) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "KB", "-1", "1.3 B", "64 Q", "64 KBB", "1e3", "0x10"])
def test_parse_bytes_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is n"):
        parse_bytes(text)


def test_parse_hertz_is_exact() -> None:
    assert parse_hertz("32.768 kHz") == 32768
    assert parse_hertz("64MHz") == 64_000_000
    with pytest.raises(ValueError, match="no whole number"):
        parse_hertz("0.5 Hz")


def test_parse_microseconds_needs_a_unit() -> None:
    assert parse_microseconds("1.5 ms") == 1500
    assert parse_microseconds("2 µs") == 2
    with pytest.raises(ValueError, match=r"such as 1\.5 ms"):
        parse_microseconds("2")


@pytest.mark.parametrize(
    ("n_bytes", "expected"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (900, "900 B"),
        (1024, "1 KB"),
        (13488, "13.2 KB"),
        (1024 * 1024 - 1, "1 MB"),
        (3 << 30, "3 GB"),
    ],
)
def test_format_bytes(n_bytes: int, expected: str) -> None:
    assert format_bytes(n_bytes) == expected


def test_other_formats() -> None:
    assert format_hertz(64_000_000) == "64 MHz"
    assert format_hertz(50) == "50 Hz"
    assert format_microseconds(850) == "850 us"
    assert format_microseconds(12_400) == "12.4 ms"
    assert format_count(850) == "850"
    assert format_count(1_500_000) == "1.5 M"


@given(st.integers(min_value=0, max_value=1 << 40))
def test_formatted_sizes_read_back_within_rounding(n_bytes: int) -> None:
    text = format_bytes(n_bytes)
    number, unit = text.replace(",", "").split()
    factor = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[unit]
    assert abs(float(number) * factor - n_bytes) <= 0.051 * factor
    assert factor == 1 << 30 or float(number) < 1024
