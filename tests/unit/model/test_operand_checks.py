"""Constant operands, data types and recurrent layers that contradict their tensors are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.graph_builder import FB, Ref, pack, per_tensor, unpack
from tests.support.model_builder import ModelBuilder
from tests.support.zoo_features import FEATURES
from tflm_gen.errors import MalformedModelError
from tflm_gen.model.reader import parse_model


def one(
    op: str,
    shape: tuple[int, ...],
    out: tuple[int, ...],
    constants: list[Any],
    *,
    options: str = "",
    fields: dict[str, Any] | None = None,
    dtype: str = "float32",
    index: str = "int32",
) -> bytes:
    """A model of one operator with constant operands."""
    net = ModelBuilder(dtype=dtype, seed=1)
    x = net.input(shape)
    result = net.like(x, out)
    table = getattr(FB, f"{options}OptionsT")() if options else None
    for name, value in (fields or {}).items():
        setattr(table, name, value)
    refs: list[Ref | None] = [net.constant(values, index) for values in constants]
    net.operator(op, [x, *refs], [result], table)
    return net.finish([result])


def refused(data: bytes, words: str) -> None:
    with pytest.raises(MalformedModelError, match=words):
        parse_model(data, "m")


SLICE = {"options": "Slice"}
CASES = [
    ("SLICE", (2, 6), (1, 3), [[0, 4], [1, 3]], "3 from 4 on", SLICE),
    ("SLICE", (2, 6), (1, 3), [[0, -1], [1, 3]], "3 from -1 on", SLICE),
    ("SLICE", (2, 6), (1, 2), [[0, 0], [1, 3]], "3 from 0 on", SLICE),
    ("SLICE", (2, 6), (1, 3), [[0], [1]], "not of the input's dimensions", SLICE),
    ("TRANSPOSE", (2, 6), (6, 2), [[1, 1]], "no order of 2", {}),
    ("TRANSPOSE", (2, 6), (6, 2), [[1, 7]], "no order of 2", {}),
    ("TRANSPOSE", (2, 6), (2, 6), [[1, 0]], r"the output is not \[6, 2\]", {}),
    ("PAD", (2, 6), (2, 8), [[[0, 0], [1, 9]]], r"the output is not \[2, 16\]", {}),
    ("PAD", (2, 6), (2, 8), [[[0, 0], [-1, 3]]], "paddings", {}),
    ("MIRROR_PAD", (2, 2), (2, 6), [[[0, 0], [2, 2]]], "less to mirror", {"options": "MirrorPad"}),
    ("MEAN", (2, 6), (2,), [[2]], "axis 2 of 2", {"options": "Reducer"}),
    ("SUM", (2, 6), (3,), [[1]], "not of 2 elements", {"options": "Reducer"}),
    ("CUMSUM", (2, 6), (2, 6), [9], "axis 9 of 2", {"options": "Cumsum"}),
    ("CUMSUM", (2, 6), (2, 5), [1], "the shape changes", {"options": "Cumsum"}),
    ("EXPAND_DIMS", (2, 6), (2, 6, 1), [5], "axis 5 of 3", {"options": "ExpandDims"}),
    ("GATHER", (6, 2), (2, 2), [[0, 6]], "index 0 or 6 of 6", {"options": "Gather"}),
    ("GATHER", (6, 2), (5, 2), [[0, 1]], "the output is not", {"options": "Gather"}),
    ("BROADCAST_TO", (1, 6), (3, 6), [[2, 6]], r"the output is not \[2, 6\]", {}),
    ("BROADCAST_TO", (2, 6), (3, 6), [[3, 6]], "do not broadcast", {}),
    ("RESIZE_BILINEAR", (1, 4, 4, 2), (1, 8, 8, 2), [[9, 8]], "not of", {}),
    ("RESIZE_BILINEAR", (1, 4, 4, 2), (1, 8, 8, 3), [[8, 8]], "channels change", {}),
    ("STRIDED_SLICE", (1, 6), (1, 6), [[0, 0], [1, 6], [1, 0]], "a stride is 0", {}),
    (
        *("SPACE_TO_DEPTH", (1, 4, 4, 1), (1, 2, 2, 3), [], "block size 2"),
        {"options": "SpaceToDepth", "fields": {"blockSize": 2}},
    ),
    (
        *("SPACE_TO_BATCH_ND", (1, 4, 4, 1), (4, 2, 3, 1), [[2, 2], [[0, 0]] * 2]),
        *("does not fit block 2", {}),
    ),
]


@pytest.mark.parametrize(("op", "shape", "out", "constants", "words", "more"), CASES)
def test_constant_operand_that_does_not_fit(op, shape, out, constants, words, more) -> None:
    if op == "STRIDED_SLICE":
        more = {"options": "StridedSlice"}
    refused(one(op, shape, out, constants, **more), words)


def test_split_into_other_parts() -> None:
    net = ModelBuilder(dtype="float32", seed=1)
    x = net.input((1, 6))
    outs = [net.tensor((1, 2), "float32"), net.tensor((1, 4), "float32")]
    sizes, axis = net.constant([2, 4], "int32"), net.constant(7, "int32")
    options = FB.SplitVOptionsT()
    options.numSplits = 2
    net.operator("SPLIT_V", [x, sizes, axis], outs, options)
    refused(net.finish(outs), "axis 7 of 2")


@pytest.mark.parametrize("beta", [float("inf"), float("nan"), 1e-30])
def test_softmax_beta(beta: float) -> None:
    net = ModelBuilder(seed=1)
    refused(net.finish([net.softmax(net.input((1, 4)), beta=beta)]), "beta|input scale")


def test_sum_whose_output_scale_is_far_off() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 4))
    out = net.tensor((1, 4), "int8", quant=per_tensor(1e-12))
    net.operator("ADD", [x, x], [out], FB.AddOptionsT())
    refused(net.finish([out]), "output scale 1e-12")


@pytest.mark.parametrize(
    ("op", "inputs", "output"),
    [
        ("ABS", ("float32",), "int8"),
        ("ADD", ("int8", "float32"), "int8"),
        ("EQUAL", ("int8", "float32"), "bool"),
        ("EQUAL", ("int8", "int8"), "int8"),
        ("LOGICAL_AND", ("bool", "int8"), "bool"),
        ("PACK", ("int8", "int16"), "int8"),
        ("RESHAPE", ("int8", "float32"), "int8"),
        ("CONV_2D", ("int8", "int8", "float32"), "int8"),
        ("CONV_2D", ("int8", "int8", "int32"), "int16"),
    ],
)
def test_types_that_contradict(op: str, inputs: tuple[str, ...], output: str) -> None:
    net = ModelBuilder(seed=1)
    shape = (1, 1, 1, 1) if op == "CONV_2D" else (1,)
    quants = {"int8": per_tensor(0.1), "int16": per_tensor(0.1)}
    refs = [net.tensor(shape, dtype, quant=quants.get(dtype)) for dtype in inputs]
    net.graph.inputs += refs
    out = net.tensor(shape, output, quant=quants.get(output))
    options = {"CONV_2D": FB.Conv2DOptionsT, "PACK": FB.PackOptionsT}.get(op)
    table = options() if options else None
    if op == "CONV_2D":
        table.strideH = table.strideW = table.dilationHFactor = table.dilationWFactor = 1
    net.operator(op, refs, [out], table)
    refused(net.finish([out]), "data types contradict")


def lstm(change) -> bytes:
    model = unpack(FEATURES["lstm_int8_false"]())
    operator = model.subgraphs[0].operators[0]
    operator.inputs = [int(index) for index in operator.inputs]
    change(model.subgraphs[0].operators[0], model.subgraphs[0])
    return pack(model)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda op, _: op.inputs.__setitem__(2, -1), "weights are not all"),
        (lambda op, _: op.inputs.__setitem__(13, -1), "biases are not all"),
        (lambda op, _: op.inputs.__setitem__(18, op.inputs[0]), "its state"),
        (lambda op, graph: setattr(graph.tensors[op.inputs[3]], "shape", [3, 5]), "weights"),
        (lambda op, _: setattr(op, "inputs", op.inputs[:20]), "20 inputs"),
    ],
)
def test_lstm_operands(change, words: str) -> None:
    parse_model(FEATURES["lstm_int8_false"](), "good")
    refused(lstm(change), words)


def test_svdf_operands() -> None:
    model = unpack(FEATURES["svdf_int8_int8"]())
    state = model.subgraphs[0].operators[0].inputs[4]
    model.subgraphs[0].tensors[state].shape = np.array([1, 19], np.int32)
    refused(pack(model), "do not fit each other")


def test_quantized_svdf_without_a_bias() -> None:
    model = unpack(FEATURES["svdf_int8_int8"]())
    operator = model.subgraphs[0].operators[0]
    operator.inputs = [int(index) if at != 3 else -1 for at, index in enumerate(operator.inputs)]
    refused(pack(model), "do not fit each other")


def test_prelu_slopes_that_do_not_broadcast() -> None:
    model = unpack(FEATURES["prelu_int8_5x"]())
    model.subgraphs[0].tensors[1].shape = [2]
    refused(pack(model), "do not broadcast")


def test_depthwise_with_a_bias_that_is_listed_and_left_out() -> None:
    model = unpack(FEATURES["depthwise_int8_1_1x1"]())
    operator = model.subgraphs[0].operators[0]
    operator.inputs = [int(operator.inputs[0]), int(operator.inputs[1]), -1]
    refused(pack(model), "listed, and left out")


@pytest.mark.parametrize("field", ["tensors", "operators", "inputs", "outputs"])
def test_list_that_is_missing(field: str) -> None:
    model = unpack(FEATURES["no_operators"]())
    setattr(model.subgraphs[0], field, None)
    with pytest.raises(MalformedModelError):
        parse_model(pack(model), "m")


def test_input_that_is_a_constant() -> None:
    model = unpack(FEATURES["second_operand_resize_bilinear_int8_constant"]())
    model.subgraphs[0].inputs = [1, 0]
    refused(pack(model), "its input, tensor 1, holds constant data")


@pytest.mark.parametrize(
    ("name", "graph", "field", "value"),
    [
        ("while_loop", 1, "outputs", []),
        ("while_loop", 1, "outputs", [0]),
        ("while_loop", 2, "inputs", []),
        ("if_branch", 1, "outputs", [0, 1]),
        ("if_branch", 2, "inputs", []),
        ("resource_variable", 1, "outputs", [0]),
    ],
)
def test_called_subgraph_that_takes_or_gives_something_else(
    name: str, graph: int, field: str, value: list[int]
) -> None:
    parse_model(FEATURES[name](), "good")
    model = unpack(FEATURES[name]())
    setattr(model.subgraphs[graph], field, value)
    with pytest.raises(MalformedModelError):
        parse_model(pack(model), "m")
