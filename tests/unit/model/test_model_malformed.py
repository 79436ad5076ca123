"""Broken models: every check of what the tables say is broken once by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.graph_builder import FB, Quant, pack, per_tensor, unpack
from tests.support.model_builder import ModelBuilder
from tests.support.small_model import SMALL, small_object
from tflm_gen.errors import MalformedModelError, UnsupportedModelError
from tflm_gen.model.reader import parse_model


def edit(path: str, value: Any) -> Callable[[Any], None]:
    """A function that sets ``subgraphs.0.operators.1.inputs`` and the like."""

    def apply(model: Any) -> None:
        *parents, last = path.split(".")
        target = model
        for part in parents:
            target = target[int(part)] if part.isdigit() else getattr(target, part)
        if last.isdigit():
            target[int(last)] = value
        else:
            setattr(target, last, value)

    return apply


def quant(scales: list[float], zero_points: list[int], axis: int = 0) -> Any:
    entry = FB.QuantizationParametersT()
    entry.scale, entry.zeroPoint, entry.quantizedDimension = scales, zero_points, axis
    return entry


OPS = "subgraphs.0.operators"
TENSORS = "subgraphs.0.tensors"
# Operator 0 is CONV_2D (inputs 0, 1, 2; output 3), 1 is MEAN, 2 is FULLY_CONNECTED.
BROKEN: list[tuple[str, Any, str]] = [
    ("subgraphs", [], "no subgraph"),
    ("operatorCodes", [], "operator code 0 of 0"),
    (f"{OPS}.0.opcodeIndex", 9, "operator code 9 of 3"),
    ("operatorCodes.0.version", 0, "version 0"),
    ("operatorCodes.0.builtinCode", 32, "a custom operator without a name"),
    (f"{OPS}.0.inputs", [0, 99, 2], "input is tensor 99 of"),
    (f"{OPS}.0.inputs", [0, -2, 2], "input is tensor -2 of"),
    (f"{OPS}.0.inputs", [0], "needs 2 inputs"),
    (f"{OPS}.0.inputs", [0, -1, 2], "needs 2 inputs"),
    (f"{OPS}.0.outputs", [-1], "output is tensor -1 of"),
    (f"{OPS}.0.outputs", [], "has no output"),
    (f"{OPS}.0.outputs", [1], "writes tensor 1, which holds constant data"),
    (f"{OPS}.0.outputs", [0], "writes tensor 0, which already has a source"),
    (f"{OPS}.0.outputs", [3, 3], "writes tensor 3, which already has a source"),
    (f"{OPS}.0.intermediates", [50], "intermediate is tensor 50 of"),
    (f"{OPS}.0.inputs", [3, 1, 2], "reads tensor 3, which no constant"),
    (f"{OPS}.0.builtinOptionsType", 0, "its options are missing, not Conv2DOptions"),
    (f"{OPS}.0.builtinOptions.strideW", 0, "stride_w is 0"),
    (f"{OPS}.0.builtinOptions.dilationHFactor", -1, "dilation_h_factor is -1"),
    (f"{OPS}.0.builtinOptions.padding", 7, "7 is no value of Padding"),
    (f"{OPS}.0.builtinOptions.fusedActivationFunction", 99, "no value of Activation"),
    (f"{TENSORS}.0.shape", [1, 12, 2], "tensor 0 is not 4-D"),
    (f"{TENSORS}.0.shape", [1, 0, 12, 2], "tensor 0 has no elements"),
    (f"{TENSORS}.0.shape", [1, 1, 12, 3], "no multiple of the group"),
    (f"{TENSORS}.0.shape", [1, 1, 12, 4], "3 filters do not divide into 2 groups"),
    (f"{TENSORS}.0.shape", [1, 1, 13, 2], "the window has 13 positions"),
    (f"{TENSORS}.0.shape", [2, 1, 12, 2], "the batch changes"),
    (f"{TENSORS}.3.shape", [1, 1, 12, 5], "the output has not 3 channels"),
    (f"{TENSORS}.3.quantization", None, "tensor 3 (int8) has no scale"),
    (f"{TENSORS}.7.shape", [1], "the bias is not of 2 channels"),
    ("subgraphs.0.inputs", [77], "input is tensor 77 of"),
    ("subgraphs.0.outputs", [-1], "output is tensor -1 of"),
    (f"{TENSORS}.0.shape", [1, -3, 12, 2], "dimension -3"),
    (f"{TENSORS}.0.shape", [65536, 65536], "larger than the 2,147,483,647 bytes"),
    (f"{TENSORS}.0.shape", [1] * 17, "17 dimensions"),
    (f"{TENSORS}.1.shape", [3, 1, 3, 3], "needs 27 bytes, but buffer"),
    (f"{TENSORS}.0.shapeSignature", [-1, 2], "its signature 2"),
    (f"{TENSORS}.0.buffer", 40, "buffer 40 of"),
    (f"{TENSORS}.0.quantization", quant([0.5, 0.5], [0]), "2 scales, but 1 zero points"),
    (f"{TENSORS}.0.quantization", quant([float("nan")], [0]), "quantization scale nan"),
    (f"{TENSORS}.0.quantization", quant([float("inf")], [0]), "quantization scale inf"),
    (f"{TENSORS}.0.quantization", quant([1e-44], [0]), "quantization scale 9."),
    (f"{TENSORS}.0.quantization", quant([0.5], [128]), "zero point 128 of int8"),
    (f"{TENSORS}.0.quantization", quant([0.5], [-(2**40)]), "zero point -1099511627776"),
    (f"{TENSORS}.0.quantization", quant([-1.0], [0]), "quantization scale -1.0"),
    (f"{TENSORS}.0.quantization", quant([0.5] * 5, [0] * 5, 3), "5 scales along dimension 3"),
    (f"{TENSORS}.0.quantization", quant([0.5] * 2, [0] * 2, 9), "2 scales along dimension 9"),
    ("signatureDefs.0.subgraphIndex", 3, "subgraph 3 of 1"),
    ("signatureDefs.0.inputs.0.tensorIndex", 5, "tensor 5, which is no input"),
    ("signatureDefs.0.outputs.0.tensorIndex", 0, "tensor 0, which is no output"),
    ("metadata.0.buffer", 1000, "buffer 1,000 of"),
    ("buffers.2.offset", 1 << 60, "data at byte"),
]


@pytest.mark.parametrize(
    ("path", "value", "message"), BROKEN, ids=[f"{path}={value}"[:60] for path, value, _ in BROKEN]
)
def test_each_check_refuses_its_broken_file(path: str, value: Any, message: str) -> None:
    model = small_object()
    edit(path, value)(model)
    data = pack_with_outside_data(model, value) if path == "buffers.2.offset" else pack(model)
    with pytest.raises(MalformedModelError) as error:
        parse_model(data, "broken.tflite")
    assert message in error.value.message
    assert error.value.message.startswith("broken.tflite: ")
    assert error.value.hint
    assert error.value.exit_code == 2


def pack_with_outside_data(model: Any, offset: int) -> bytes:
    """The test builder's buffers have no offset field, the bindings' own have."""
    buffer = FB.BufferT()
    buffer.offset, buffer.size = offset, 4
    model.buffers[2] = buffer
    return pack(model)


def broken_shapes() -> list[tuple[str, Any, str]]:
    """One wrong shape or count for each kind of operator that is checked."""
    return [
        ("PACK", "valuesCount", "values_count is 99"),
        ("UNPACK", "num", "num is 99"),
        ("SPLIT", "numSplits", "num_splits is 99"),
        ("CONCATENATION", "axis", "axis is 99"),
    ]


@pytest.mark.parametrize(("op", "field", "message"), broken_shapes())
def test_counts_and_axes_are_checked(op: str, field: str, message: str) -> None:
    net = ModelBuilder(seed=2)
    x = net.input((1, 4, 6))
    parts = net.unpack(net.concatenation(net.split(x, 2, 2), 2), 1)
    model = net.to_object([net.pack(parts, 1)])
    codes = [code.builtinCode for code in model.operatorCodes]
    (operator,) = (
        entry
        for entry in model.subgraphs[0].operators
        if codes[entry.opcodeIndex] == getattr(FB.BuiltinOperator, op)
    )
    setattr(operator.builtinOptions, field, 99)
    with pytest.raises(MalformedModelError) as error:
        parse_model(pack(model), "x")
    assert message in error.value.message


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda net, x: net.pool_2d(x, "MAX_POOL_2D", (1, 2)), "the window has 4 positions"),
        (lambda net, x: net.depthwise_conv_2d(x, (1, 3)), "no multiple of the input's"),
        (lambda net, x: net.transpose_conv(x, 2, (1, 3)), "output channels are not"),
        (lambda net, x: net.fully_connected(x, 5), "the output is not 1 x 5"),
        (lambda net, x: net.batch_matmul(x, x, adj_y=True), "the output is not 8 x 8"),
        (lambda net, x: net.softmax(x), "the shape changes"),
        (lambda net, x: net.reshape(x, (1, 16)), "the number of elements changes"),
        (lambda net, x: net.binary("ADD", x, x), "do not broadcast"),
    ],
)
def test_output_shapes_are_checked(build: Any, message: str) -> None:
    net = ModelBuilder(seed=2)
    out = build(net, net.input((1, 1, 8, 2)))
    model = net.to_object([out])
    parse_model(pack(model), "right")
    shape = model.subgraphs[0].tensors[out.index].shape
    axis = -2 if "window" in message else -1
    shape[axis] += 1
    with pytest.raises(MalformedModelError) as error:
        parse_model(pack(model), "wrong")
    assert message in error.value.message


def test_open_dimensions_are_not_checked() -> None:
    net = ModelBuilder(seed=2)
    out = net.softmax(net.input((1, 8), signature=(-1, 8)))
    model = net.to_object([out])
    model.subgraphs[0].tensors[out.index].shape = [4, 8]
    parse_model(pack(model), "open")


def test_custom_operator_may_take_scratch_memory() -> None:
    net = ModelBuilder()
    x = net.input((1, 4))
    scratch = net.tensor((100,), "int8")
    out = net.tensor((1, 4), "int8")
    net.operator("CUSTOM", [x, scratch], [out], custom_name="ethos-u")
    assert parse_model(net.finish([out]), "vela").main.operators[0].inputs == (0, 1)


def test_the_unbroken_file_is_read() -> None:
    model = parse_model(SMALL, "small.tflite")
    assert [operator.op for operator in model.main.operators] == [
        "CONV_2D",
        "MEAN",
        "FULLY_CONNECTED",
    ]
    # The hand-made cases count on these positions.
    assert model.main.operators[0].inputs == (0, 1, 2)
    assert model.main.operators[0].outputs == (3,)


def test_data_behind_the_flatbuffer_is_read() -> None:
    model = small_object()
    weights = bytes(model.buffers[2].data)
    data = pack_with_outside_data(model, 1 << 20)
    # Now that the length is known, the same file with the true place.
    model = small_object()
    buffer = FB.BufferT()
    buffer.offset, buffer.size = len(data), len(weights)
    model.buffers[2] = buffer
    read = parse_model(pack(model).ljust(len(data), b"\0") + weights, "x")
    assert read.constant_data(read.main.tensors[1]) == weights


def test_unknown_data_type_and_schema_version_are_unsupported() -> None:
    for path, value in ((f"{TENSORS}.0.type", 60), ("version", 4)):
        model = small_object()
        edit(path, value)(model)
        with pytest.raises(UnsupportedModelError):
            parse_model(pack(model), "newer.tflite")


def test_unknown_operator_number_is_read_and_named() -> None:
    model = small_object()
    model.operatorCodes[1].builtinCode = 5000
    model.operatorCodes[1].deprecatedBuiltinCode = 127
    read = parse_model(pack(model), "newer.tflite")
    assert read.main.operators[1].op == "BUILTIN:5000"


def test_sparse_and_compressed_constants_may_be_short() -> None:
    model = small_object()
    model.buffers[2].data = b"\x01"
    sparse = FB.SparsityParametersT()
    sparse.traversalOrder = [0, 1, 2, 3]
    model.subgraphs[0].tensors[1].sparsity = sparse
    assert parse_model(pack(model), "sparse").main.tensors[1].is_sparse

    model = small_object()
    model.buffers[2].data = b"\x01"
    model.metadata[0].name = "COMPRESSION_METADATA"
    parse_model(pack(model), "compressed")


def test_subgraphs_that_call_in_a_circle_are_refused() -> None:
    for then_index, else_index, fragment in ((1, 5, "runs subgraph 5 of 2"), (1, 0, "circle")):
        net = ModelBuilder(dtype="float32")
        condition = net.constant(True, "bool")
        x = net.input((1, 4))
        out = net.tensor((1, 4), "float32")
        options = FB.IfOptionsT()
        options.thenSubgraphIndex, options.elseSubgraphIndex = then_index, else_index
        net.operator("IF", [condition, x], [out], options)
        net.start_subgraph("branch")
        inner = net.input((1, 4))
        data = net.finish([out], [net.binary("ADD", inner, inner)])
        with pytest.raises(MalformedModelError) as error:
            parse_model(data, "calls")
        assert fragment in error.value.message


def test_negative_operator_code() -> None:
    model = small_object()
    model.operatorCodes[0].builtinCode = -4
    model.operatorCodes[0].deprecatedBuiltinCode = -4
    with pytest.raises(MalformedModelError, match="builtin code -4"):
        parse_model(pack(model), "x")


def test_objects_round_trip() -> None:
    assert parse_model(pack(unpack(SMALL)), "x").main == parse_model(SMALL, "x").main
    assert per_tensor(0.5, 1) == Quant(scales=(0.5,), zero_points=(1,))
