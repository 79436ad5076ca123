from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wire_strategies import messages
from tflm_gen.wire import LineReader, encode_line, load_schema

SCHEMA = load_schema()


def phase(sequence: int) -> bytes:
    fields = {"name": f"p{sequence}"}
    return encode_line(
        SCHEMA.records["PHASE"], sequence, fields, max_line_chars=SCHEMA.max_line_chars
    )


def read(data: bytes) -> list:
    return [*LineReader().feed(data, 0.0)]


def names(lines) -> list[str]:
    return [entry.record.text("name") for entry in lines if entry.record]


@given(
    st.lists(st.binary(max_size=30).filter(lambda b: b"$" not in b), max_size=6),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_records_are_found_between_garbage_whatever_the_chunks(garbage, chunks):
    stream = b""
    for number in range(6):
        stream += phase(number) + b"".join(garbage[number : number + 1])
    stream += b"\n"
    reader, found, at, turn = LineReader(), [], 0, 0
    while at < len(stream):
        size = chunks[turn % len(chunks)]
        found += reader.feed(stream[at : at + size], 0.0)
        at, turn = at + size, turn + 1
    assert names(found) == [f"p{n}" for n in range(6)]
    assert all(entry.lost == 0 for entry in found)


@settings(max_examples=300)
@given(st.lists(messages({"PHASE": SCHEMA.records["PHASE"]}), min_size=3, max_size=5), st.data())
def test_after_a_flipped_bit_the_other_records_arrive_and_the_loss_shows(sent, data):
    lines = [
        encode_line(spec, number, fields, max_line_chars=SCHEMA.max_line_chars)
        for number, (spec, _, fields) in enumerate(sent)
    ]
    victim = data.draw(st.integers(0, len(lines) - 2))
    bit = data.draw(st.integers(0, 8 * len(lines[victim]) - 1))
    damaged = bytearray(lines[victim])
    damaged[bit // 8] ^= 1 << (bit % 8)
    stream = b"".join([*lines[:victim], bytes(damaged), *lines[victim + 1 :]])
    records = [entry for entry in read(stream) if entry.record]
    received = {entry.record.sequence for entry in records}
    # The record hit may survive only as itself (a flip in its newline joins two lines, and the
    # whole record behind is taken); no record may arrive that was not sent.
    assert received >= set(range(len(lines))) - {victim}
    assert received <= set(range(len(lines)))
    for entry in records:
        assert entry.record.fields == sent[entry.record.sequence][2]
    lost_total = sum(entry.lost for entry in records)
    assert lost_total == (1 if victim > 0 and victim not in received else 0)


@given(st.binary(max_size=4000))
def test_any_bytes_are_kept_and_none_raises(data):
    reader = LineReader()
    lines = [*reader.feed(data, 1.0), *reader.finish(2.0)]
    assert len(reader.transcript("test").lines) == len(lines)
    assert all(entry.record is None for entry in lines)


def test_free_text_before_a_record_on_the_same_line_does_not_hide_it():
    (entry,) = read(b"printf without newline" + phase(0))
    assert names([entry]) == ["p0"]
    assert entry.text.startswith("printf without newline$")


def test_carriage_returns_are_dropped():
    (entry,) = read(phase(0).replace(b"\n", b"\r\n"))
    assert names([entry]) == ["p0"]


def test_a_gap_says_how_many_records_are_missing():
    lines = read(phase(0) + phase(1) + phase(5) + phase(6))
    assert [entry.lost for entry in lines] == [0, 0, 3, 0]


def test_joining_late_is_no_gap():
    assert [entry.lost for entry in read(phase(40) + phase(41))] == [0, 0]


def test_a_device_reset_is_seen():
    lines = read(phase(0) + phase(1) + phase(0) + phase(1))
    assert [entry.restarted for entry in lines] == [False, False, True, False]


def test_the_sequence_wraps_without_a_gap():
    lines = read(phase(2**32 - 1) + phase(0))
    assert [(entry.lost, entry.restarted) for entry in lines] == [(0, False), (0, False)]


def test_a_flood_without_newlines_is_bounded_and_the_next_record_arrives():
    reader = LineReader()
    lines = []
    for _ in range(100):
        lines += reader.feed(b"\x00" * 1000, 0.0)
    lines += reader.feed(phase(3), 0.0)
    assert names(lines) == ["p3"]
    assert len(lines) > 10


def test_a_damaged_record_is_explained():
    (entry,) = read(phase(0).replace(b"p0", b"p1"))
    assert entry.record is None
    assert "CRC" in entry.problem


def test_the_unfinished_last_line_is_kept_at_the_end():
    reader = LineReader()
    assert [*reader.feed(b"half a li", 0.5)] == []
    (entry,) = reader.finish(0.7)
    assert entry.text == "half a li"
    assert reader.transcript("t").lines == ((0.7, "half a li"),)
