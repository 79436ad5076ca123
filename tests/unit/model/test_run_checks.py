"""Valid models that the interpreter is not given, and why."""

from __future__ import annotations

import struct

import pytest

from tests.fuzz.rare_operators import rare_files
from tests.support.graph_builder import FB, pack, unpack
from tests.support.model_builder import ModelBuilder
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES
from tflm_gen.errors import MalformedModelError
from tflm_gen.model.reader import parse_model
from tflm_gen.model.run_checks import find_hazards, reason_not_to_run

SEEDS = rare_files() | {name: FEATURES[name]() for name in ("fill_constant", "activation_abs_int8")}


def reason(data: bytes) -> str:
    return reason_not_to_run(parse_model(data, "x.tflite"))


def opened(name: str):
    """A feature with every dimension left open, as a mutable object."""
    model = unpack(FEATURES[name]())
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = [-1] * len(tensor.shape)
    return model


@pytest.mark.parametrize("name", sorted(ZOO))
def test_ordinary_models_may_run(name: str) -> None:
    assert reason(ZOO[name]()) == ""


@pytest.mark.parametrize("op", ["slice", "arg_max", "mean", "space_to_batch_nd"])
def test_positions_that_a_run_computes(op: str) -> None:
    assert "which only a run computes" in reason(FEATURES[f"second_operand_{op}_int8_runtime"]())
    assert reason(FEATURES[f"second_operand_{op}_int8_constant"]()) == ""


@pytest.mark.parametrize("op", ["reshape", "pad", "transpose", "strided_slice", "gather", "cumsum"])
def test_positions_that_kernels_check_themselves(op: str) -> None:
    assert reason(FEATURES[f"second_operand_{op}_int8_runtime"]()) == ""


def test_options_that_nobody_can_judge() -> None:
    assert "SignalWindow" in reason(FEATURES["custom_signalwindow"]())
    assert reason(FEATURES["custom_nosuchthing"]()) == ""


def test_stored_shapes_count_where_dimensions_are_open() -> None:
    model = opened("broadcast_add_int8_0")
    assert reason(pack(model)) == ""
    model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].shape = [1, 2]
    assert "by its stored shapes" in reason(pack(model))


def test_an_open_length_is_named_as_the_remedy() -> None:
    model = opened("broadcast_add_int8_0")
    model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].shape = [1, 2]
    place = model.subgraphs[0].inputs[0]
    rank = len(model.subgraphs[0].tensors[place].shape)
    for signature, words in (([-1] * rank, "a fixed length"), ([-1] + [1] * (rank - 1), "batch")):
        model.subgraphs[0].tensors[place].shapeSignature = signature
        (hazard, *_) = find_hazards(parse_model(pack(model), "m.tflite"))
        assert words in hazard.remedy


def test_operand_checks_hold_for_open_dimensions_too() -> None:
    model = opened("reduction_mean_4_float32_last")
    axes = model.subgraphs[0].operators[0].inputs[1]
    buffer = model.buffers[model.subgraphs[0].tensors[axes].buffer]
    buffer.data = list(struct.pack("<i", 9))
    assert "axis 9 of 4 dimensions" in reason(pack(model))


@pytest.mark.parametrize(("scale", "runs"), [(0.5, True), (1.0, False), (2.0, False)])
def test_comparison_of_large_scales(scale: float, runs: bool) -> None:
    model = unpack(FEATURES["broadcast_greater_int8_0"]())
    model.subgraphs[0].tensors[0].quantization.scale = [scale]
    assert (reason(pack(model)) == "") is runs


def test_comparison_without_scales() -> None:
    model = unpack(FEATURES["broadcast_greater_int8_0"]())
    model.subgraphs[0].tensors[0].quantization = None
    with pytest.raises(MalformedModelError, match="has no scale"):
        reason(pack(model))
    model = unpack(FEATURES["broadcast_greater_int8_0"]())
    model.subgraphs[0].tensors[0].quantization.scale = [0.0]
    with pytest.raises(MalformedModelError, match="scale 0"):
        reason(pack(model))


def test_reduction_of_nothing() -> None:
    model = unpack(FEATURES["reduction_mean_4_float32_last"]())
    model.subgraphs[0].tensors[0].shape = [1, 2, 3, 0]
    with pytest.raises(MalformedModelError, match="no elements"):
        reason(pack(model))


@pytest.mark.parametrize(
    ("name", "operand", "shape", "numbers", "words"),
    [
        ("rare_reverse_v2_int8", 1, [0], [1], "axis is missing"),
        ("rare_arg_min_int8", 1, [0], [1], "axis is missing"),
        ("rare_split_int8", 0, [0], [1], "no elements"),
        ("rare_broadcast_args", 1, [2], [2, 5], "do not broadcast"),
        ("rare_gather_nd_int8", 1, [2, 2], [0, 1, 3, 3], "index 3 of 3"),
        ("rare_gather_nd_int8", 1, [2, 3], [0, 1, 2, 2, 1, 1], "3 numbers for 2 dimensions"),
        ("rare_embedding_lookup", 0, [2], [0, 3], "row 0 or 3 of 3"),
        ("rare_dynamic_update_slice_int8", 2, [3], [1, 1, 1], "does not fit"),
        ("fill_constant", 0, [2], [9, 9], "output is not"),
    ],
)
def test_constant_operands(name: str, operand: int, shape, numbers, words: str) -> None:
    data = SEEDS[name]
    assert reason(data) == ""
    model = unpack(data)
    graph = model.subgraphs[0]
    operator = next(op for op in graph.operators if len(op.inputs) > operand)
    tensor = graph.tensors[operator.inputs[operand]]
    tensor.shape = shape
    model.buffers[tensor.buffer].data = list(struct.pack(f"<{len(numbers)}i", *numbers))
    with pytest.raises(MalformedModelError, match=words):
        reason(pack(model))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rare_sin_float32", "number of elements"),
        ("activation_abs_int8", "number of elements"),
        ("rare_add_n_float32", "number of elements"),
        ("rare_select_v2", "do not broadcast"),
        ("rare_shape", "output is not of 2"),
        ("rare_embedding_lookup", "output is not of 8"),
        ("rare_gather_nd_float32", "output is not of 2"),
    ],
)
def test_output_of_another_shape(name: str, words: str) -> None:
    model = unpack(SEEDS[name])
    graph = model.subgraphs[0]
    graph.tensors[graph.operators[0].outputs[0]].shape = [7, 7]
    with pytest.raises(MalformedModelError, match=words):
        reason(pack(model))


@pytest.mark.parametrize("op", ["space_to_batch_nd", "batch_to_space_nd"])
@pytest.mark.parametrize("places", [(1,), (2,), (1, 2)])
def test_operands_that_are_read_as_int32(op: str, places: tuple[int, ...]) -> None:
    """With an int64 block the wheel divides by its upper half, 0, and dies with SIGFPE."""
    assert "as int32, not" in reason(widened(f"second_operand_{op}_int8_constant", *places))


@pytest.mark.parametrize(("places", "runs"), [((1,), False), ((2,), False), ((1, 2), True)])
def test_slice_reads_begin_and_size_with_one_type(places: tuple[int, ...], runs: bool) -> None:
    assert (reason(widened("second_operand_slice_int8_constant", *places)) == "") is runs


def widened(name: str, *places: int) -> bytes:
    """A feature with some constant operands as int64."""
    model = unpack(FEATURES[name]())
    graph = model.subgraphs[0]
    for at in places:
        tensor = graph.tensors[graph.operators[0].inputs[at]]
        tensor.type = FB.TensorType.INT64
        data = bytes(model.buffers[tensor.buffer].data)
        numbers = struct.unpack(f"<{len(data) // 4}i", data)
        model.buffers[tensor.buffer].data = list(struct.pack(f"<{len(numbers)}q", *numbers))
    return pack(model)


@pytest.mark.parametrize(("option", "runs"), [(1, True), (2, False), (0, False), (100_000, False)])
def test_depth_multiplier_that_is_not_the_tensors(option: int, runs: bool) -> None:
    net = ModelBuilder(seed=1)
    model = net.to_object([net.depthwise_conv_2d(net.input((1, 4, 4, 3)), (3, 3))])
    model.subgraphs[0].operators[0].builtinOptions.depthMultiplier = option
    said = reason(pack(model))
    assert (said == "") is runs
    assert runs or f"writes {3 * option:,} channels, and its output has 3" in said


def test_who_is_at_fault() -> None:
    model = opened("broadcast_add_int8_0")
    model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].shape = [1, 2]
    (of_file,) = find_hazards(parse_model(pack(model), "x.tflite"))
    (of_kernel,) = find_hazards(
        parse_model(FEATURES["second_operand_slice_int8_runtime"](), "x.tflite")
    )
    assert of_file.is_of_file
    assert not of_kernel.is_of_file
