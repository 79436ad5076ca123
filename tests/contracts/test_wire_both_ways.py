"""The firmware's C++ and the tool's Python must understand each other, in both directions."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.requirements import require
from tests.support.wire_strategies import messages
from tflm_gen.resources import firmware_templates_dir
from tflm_gen.wire import FieldKind, LineReader, decode_line, encode_line, load_schema

SCHEMA = load_schema()
LONG = "x" * 2000
VARIANTS = {
    FieldKind.U32: [0, 1, 305419896, 2**32 - 1],
    FieldKind.U64: [0, 1, 1311768467463790320, 2**64 - 1],
    FieldKind.I32: [0, -1, 2**31 - 1, -(2**31)],
    FieldKind.HEX32: [0, 1, 305419896, 2**32 - 1],
    FieldKind.STR: ["", "CONV_2D", "a b%*$=\n\x01\x7f\u00e9", LONG],
}


@pytest.fixture(scope="module")
def peer(tmp_path_factory, repository_root):
    """The firmware's wire code as a host program."""
    require("hostcc")
    folder = tmp_path_factory.mktemp("wire_peer")
    common = firmware_templates_dir() / "common"
    # Records without the commands behind them, whose fields would stand outside a struct.
    text = (common / "include" / "ecg" / "wire_records.def").read_text()
    records, marker, _ = text.partition("ECG_COMMAND_BEGIN")
    assert marker
    (folder / "records_only.def").write_text(
        "\n".join(line for line in records.splitlines() if not line.startswith("#define"))
    )
    program = folder / "wire_peer"
    sources = [
        repository_root / "tests" / "contracts" / "wire_peer" / "wire_peer.cc",
        *(common / "src" / name for name in ("wire.cc", "command_reader.cc", "crc32.cc")),
    ]
    flags = "-std=c++17 -O1 -g -fno-exceptions -fno-rtti -fsanitize=address,undefined -Wall -Wextra"
    subprocess.run(
        ["g++", *flags.split(), f"-I{common / 'include'}", f"-I{folder}", "-o", program, *sources],
        check=True,
        timeout=240,
    )
    return program


def run_peer(program, mode: str, data: bytes = b"") -> list[bytes]:
    done = subprocess.run([program, mode], input=data, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.splitlines()


def expected_value(kind: FieldKind, variant: int):
    if kind is FieldKind.BYTES:
        return (bytes(range(256)) * 2)[: [0, 1, 256, SCHEMA.chunk_bytes][variant]]
    return VARIANTS[kind][variant]


def test_python_reads_every_record_that_firmware_sends(peer):
    lines = run_peer(peer, "emit")
    assert len(lines) == 4 * len(SCHEMA.records)
    at = 0
    for variant in range(4):
        for name, spec in SCHEMA.records.items():
            record = decode_line(lines[at], SCHEMA.records)
            assert (record.sequence, record.name) == (at, name)
            assert len(lines[at]) <= SCHEMA.max_line_chars
            for field in spec.fields:
                found, sent = record.fields[field.name], expected_value(field.kind, variant)
                if sent == LONG:  # Firmware cuts strings to what a line holds.
                    assert sent.startswith(found)
                    assert len(found) >= 40
                else:
                    assert found == sent
            at += 1


@settings(max_examples=25, deadline=None)
@given(st.lists(messages(SCHEMA.commands), min_size=1, max_size=20))
def test_firmware_understands_every_command_that_python_sends(peer, sent):
    # A C string ends at its first zero byte, which the wire therefore does not carry.
    sent = [
        (spec, sequence, fields)
        for spec, sequence, fields in sent
        if not any(isinstance(value, str) and "\0" in value for value in fields.values())
    ]
    data = b"".join(
        encode_line(spec, sequence, fields, max_line_chars=SCHEMA.max_line_chars)
        for spec, sequence, fields in sent
    )
    lines = run_peer(peer, "echo", data)
    assert len(lines) == 2 * len(sent)
    for number, (spec, sequence, fields) in enumerate(sent):
        done = decode_line(lines[2 * number], SCHEMA.records)
        assert (done.name, done.fields) == ("DONE", {"command": sequence, "status": "ok"})
        echoed = decode_line(lines[2 * number + 1], SCHEMA.commands)
        assert (echoed.name, echoed.fields) == (spec.name, fields)


def statuses(lines: list[bytes]) -> list[tuple[int, str]]:
    found = []
    for line in lines:
        if b" DONE " in line:
            record = decode_line(line, SCHEMA.records)
            found.append((record.integer("command"), record.text("status")))
    return found


def command(name: str, sequence: int, **fields) -> bytes:
    spec = SCHEMA.commands[name]
    return encode_line(spec, sequence, fields, max_line_chars=SCHEMA.max_line_chars)


def signed(payload: bytes) -> bytes:
    import zlib

    return b"$%b *%08X\n" % (payload, zlib.crc32(payload))


def test_firmware_names_what_is_wrong_with_a_line(peer):
    good = command("INVOKE", 3)
    data = b"".join(
        [
            good.replace(b"INVOKE", b"INVOKF"),
            signed(b"4 FLY"),
            signed(b"5 READ output=x"),
            signed(b"6 READ"),
            signed(b"7 READ output=1 more=2"),
            signed(b"8 READ output=4294967296"),
            b"$garbage\n",
            good,
        ]
    )
    assert statuses(run_peer(peer, "echo", data)) == [
        (3, "bad_crc"),
        (4, "bad_command"),
        (5, "bad_argument"),
        (6, "bad_argument"),
        (7, "bad_argument"),
        (8, "bad_argument"),
        (2**32 - 1, "bad_crc"),
        (3, "ok"),
    ]


def test_firmware_finds_commands_between_garbage(peer):
    data = b"\xff\x00noise " + command("HELLO", 0) + b"$1 WRI" + command("INVOKE", 1)
    assert statuses(run_peer(peer, "echo", data)) == [(0, "ok"), (1, "ok")]


def test_an_endless_line_does_not_overflow_and_the_next_command_is_read(peer):
    data = b"$" + b"A" * 10_000 + b"\n" + command("INVOKE", 1)
    assert statuses(run_peer(peer, "echo", data)) == [(2**32 - 1, "bad_crc"), (1, "ok")]


@settings(max_examples=25, deadline=None)
@given(messages(SCHEMA.commands), st.data())
def test_firmware_never_obeys_a_command_with_a_flipped_bit(peer, message, data):
    spec, sequence, fields = message
    sent = encode_line(spec, sequence, fields, max_line_chars=SCHEMA.max_line_chars)
    bit = data.draw(st.integers(0, 8 * len(sent) - 9))
    damaged = bytearray(sent)
    damaged[bit // 8] ^= 1 << (bit % 8)
    lines = run_peer(peer, "echo", bytes(damaged))
    # A CRC digit in lower case still names the right CRC: the payload itself is whole.
    is_case_only = bytes(damaged).upper() == sent.upper() and bit // 8 > len(sent) - 10
    assert ("ok" in [status for _, status in statuses(lines)]) == is_case_only


def test_the_reader_follows_the_sequence_of_real_firmware(peer):
    reader = LineReader()
    stream = b"\n".join(run_peer(peer, "emit")) + b"\n"
    lines = [*reader.feed(stream, 0.0)]
    assert all(line.record and not line.lost and not line.restarted for line in lines)
