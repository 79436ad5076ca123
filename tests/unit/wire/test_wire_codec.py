from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wire_strategies import messages
from tflm_gen.wire import WireFormatError, decode_line, encode_line, load_schema

SCHEMA = load_schema()
PHASE = SCHEMA.records["PHASE"]


def phase_line(name: str, sequence: int = 0) -> bytes:
    return encode_line(PHASE, sequence, {"name": name}, max_line_chars=SCHEMA.max_line_chars)


def test_a_line_looks_as_documented():
    # CRC-32 of "7 PHASE name=self%20test" by an independent program (gzip's trailer).
    assert phase_line("self test", 7) == b"$7 PHASE name=self%20test *4EF7799C\n"


@given(messages({**SCHEMA.records, **SCHEMA.commands}))
def test_every_message_survives_the_round_trip(message):
    spec, sequence, fields = message
    line = encode_line(spec, sequence, fields, max_line_chars=100_000)
    record = decode_line(line.removesuffix(b"\n"), {spec.name: spec})
    assert (record.sequence, record.name) == (sequence, spec.name)
    assert record.fields == fields


@given(messages(SCHEMA.records), st.data())
def test_one_flipped_bit_never_makes_another_record(message, data):
    spec, sequence, fields = message
    line = encode_line(spec, sequence, fields, max_line_chars=100_000).removesuffix(b"\n")
    bit = data.draw(st.integers(0, 8 * len(line) - 1))
    damaged = bytearray(line)
    damaged[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(WireFormatError):
        decode_line(bytes(damaged), SCHEMA.records)


@given(st.binary(max_size=200))
def test_garbage_is_refused_with_a_reason(garbage):
    with pytest.raises(WireFormatError, match=r"\w"):
        decode_line(garbage, SCHEMA.records)


@given(st.text(max_size=200))
def test_strings_never_leave_the_safe_characters(text):
    line = encode_line(PHASE, 0, {"name": text}, max_line_chars=100_000)
    assert line.count(b"$") == 1
    assert line.count(b"*") == 1
    assert line.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])


def signed(payload: bytes) -> bytes:
    import zlib

    return b"$%b *%08X" % (payload, zlib.crc32(payload))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"0 PHASE", "0 fields of 1"),
        (b"0 PHASE name=a name=b", "2 fields of 1"),
        (b"0 PHASE phase=a", "stands where name belongs"),
        (b"0 PHASE name", "stands where name belongs"),
        (b"0 NOSUCH name=a", "no such record"),
        (b"00 PHASE name=a", "no number"),
        (b"4294967296 PHASE name=a", "no number"),
        (b"-1 PHASE name=a", "no number"),
        (b"0 PHASE name=%2", "percent"),
        (b"0 READY status=0x0", "no number"),
        (b"0 READY status=4294967296", "no number"),
        (b"0 READY status=" + b"1" * 5000, "no number"),
        (b"0 OUTPUT index=0 offset=0 total=1 data=0", "hex pairs"),
        (b"0 OUTPUT index=0 offset=0 total=1 data=AB", "hex pairs"),
        (b"\xff PHASE name=a", "not ASCII"),
    ],
)
def test_a_right_crc_does_not_excuse_a_wrong_payload(payload, reason):
    with pytest.raises(WireFormatError, match=reason):
        decode_line(signed(payload), SCHEMA.records)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("READY", {"status": 2**32}),
        ("READY", {"status": -1}),
        ("READY", {"status": "0"}),
        ("READY", {}),
        ("READY", {"status": 0, "more": 1}),
        ("PHASE", {"name": 3}),
        ("PHASE", {"name": "x" * 2000}),
        ("OUTPUT", {"index": 0, "offset": 0, "total": 1, "data": "00"}),
        ("SELFTEST", {"bytes": 1, "equal": 0, "first_difference": 2**31}),
    ],
)
def test_values_that_do_not_fit_their_field_are_not_sent(name, fields):
    with pytest.raises(WireFormatError):
        encode_line(SCHEMA.records[name], 0, fields, max_line_chars=SCHEMA.max_line_chars)


def test_bytes_that_are_no_utf8_still_arrive():
    record = decode_line(signed(b"0 LOG text=a%FFb"), SCHEMA.records)
    assert record.text("text") == "a\N{REPLACEMENT CHARACTER}b"


def test_typed_access_refuses_the_wrong_type():
    record = decode_line(phase_line("x").strip(), SCHEMA.records)
    assert record.text("name") == "x"
    with pytest.raises(TypeError):
        record.integer("name")
    with pytest.raises(TypeError):
        record.data("name")
