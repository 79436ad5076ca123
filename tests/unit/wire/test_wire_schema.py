from __future__ import annotations

import pytest

from tflm_gen.wire.schema import FieldKind, load_schema, parse_schema


def test_shipped_schema_has_the_records_the_runner_relies_on():
    schema = load_schema()
    assert schema.version == 1
    assert schema.max_line_chars >= 2 * schema.chunk_bytes + 100
    assert {"BANNER", "PHASE", "READY", "OUTPUT", "FAULT", "DONE"} <= set(schema.records)
    assert {"HELLO", "WRITE", "INVOKE", "READ", "BENCH", "PROBE"} <= set(schema.commands)
    fields = {f.name: f.kind for f in schema.records["LATENCY"].fields}
    assert fields == {"what": FieldKind.STR, "run": FieldKind.U32, "ticks": FieldKind.U64}


HEADER = "#define ECG_WIRE_VERSION 1\n#define ECG_WIRE_MAX_LINE 99\n#define ECG_WIRE_CHUNK 8\n"


def test_fields_keep_their_order():
    schema = parse_schema(
        HEADER
        + "// comment\nECG_RECORD_BEGIN(A)\nECG_FIELD_I32(z)  // unit\nECG_FIELD_BYTES(a)\n"
        + "ECG_RECORD_END(A)\n"
    )
    assert [f.name for f in schema.records["A"].fields] == ["z", "a"]
    assert not schema.commands


@pytest.mark.parametrize(
    "body",
    [
        "ECG_FIELD_U32(x)",
        "ECG_RECORD_BEGIN(A)",
        "ECG_RECORD_BEGIN(A)\nECG_RECORD_END(B)",
        "ECG_RECORD_BEGIN(A)\nECG_COMMAND_END(A)",
        "ECG_RECORD_BEGIN(A)\nECG_RECORD_BEGIN(B)",
        "ECG_RECORD_BEGIN(A)\nECG_FIELD_U16(x)\nECG_RECORD_END(A)",
        "ECG_RECORD_BEGIN(A)\nECG_RECORD_END(A)\nECG_RECORD_BEGIN(A)\nECG_RECORD_END(A)",
        "typedef int x;",
    ],
)
def test_anything_unclear_is_refused(body):
    with pytest.raises(ValueError):
        parse_schema(HEADER + body + "\n")
