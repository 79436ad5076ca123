"""Hypothesis strategies for protocol messages."""

from __future__ import annotations

from hypothesis import strategies as st

from tflm_gen.wire import FieldKind

VALUES = {
    FieldKind.U32: st.integers(0, 2**32 - 1),
    FieldKind.U64: st.integers(0, 2**64 - 1),
    FieldKind.I32: st.integers(-(2**31), 2**31 - 1),
    FieldKind.HEX32: st.integers(0, 2**32 - 1),
    FieldKind.STR: st.text(max_size=40),
    FieldKind.BYTES: st.binary(max_size=60),
}


@st.composite
def messages(draw, specs):
    """One (spec, sequence, fields) of the given messages."""
    spec = specs[draw(st.sampled_from(sorted(specs)))]
    fields = {field.name: draw(VALUES[field.kind]) for field in spec.fields}
    return spec, draw(st.integers(0, 2**32 - 1)), fields
