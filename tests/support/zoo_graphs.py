"""Odd graphs: state, control flow, missing and custom operators, patterns, edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.graph_builder import FB, GraphBuilder, Quant, Ref, pack, per_tensor
from tests.support.zoo_registry import SIGNALS, builder, family, feature_case

# --- quantize ----------------------------------------------------------------------------------


@family(dtype=("int8", "int16", "uint8"))
def quantize_per_channel(dtype: str) -> bytes:
    net = builder("float32")
    x = net.input((1, 3))
    zero = 128 if dtype == "uint8" else 0
    quant = Quant(scales=(0.1, 0.2, 0.3), zero_points=(zero,) * 3, axis=1)
    out = net.tensor((1, 3), dtype, quant=quant)
    net.operator("QUANTIZE", [x], [out], FB.QuantizeOptionsT())
    return net.finish([out])


@family(dtype=("int8", "int16"))
def dequantize_per_channel(dtype: str) -> bytes:
    net = builder("float32")
    quant = Quant(scales=(0.1, 0.2, 0.3), zero_points=(0,) * 3, axis=1)
    x = net.tensor((1, 3), dtype, quant=quant)
    net.graph.inputs.append(x)
    out = net.tensor((1, 3), "float32")
    net.operator("DEQUANTIZE", [x], [out], FB.DequantizeOptionsT())
    return net.finish([out])


# --- state and control flow --------------------------------------------------------------------


def _handle(net: GraphBuilder) -> Ref:
    handle = net.tensor((), "resource")
    options = FB.VarHandleOptionsT()
    options.container, options.sharedName = "", "state"
    net.operator("VAR_HANDLE", [], [handle], options)
    return handle


@feature_case
def resource_variable() -> bytes:
    """State kept from one run to the next: read, add, write back."""
    net = builder("float32")
    x = net.input((1, 4))
    net.operator("CALL_ONCE", [], [], _call_once())
    handle = _handle(net)
    old = net.tensor((1, 4), "float32")
    net.operator("READ_VARIABLE", [handle], [old], FB.ReadVariableOptionsT())
    new = net.tensor((1, 4), "float32")
    net.operator("ADD", [old, x], [new], FB.AddOptionsT())
    net.operator("ASSIGN_VARIABLE", [handle, new], [], FB.AssignVariableOptionsT())
    net.start_subgraph("init")
    start = _handle(net)
    zeros = net.constant([[0.0, 0.0, 0.0, 0.0]], "float32")
    net.operator("ASSIGN_VARIABLE", [start, zeros], [], FB.AssignVariableOptionsT())
    return net.finish([new], [])


def _call_once() -> Any:
    options = FB.CallOnceOptionsT()
    options.initSubgraphIndex = 1
    return options


@feature_case
def while_loop() -> bytes:
    net = builder("float32")
    x = net.tensor((1,), "int32")
    net.graph.inputs.append(x)
    out = net.tensor((1,), "int32")
    options = FB.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = 1, 2
    net.operator("WHILE", [x], [out], options)
    net.start_subgraph("cond")
    counter = net.tensor((1,), "int32")
    net.graph.inputs.append(counter)
    less = net.tensor((1,), "bool")
    net.operator("LESS", [counter, net.constant([3], "int32")], [less], FB.LessOptionsT())
    net.start_subgraph("body")
    counter = net.tensor((1,), "int32")
    net.graph.inputs.append(counter)
    added = net.tensor((1,), "int32")
    net.operator("ADD", [counter, net.constant([1], "int32")], [added], FB.AddOptionsT())
    return net.finish([out], [less], [added])


@feature_case
def if_branch() -> bytes:
    net = builder("float32")
    flag = net.tensor((1,), "bool")
    x = net.tensor((1, 4), "float32")
    net.graph.inputs += [flag, x]
    out = net.tensor((1, 4), "float32")
    options = FB.IfOptionsT()
    options.thenSubgraphIndex, options.elseSubgraphIndex = 1, 2
    net.operator("IF", [flag, x], [out], options)
    outs = []
    for op in ("ABS", "NEG"):
        net.start_subgraph(op.lower())
        y = net.tensor((1, 4), "float32")
        net.graph.inputs.append(y)
        z = net.tensor((1, 4), "float32")
        net.operator(op, [y], [z], None)
        outs.append([z])
    return net.finish([out], *outs)


def _lstm(dtype: str, time_major: bool) -> bytes:
    """The fused LSTM as converters write it: 24 inputs, state as variable tensors."""
    net = builder(dtype)
    quantized = dtype != "float32"
    steps, width, units = 4, 3, 5
    x = net.input((steps, 1, width) if time_major else (1, steps, width))
    weight = "int8" if quantized else "float32"
    w_quant = per_tensor(0.01) if quantized else None

    def weights(columns: int) -> Ref:
        values = net.rng.integers(-100, 100, (units, columns)) * (1 if quantized else 0.01)
        return net.constant(values, weight, quant=w_quant)

    ins = [weights(width) for _ in range(4)]
    recurrent = [weights(units) for _ in range(4)]
    wide = {"int8": "int32", "int16": "int64"}.get(dtype, "float32")
    bias_quant = per_tensor(0.0001) if quantized else None
    biases = [net.constant(np.zeros(units), wide, quant=bias_quant) for _ in range(4)]
    out_quant = {"int8": per_tensor(1 / 128), "int16": per_tensor(1 / 32768)}.get(dtype)
    state = net.tensor((1, units), dtype, quant=out_quant, is_variable=True)
    cell_type = "int16" if quantized else "float32"
    cell_quant = per_tensor(2.0**-11) if quantized else None
    cell = net.tensor((1, units), cell_type, quant=cell_quant, is_variable=True)
    shape = (steps, 1, units) if time_major else (1, steps, units)
    out = net.tensor(shape, dtype, quant=out_quant)
    inputs: list[Ref | None] = [x, *ins, *recurrent, None, None, None, *biases, None, None]
    inputs += [state, cell, None, None, None, None]
    options = FB.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = FB.ActivationFunctionType.TANH
    options.timeMajor = time_major
    gates = None
    if quantized:
        gates = [net.tensor((0,), "int16", quant=per_tensor(2.0**-12)) for _ in range(4)]
        gates.append(net.tensor((0,), "int8", quant=per_tensor(1 / 128)))
    net.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [out], options, version=3, intermediates=gates
    )
    return net.finish([out])


@family(dtype=SIGNALS, time_major=(False, True))
def lstm(dtype: str, time_major: bool) -> bytes:
    return _lstm(dtype, time_major)


@family(dtype=("float32", "int8"), state=("float32", "int8", "int16"))
def svdf(dtype: str, state: str) -> bytes:
    net = builder(dtype)
    quantized = dtype == "int8"
    x = net.input((1, 3))
    quant = per_tensor(0.01) if quantized else None
    weights = net.constant(np.ones((4, 3)), dtype, quant=quant)
    time_type = ("int16" if state == "int16" else "int8") if quantized else "float32"
    time = net.constant(np.ones((4, 5)), time_type, quant=quant)
    bias = net.constant(
        np.zeros(4),
        "int32" if quantized else "float32",
        quant=per_tensor(1e-4) if quantized else None,
    )
    memory = net.tensor(
        (1, 20), state, quant=None if state == "float32" else per_tensor(0.01), is_variable=True
    )
    out = net.fresh((1, 4), 1.0)
    options = FB.SVDFOptionsT()
    options.rank = 1
    net.operator("SVDF", [x, weights, time, bias, memory], [out], options, version=3)
    return net.finish([out])


# --- operators outside TFLM, and custom ones ---------------------------------------------------


@family(op=("GELU", "TILE", "TOPK_V2", "REDUCE_PROD", "POW", "RANGE", "ATAN2", "SELECT", "WHERE"))
def missing(op: str) -> bytes:
    net = builder("float32")
    x = net.input((1, 4))
    more = {
        "TILE": [net.constant([1, 2], "int32")],
        "TOPK_V2": [net.constant(2, "int32")],
        "REDUCE_PROD": [net.constant([0], "int32")],
        "POW": [x],
        "ATAN2": [x],
        "RANGE": [x, x],
        "SELECT": [x, x],
    }.get(op, [])
    out = net.tensor((4,) if op == "REDUCE_PROD" else (1, 4), "float32")
    net.operator(op, [x, *more], [out], None)
    return net.finish([out])


@family(custom_op=("ethos-u", "FlexErf", "NoSuchThing", "SignalWindow", "CIRCULAR_BUFFER"))
def custom(custom_op: str) -> bytes:
    net = builder("int8")
    x = net.input((1, 4))
    out = net.like(x, (1, 4))
    net.operator("CUSTOM", [x], [out], None, custom_name=custom_op)
    return net.finish([out])


# --- shapes at the edges -----------------------------------------------------------------------


@feature_case
def no_operators() -> bytes:
    net = builder("int8")
    x = net.input((1, 4))
    return net.finish([x])


@feature_case
def scalar_input() -> bytes:
    net = builder("float32")
    x = net.input(())
    out = net.tensor((), "float32")
    net.operator("ABS", [x], [out], None)
    return net.finish([out])


@feature_case
def constant_output() -> bytes:
    net = builder("float32")
    x = net.input((1, 4))
    out = net.tensor((1, 4), "float32")
    net.operator("ABS", [x], [out], None)
    return net.finish([out, net.constant([1.0, 2.0], "float32")])


@feature_case
def empty_dimension() -> bytes:
    net = builder("float32")
    x = net.input((1, 0))
    out = net.tensor((1, 0), "float32")
    net.operator("ABS", [x], [out], None)
    return net.finish([out])


@family(op=("CONV_2D", "ADD"), version=(9, 60))
def high_version(op: str, version: int) -> bytes:
    net = builder("int8")
    x = net.input((1, 4, 4, 2))
    y = net.conv_2d(x, 2, (3, 3)) if op == "CONV_2D" else net.binary("ADD", x, x)
    model = net.to_object([y])
    for code in model.operatorCodes:
        code.version = version

    return pack(model)


@family(n=(1, 2, 8))
def many_outputs(n: int) -> bytes:
    net = builder("int8")
    x = net.input((1, 8))
    return net.finish([net.fully_connected(x, 2) for _ in range(n)])


# --- patterns ----------------------------------------------------------------------------------


@family(dtype=("float32", "int8"))
def layer_norm(dtype: str) -> bytes:
    net = builder(dtype)
    x = net.input((1, 6, 8))
    mean = net.mean(x, (2,), keep_dims=True)
    variance = net.mean(net.binary("SQUARED_DIFFERENCE", x, mean), (2,), keep_dims=True)
    root = net.fresh((1, 6, 1), 1.0)
    net.operator("RSQRT", [variance], [root], None)
    return net.finish([net.binary("MUL", net.binary("SUB", x, mean), root)])


@feature_case
def dynamic_reshape() -> bytes:
    """SHAPE, STRIDED_SLICE and PACK before a RESHAPE, as of an open batch."""
    net = builder("int8")
    x = net.input((1, 4, 5))
    dims = net.shape_of(x)
    batch = net.strided_slice(dims, (0,), (1,), (1,), shrink_axis_mask=1)
    shape = net.pack([batch, net.constant(20, "int32")], 0)
    out = net.like(x, (1, 20))
    net.operator("RESHAPE", [x, shape], [out], FB.ReshapeOptionsT())
    return net.finish([net.fully_connected(out, 3)])


@family(stride=(1, 2, 3), kernel=(1, 3, 5, 7), width=(15, 30, 31))
def conv_row(stride: int, kernel: int, width: int) -> bytes:
    """Rows of a signal, as Conv1D becomes."""
    net = builder("int8")
    x = net.input((1, 1, width, 1))
    return net.finish([net.conv_2d(x, 8, (1, kernel), stride=(1, stride))])


@family(stride=(1, 2, 3, 4), kernel=(3, 4, 5, 9), width=(30, 31))
def conv_row_of_8(stride: int, kernel: int, width: int) -> bytes:
    """Rows of eight channels: where strided rows with right padding come out wrong."""
    net = builder("int8")
    x = net.input((1, 1, width, 8))
    return net.finish([net.conv_2d(x, 8, (1, kernel), stride=(1, stride))])
