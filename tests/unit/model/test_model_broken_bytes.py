"""Broken bytes: offsets, lengths and bits changed by hand and at random, and files cut short."""

from __future__ import annotations

import struct
from typing import Any

import flatbuffers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.graph_builder import FB
from tests.support.model_builder import ModelBuilder
from tests.support.small_model import SMALL
from tests.support.zoo import ZOO
from tflm_gen.errors import MalformedModelError, TflmGenError
from tflm_gen.inspection import inspect_model
from tflm_gen.model.flatbuffer import root_table
from tflm_gen.model.reader import parse_model
from tflm_gen.model.schema import load_schema
from tflm_gen.report.inspect_json import inspection_document
from tflm_gen.report.inspect_text import render_inspection


def patched(offset: int, value: int) -> bytes:
    data = bytearray(SMALL)
    struct.pack_into("<I", data, offset, value)
    return bytes(data)


@pytest.mark.parametrize("value", [0, 3, len(SMALL) - 3, len(SMALL), 0xFFFFFFFF])
def test_root_offset(value: int) -> None:
    with pytest.raises(MalformedModelError):
        parse_model(patched(0, value), "x")


@pytest.mark.parametrize("value", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("field", ["subgraphs", "buffers", "operator_codes", "description"])
def test_reference_out_of_the_file(field: str, value: int) -> None:
    pos = root_table(SMALL, load_schema()).reference_pos(field)
    with pytest.raises(MalformedModelError, match=f"model.{field}"):
        parse_model(patched(pos, value), "x")


@pytest.mark.parametrize("field", ["subgraphs", "buffers", "operator_codes"])
def test_vector_longer_than_the_file(field: str) -> None:
    span = root_table(SMALL, load_schema()).reference_span(field)
    assert span is not None
    for count in (len(SMALL), 0x40000000, 0xFFFFFFFF):
        with pytest.raises(MalformedModelError, match="elements"):
            parse_model(patched(span[0] - 4, count), "x")


def test_string_without_its_zero_byte() -> None:
    span = root_table(SMALL, load_schema()).span("description")
    assert span is not None
    data = bytearray(SMALL)
    data[sum(span)] = 1
    with pytest.raises(MalformedModelError, match="not closed by a zero byte"):
        parse_model(bytes(data), "x")


def test_vtable_out_of_the_file() -> None:
    root = root_table(SMALL, load_schema())
    for value in (0x7FFFFFFF, 0x80000000, root.pos + 100):
        with pytest.raises(MalformedModelError, match="vtable"):
            parse_model(patched(root.pos, value), "x")


def bomb(n_references: int) -> bytes:
    """A model whose subgraphs are all one and the same table, with sixty operators."""
    net = ModelBuilder(seed=1)
    x = net.input((1, 64))
    for _ in range(60):
        x = net.activation(x, "TANH")
    model = net.to_object([x])
    builder = flatbuffers.Builder(1024)
    codes = [code.Pack(builder) for code in model.operatorCodes]
    buffers = [buffer.Pack(builder) for buffer in model.buffers]
    subgraph = model.subgraphs[0].Pack(builder)
    vectors = [vector_of(builder, refs) for refs in (codes, [subgraph] * n_references, buffers)]
    FB.ModelStart(builder)
    FB.ModelAddVersion(builder, 3)
    FB.ModelAddOperatorCodes(builder, vectors[0])
    FB.ModelAddSubgraphs(builder, vectors[1])
    FB.ModelAddBuffers(builder, vectors[2])
    builder.Finish(FB.ModelEnd(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def vector_of(builder: Any, references: list[int]) -> Any:
    builder.StartVector(4, len(references), 4)
    for reference in reversed(references):
        builder.PrependUOffsetTRelative(reference)
    return builder.EndVector()


def test_a_bomb_of_shared_tables_is_refused() -> None:
    """A small file must not cost much more than its size."""
    assert len(parse_model(bomb(2), "two").subgraphs) == 2
    with pytest.raises(MalformedModelError, match=r"refer to .* bytes, but the file has"):
        parse_model(bomb(20_000), "bomb")


def outcome(data: bytes) -> str:
    """What reading and inspecting gives: "ok" or the error's code; anything else propagates."""
    try:
        inspection = inspect_model(parse_model(data, "fuzz.tflite"))
    except TflmGenError as error:
        assert error.message.isprintable()
        assert error.hint
        return error.code
    render_inspection(inspection)
    inspection_document(inspection)
    return "ok"


def test_truncation_at_every_byte_is_refused() -> None:
    outcomes = {length: outcome(SMALL[:length]) for length in range(len(SMALL))}
    accepted = [length for length, code in outcomes.items() if code == "ok"]
    # The very end may be padding that nothing refers to.
    assert all(length > len(SMALL) - 4 for length in accepted)
    assert set(outcomes.values()) <= {"ok", "TG101", "TG102", "TG103"}


@settings(max_examples=600)
@given(st.sampled_from(["small", "unet_1d", "float_island"]), st.data())
def test_flipped_bits_never_raise_anything_else(name: str, data: st.DataObject) -> None:
    broken = bytearray(SMALL if name == "small" else ZOO[name]())
    for _ in range(data.draw(st.integers(1, 4))):
        bit = data.draw(st.integers(0, 8 * len(broken) - 1))
        broken[bit // 8] ^= 1 << bit % 8
    assert outcome(bytes(broken)) in {"ok", "TG102", "TG103", "TG104"}


@settings(max_examples=600)
@given(st.data())
def test_replaced_words_never_raise_anything_else(data: st.DataObject) -> None:
    broken = bytearray(SMALL)
    interesting = st.sampled_from([0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
    for _ in range(data.draw(st.integers(1, 3))):
        at = 4 * data.draw(st.integers(2, len(broken) // 4 - 1))
        word = data.draw(interesting | st.integers(0, len(broken)))
        struct.pack_into("<I", broken, at, word)
    assert outcome(bytes(broken)) in {"ok", "TG103", "TG104"}


def test_every_single_word_set_to_ones_or_zero_is_survived() -> None:
    for word in (0, 0xFFFFFFFF, 0x80000000):
        for offset in range(8, len(SMALL) - 4, 4):
            assert outcome(patched(offset, word)) in {"ok", "TG103", "TG104"}
