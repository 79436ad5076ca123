"""Each pass on hand-made graphs: what it does, and what it must leave alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.graph_builder import FB, per_tensor
from tests.support.model_builder import ModelBuilder
from tests.support.passes import claims_hold, document, leaves_alone, ops, run_pass
from tests.support.rough_models import (
    ROUGH,
    flatten_by_shape,
    tile,
    wrong_reshape,
)
from tflm_gen.cleanup.passes.reductions import FAST_REDUCTIONS, merged_dimensions
from tflm_gen.cleanup.passes.replacements import HALF_FLOATS, LONG_CONCATENATIONS, REPEATS
from tflm_gen.cleanup.passes.reshapes import MERGE_RESHAPES, MOVE_RESHAPES, PAD_IMAGES
from tflm_gen.cleanup.passes.static_shapes import FOLD_SHAPES, STATIC_SHAPES
from tflm_gen.cleanup.shrink import DROP_DEAD, DROP_WORDS
from tflm_gen.model.graph import write_document
from tflm_gen.model.reader import parse_model

# --- shapes -----------------------------------------------------------------------------------


def test_open_batch_is_closed() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 16, 2), signature=(-1, 16, 2))
    result, change = run_pass(STATIC_SHAPES, net.finish([net.conv_1d(x, 3, 3)]))
    assert all(tensor.signature is None for tensor in result.main.tensors)
    assert change.claims == ()
    assert change.trap == ""


@pytest.mark.oracle
def test_wrong_batches_are_corrected() -> None:
    result, change = run_pass(STATIC_SHAPES, ROUGH["open_batch_tcn"]())
    opened = [o.outputs[0] for o in result.main.operators if o.op == "SPACE_TO_BATCH_ND"]
    assert [result.main.tensors[i].shape for i in opened] == [(2, 14, 4), (4, 8, 4)]
    assert change.is_settled
    assert claims_hold(change)


def test_a_wrong_shape_outside_a_region_is_not_settled() -> None:
    result, change = run_pass(STATIC_SHAPES, wrong_reshape())
    main = result.main
    assert main.tensors[main.outputs[0]].shape == (1, 6, 12, 2)
    assert not change.is_settled


def test_shapes_behind_an_unknown_operator_are_left_alone() -> None:
    doc = document(wrong_reshape())
    relu = doc.main.operators[-1]
    unknown = replace(relu, op="CUSTOM:OWN", custom_code=b"OWN", options=None)
    graph = replace(doc.main, operators=(*doc.main.operators[:-1], unknown))
    assert STATIC_SHAPES.run(replace(doc, graphs=(graph,))) is None


def test_shape_arithmetic_becomes_a_constant() -> None:
    net = ModelBuilder(seed=1)
    data = net.finish([flatten_by_shape(net, net.input((1, 6, 2)))])
    result, _ = run_pass(FOLD_SHAPES, data)
    assert ops(result) == ["RESHAPE"]
    shape = result.main.tensors[result.main.operators[0].inputs[1]]
    assert np.frombuffer(shape.data, np.int32).tolist() == [1, 12]


def test_a_shape_that_is_an_output_stays_an_operator() -> None:
    net = ModelBuilder(seed=1)
    assert leaves_alone(FOLD_SHAPES, net.finish([net.shape_of(net.input((1, 6, 2)))]))


# --- operators TFLM lacks ---------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("shape", "counts", "kinds"),
    [
        ((1, 5, 1, 3), (1, 1, 4, 1), {"RESHAPE", "RESIZE_NEAREST_NEIGHBOR"}),
        ((1, 4, 1, 3, 2), (1, 1, 2, 1, 1), {"RESHAPE", "RESIZE_NEAREST_NEIGHBOR"}),
        ((1, 4, 3, 1, 2), (1, 1, 1, 7, 1), {"RESHAPE", "RESIZE_NEAREST_NEIGHBOR"}),
        ((1, 5, 3), (1, 2, 1), {"CONCATENATION"}),
        ((1, 2, 3), (1, 23, 2), {"CONCATENATION"}),
        ((2, 3), (3, 1), {"CONCATENATION"}),
        ((1, 3), (1, 1), {"RESHAPE"}),
    ],
)
@pytest.mark.parametrize("dtype", ["int8", "float32", "int16"])
def test_tile_is_replaced(
    shape: tuple[int, ...], counts: tuple[int, ...], kinds: set[str], dtype: str
) -> None:
    net = ModelBuilder(seed=1, dtype=dtype)
    result, change = run_pass(REPEATS, net.finish([tile(net, net.input(shape), counts)]))
    assert set(ops(result)) == kinds
    assert claims_hold(change)


def test_tile_by_a_count_that_is_computed_stays() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 4))
    counts = net.input((2,), dtype="int32")
    out = net.like(x, (1, 8))
    net.operator("TILE", [x, counts], [out], FB.TileOptionsT())
    assert leaves_alone(REPEATS, net.finish([out]))


@pytest.mark.oracle
@pytest.mark.parametrize("n", [11, 20, 101])
def test_long_concatenation_is_split(n: int) -> None:
    net = ModelBuilder(seed=1)
    parts = [net.input((1, 2, 3), name=f"x{i}") for i in range(2)]
    parts = [replace(part, quant=parts[0].quant) for part in parts]
    net.graph.tensors[1].quantization = net.graph.tensors[0].quantization
    data = net.finish([net.concatenation([parts[i % 2] for i in range(n)], 1)])
    result, change = run_pass(LONG_CONCATENATIONS, data)
    assert all(len(operator.inputs) <= 10 for operator in result.main.operators)
    assert claims_hold(change)


def test_short_concatenation_stays() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 2, 3))
    assert leaves_alone(LONG_CONCATENATIONS, net.finish([net.concatenation([x] * 10, 1)]))


def test_float16_constants_are_widened_exactly() -> None:
    result, _ = run_pass(HALF_FLOATS, ROUGH["float16_weights"]())
    assert ops(result) == ["FULLY_CONNECTED"]
    before = document(ROUGH["float16_weights"]()).main
    half = np.frombuffer(before.tensors[before.operators[0].inputs[0]].data, np.float16)
    weights = result.main.tensors[result.main.operators[0].inputs[1]]
    assert np.array_equal(np.frombuffer(weights.data, np.float32), half.astype(np.float32))


# --- reshapes ---------------------------------------------------------------------------------


def test_reshapes_between_convolutions_vanish() -> None:
    net = ModelBuilder(seed=8)
    x = net.conv_1d(net.input((1, 16, 2)), 4, 3)
    x = net.conv_1d(x, 4, 3, expand_dims=True)
    result, _ = run_pass(MERGE_RESHAPES, net.finish([net.conv_1d(x, 4, 3)]))
    assert ops(result) == ["RESHAPE", "CONV_2D", "CONV_2D", "CONV_2D", "RESHAPE"]


def test_graph_inputs_and_outputs_keep_their_shapes() -> None:
    net = ModelBuilder(seed=8)
    x = net.input((1, 4, 2), name="x")
    data = net.finish([net.reshape(net.reshape(x, (8,)), (1, 8))])
    result, _ = run_pass(MERGE_RESHAPES, data)
    assert ops(result) == ["RESHAPE"]
    main = result.main
    assert main.tensors[main.inputs[0]].shape == (1, 4, 2)
    assert main.tensors[main.outputs[0]].shape == (1, 8)


def test_an_idle_reshape_to_the_output_gives_its_place_to_the_producer() -> None:
    net = ModelBuilder(seed=8)
    x = net.activation(net.input((1, 8)), "RELU")
    result, _ = run_pass(MERGE_RESHAPES, net.finish([net.reshape(x, (1, 8))]))
    assert ops(result) == ["RELU"]


def test_an_idle_reshape_from_input_to_output_stays() -> None:
    net = ModelBuilder(seed=8)
    assert leaves_alone(MERGE_RESHAPES, net.finish([net.reshape(net.input((1, 8)), (1, 8))]))


def test_a_transpose_that_moves_nothing_is_a_reshape() -> None:
    net = ModelBuilder(seed=8)
    x = net.transpose(net.input((1, 4, 1, 3)), (0, 2, 1, 3))
    result, _ = run_pass(MERGE_RESHAPES, net.finish([x]))
    assert ops(result) == ["RESHAPE"]


def test_a_transpose_that_moves_something_stays() -> None:
    net = ModelBuilder(seed=8)
    x = net.transpose(net.input((1, 4, 2, 3)), (0, 2, 1, 3))
    assert leaves_alone(MERGE_RESHAPES, net.finish([x]))


def test_a_reshape_that_requantizes_stays() -> None:
    net = ModelBuilder(seed=8)
    x = net.input((1, 4))
    out = net.tensor((4, 1), "int8", quant=per_tensor(0.125, 5))
    net.operator("EXPAND_DIMS", [x, net.constant([1], "int32")], [out], FB.ExpandDimsOptionsT())
    assert leaves_alone(MERGE_RESHAPES, net.finish([out]))


def test_flatten_before_a_dense_layer_vanishes() -> None:
    net = ModelBuilder(seed=8)
    x = net.reshape(net.conv_1d(net.input((1, 6, 2)), 3, 3), (1, 18))
    result, _ = run_pass(MERGE_RESHAPES, net.finish([net.fully_connected(x, 2)]))
    assert ops(result) == ["RESHAPE", "CONV_2D", "FULLY_CONNECTED"]


def test_flatten_before_a_dense_layer_that_keeps_dimensions_stays() -> None:
    net = ModelBuilder(seed=8)
    x = net.reshape(net.activation(net.input((1, 6, 2)), "RELU"), (1, 12))
    data = net.finish([net.fully_connected(x, 2, keep_num_dims=True)])
    assert leaves_alone(MERGE_RESHAPES, data)


def test_moving_is_not_done_where_it_saves_nothing() -> None:
    net = ModelBuilder(seed=8)
    x = net.activation(net.conv_1d(net.input((1, 6, 2)), 3, 3), "RELU")
    merged = document(net.finish([x]))
    assert MOVE_RESHAPES.run(merged) is None


def test_reductions_are_not_moved_to_images() -> None:
    net = ModelBuilder(seed=8)
    x = net.mean(net.conv_1d(net.input((1, 6, 2)), 3, 3), (1,))
    assert leaves_alone(MOVE_RESHAPES, net.finish([x]))


# --- reductions -------------------------------------------------------------------------------


def only_reduction(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...], bool, tuple[int, ...]]:
    """Input shape, axes, keep_dims and output shape of the reduction after the pass."""
    result, change = run_pass(FAST_REDUCTIONS, data)
    assert "1 reductions" in change.detail
    graph = result.main
    found = next(o for o in graph.operators if o.op in ("MEAN", "SUM", "REDUCE_MAX"))
    axes = np.frombuffer(graph.tensors[found.inputs[1]].data, np.int32)
    ends = (graph.tensors[found.inputs[0]].shape, graph.tensors[found.outputs[0]].shape)
    return ends[0], tuple(axes.tolist()), bool(found.option("keep_dims")), ends[1]


@pytest.mark.parametrize("op", ["MEAN", "SUM", "REDUCE_MAX"])
def test_a_reduction_behind_a_reshape_gets_the_fewest_dimensions(op: str) -> None:
    net = ModelBuilder(seed=8)
    x = net.reduce(net.conv_1d(net.input((1, 6, 2)), 3, 3), op, (1,))
    assert only_reduction(net.finish([x])) == ((6, 3), (0,), True, (1, 3))


def test_a_batch_is_a_dimension_of_its_own() -> None:
    net = ModelBuilder(seed=8)
    x = net.reshape(net.activation(net.input((2, 1, 6, 3)), "RELU"), (2, 6, 1, 3))
    assert only_reduction(net.finish([net.mean(x, (1, 2))])) == ((2, 6, 3), (1,), False, (2, 3))


@pytest.mark.parametrize("is_image", [True, False])
def test_a_mean_of_floats_becomes_one_over_an_image(is_image: bool) -> None:
    net = ModelBuilder(seed=8, dtype="float32")
    x = net.conv_2d(net.input((1, 2, 6, 2)), 3, (1, 3))
    x = net.mean(x, (2, 1)) if is_image else net.mean(net.reshape(x, (1, 12, 3)), (1,))
    data = net.finish([net.fully_connected(x, 2)])
    assert only_reduction(data) == ((1, 2, 6, 3), (1, 2), True, (1, 1, 1, 3))
    result, _ = run_pass(FAST_REDUCTIONS, data)
    assert ops(result) == ["CONV_2D", "MEAN", "FULLY_CONNECTED"]


@pytest.mark.parametrize(("dtype", "axes"), [("float32", (1, 2)), ("int8", (1, 2)), ("int8", (3,))])
def test_a_reduction_that_only_a_new_operator_could_speed_up_stays(
    dtype: str, axes: tuple[int, ...]
) -> None:
    net = ModelBuilder(seed=8, dtype=dtype)
    x = net.conv_2d(net.input((1, 2, 6, 2)), 3, (1, 3))
    assert leaves_alone(FAST_REDUCTIONS, net.finish([net.mean(x, axes)]))


@pytest.mark.parametrize(
    ("shape", "axes", "parts"),
    [
        ((1, 15, 24), (1,), (1, 15, 24)),
        ((1, 1, 15, 24), (-2, -3), (1, 15, 24)),
        ((2, 3, 4, 5), (1, 2), (2, 12, 5)),
        ((2, 3, 4, 5), (3,), (24, 5, 1)),
        ((2, 3, 4, 5), (0,), (1, 2, 60)),
        ((2, 3, 4, 5), (1, 3), None),
        ((1, 1, 4), (0,), None),
        ((7,), (0,), (1, 7, 1)),
    ],
)
def test_dimensions_are_merged(shape, axes, parts) -> None:
    assert merged_dimensions(shape, axes) == parts


def test_short_pad_before_an_image_is_done_on_the_image() -> None:
    net = ModelBuilder(seed=8)
    x = net.pad(net.input((1, 6, 2)), ((0, 0), (2, 1), (0, 0)))
    data = net.finish([net.conv_2d(net.reshape(x, (1, 1, 9, 2)), 3, (1, 3), padding="VALID")])
    result, _ = run_pass(PAD_IMAGES, data)
    assert ops(result) == ["RESHAPE", "PAD", "CONV_2D"]
    table = result.main.tensors[result.main.operators[1].inputs[1]]
    assert np.frombuffer(table.data, np.int32).tolist() == [0, 0, 0, 0, 2, 1, 0, 0]


# --- what nobody reads ------------------------------------------------------------------------


def two_heads() -> ModelBuilder:
    net = ModelBuilder(seed=9)
    x = net.input((1, 8), name="ecg")
    used, unused = net.fully_connected(x, 3), net.fully_connected(x, 2)
    net.graph.tensors[used.index].name = "rhythm"
    net.activation(unused, "RELU")
    net.signature("serve", {"in": x}, {"out": used})
    net.metadata("min_runtime_version", b"2.17.0")
    net.metadata("TFLM_GEN_classes", b"N,V,S")
    net.outputs = [used]
    return net


def test_dead_operators_and_their_tensors_go() -> None:
    net = two_heads()
    result, _ = run_pass(DROP_DEAD, net.finish(net.outputs))
    assert ops(result) == ["FULLY_CONNECTED"]
    assert len(result.main.tensors) == 4
    signature = parse_model(write_document(result), "m").signatures[0]
    assert signature.inputs == (("in", result.main.inputs[0]),)
    assert signature.outputs == (("out", result.main.outputs[0]),)


def test_names_of_inputs_and_outputs_and_own_metadata_stay() -> None:
    net = two_heads()
    result, change = run_pass(DROP_WORDS, net.finish(net.outputs))
    names = {tensor.name for tensor in result.main.tensors}
    assert names == {b"", b"ecg", b"rhythm"}
    assert result.metadata == ((b"TFLM_GEN_classes", b"N,V,S"),)
    assert result.description == b""
    assert "min_runtime_version" in change.detail


def test_state_is_never_dead() -> None:
    from tests.support.stateful_model import streaming_svdf

    result, _ = run_pass(DROP_WORDS, streaming_svdf())
    again = DROP_DEAD.run(result)
    kept = again[0] if again else result
    assert any(tensor.is_variable for tensor in kept.main.tensors)
    assert ops(kept) == ["SVDF"]
