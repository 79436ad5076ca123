"""A file that was taken apart and written again says the same."""

from __future__ import annotations

import dataclasses
import struct

import pytest

from tests.support.graph_builder import FB, GraphBuilder, pack, per_tensor
from tests.support.stateful_model import streaming_svdf
from tests.support.zoo import ZOO
from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.graph import read_document, write_document
from tflm_gen.model.reader import parse_model
from tflm_gen.model.records import Model
from tflm_gen.model.tree import TableValue, read_tree
from tflm_gen.model.writer import pack_tree

FILES = {**ZOO, "svdf": streaming_svdf}


def written_again(data: bytes) -> bytes:
    return write_document(read_document(parse_model(data, "m.tflite")))


def what_it_says(model: Model) -> object:
    """All of a model but the numbering of its buffers."""
    return [
        [
            (
                [dataclasses.replace(tensor, buffer_index=0) for tensor in graph.tensors],
                [model.constant_data(tensor) for tensor in graph.tensors],
                graph.operators,
                (graph.inputs, graph.outputs, graph.name),
            )
            for graph in model.subgraphs
        ],
        (model.signatures, dict(model.metadata), model.description, model.schema_version),
    ]


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_lost(name: str) -> None:
    data = FILES[name]()
    again = written_again(data)
    assert what_it_says(parse_model(again, "m")) == what_it_says(parse_model(data, "m"))


@pytest.mark.parametrize("name", ["cnn_1d", "two_leads_two_outputs", "svdf"])
def test_the_second_time_nothing_changes(name: str) -> None:
    again = written_again(FILES[name]())
    assert written_again(again) == again


@pytest.mark.parametrize("name", ["cnn_1d", "squeeze_excite"])
def test_every_field_of_the_tree_survives(name: str) -> None:
    tree = read_tree(ZOO[name]())
    assert read_tree(pack_tree(tree)) == tree


def custom_model(**metadata: bytes) -> bytes:
    net = GraphBuilder(description="custom")
    x = net.tensor((1, 4), "int8", quant=per_tensor(0.5, 3), name="x")
    net.graph.inputs.append(x)
    y = net.tensor((1, 4), "int8", quant=per_tensor(0.5, 3), name="y")
    net.operator("CUSTOM", [x, None], [y], custom_name="OWN_OP", custom_options=bytes(range(200)))
    for key, value in metadata.items():
        net.metadata(key, value)
    return net.finish([y])


def test_custom_options_and_absent_inputs_are_kept() -> None:
    operator = parse_model(written_again(custom_model()), "m").main.operators[0]
    assert operator.op == "CUSTOM:OWN_OP"
    assert operator.custom_options == bytes(range(200))
    assert operator.inputs[1] == -1


def test_metadata_is_kept_byte_for_byte() -> None:
    model = parse_model(written_again(custom_model(TFLM_GEN_classes=b"N\0V\0S")), "m")
    assert model.metadata == {"TFLM_GEN_classes": b"N\0V\0S"}


def test_names_that_are_not_utf8_are_kept() -> None:
    data = ZOO["mlp"]()
    tree = read_tree(data)
    graph = tree.tables("subgraphs")[0]
    tensors = (
        graph.tables("tensors")[0].with_fields(name=b"\xff\xfe"),
        *graph.tables("tensors")[1:],
    )
    renamed = pack_tree(tree.with_fields(subgraphs=(graph.with_fields(tensors=tensors),)))
    tensor = read_document(parse_model(written_again(renamed), "m")).main.tensors[0]
    assert tensor.name == b"\xff\xfe"


def test_data_is_aligned_to_16_bytes() -> None:
    model = parse_model(written_again(ZOO["cnn_2d"]()), "m")
    offsets = [offset for offset in model.buffer_offsets if offset]
    assert offsets
    assert all(offset % 16 == 0 for offset in offsets)


def test_equal_parts_are_stored_once() -> None:
    small = TableValue("Metadata", {"name": b"n", "buffer": 1})
    vector = tuple(range(100))
    tensor = TableValue("Tensor", {"shape": vector})
    one = pack_tree(TableValue("SubGraph", {"tensors": (tensor,)}))
    many = pack_tree(TableValue("SubGraph", {"tensors": (tensor,) * 9}))
    assert len(many) <= len(one) + 4 * 8 + 4
    assert pack_tree(small) == pack_tree(TableValue("Metadata", {"buffer": 1, "name": b"n"}))


def test_zero_and_minus_zero_stay_apart() -> None:
    plus, minus = (
        TableValue(
            "SoftmaxOptions",
            {
                "beta": value,
            },
        )
        for value in (1.0, -1.0)
    )
    assert pack_tree(plus) != pack_tree(minus)
    signed = pack_tree(TableValue("LeakyReluOptions", {"alpha": -0.5}))
    assert struct.pack("<f", -0.5) in signed


def test_sparse_weights_are_refused() -> None:
    net = GraphBuilder()
    x = net.tensor((1, 4), "int8", quant=per_tensor(1.0), name="x")
    net.graph.inputs.append(x)
    weights = net.constant([[1, 2, 3, 4]], "int8", quant=per_tensor(1.0))
    y = net.tensor((1, 1), "int8", quant=per_tensor(1.0))
    net.operator("FULLY_CONNECTED", [x, weights], [y], FB.FullyConnectedOptionsT())
    model = net.to_object([y])
    sparsity = FB.SparsityParametersT()
    sparsity.traversalOrder, sparsity.dimMetadata = [0, 1], []
    model.subgraphs[0].tensors[weights.index].sparsity = sparsity
    with pytest.raises(UnsupportedModelError, match="sparse weights"):
        read_document(parse_model(pack(model), "m"))


@pytest.mark.parametrize("name", ["COMPRESSION_METADATA", "OfflineMemoryAllocation"])
def test_metadata_that_speaks_of_tensors_by_place_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedModelError, match="clean-up leaves alone"):
        read_document(parse_model(custom_model(**{name: b"1234"}), "m"))


def test_a_field_newer_than_the_schema_is_refused() -> None:
    data = pack_tree(TableValue("Model", {"version": 3, "description": b"d"}))
    # Lengthen the root's list of fields to the 20th, which no schema of ours has.
    at = struct.unpack_from("<I", data, 0)[0]
    vtable = at - struct.unpack_from("<i", data, at)[0]
    size, inline = struct.unpack_from("<HH", data, vtable)
    slots = struct.unpack_from(f"<{(size - 4) // 2}H", data, vtable + 4)
    longer = (*slots, *(0,) * (19 - len(slots)), slots[0])
    grown = bytearray(data) + bytes(-len(data) % 4)
    place = len(grown)
    grown += struct.pack("<HH", 4 + 2 * len(longer), inline) + struct.pack(
        f"<{len(longer)}H", *longer
    )
    struct.pack_into("<i", grown, at, at - place)
    with pytest.raises(UnsupportedModelError, match="stores field 19"):
        read_tree(bytes(grown))
