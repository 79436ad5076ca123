from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.oracle.messages import MessageError, pack, unpack

HEADERS = st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=4)


@given(HEADERS, st.lists(st.binary(max_size=50), max_size=5))
def test_round_trip(header, blobs):
    message = unpack(io.BytesIO(pack(header, blobs)))
    assert message.header == header
    assert list(message.blobs) == blobs


@given(HEADERS, st.lists(st.binary(max_size=20), max_size=3), st.data())
def test_a_message_that_is_cut_short_is_refused(header, blobs, data):
    whole = pack(header, blobs)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(MessageError):
        unpack(io.BytesIO(whole[:cut]))


@pytest.mark.parametrize("data", [b"", b"nothing of ours", b"TGO1" + bytes(8)])
def test_other_bytes_are_refused(data):
    with pytest.raises(MessageError):
        unpack(io.BytesIO(data))


def test_header_values_are_checked():
    message = unpack(io.BytesIO(pack({"a": 1, "b": "x"}, [])))
    assert message.integer("a") == 1
    assert message.text("b") == "x"
    for key in ("b", "missing"):
        with pytest.raises(MessageError):
            message.integer(key)
    with pytest.raises(MessageError):
        message.text("a")
