"""Multiply-accumulate counts against formulas written out by hand, and against brute force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.graph_builder import FB, Ref
from tests.support.model_builder import ModelBuilder
from tflm_gen.model.macs import operator_cost, operator_macs
from tflm_gen.model.reader import parse_model


def macs_of(net: ModelBuilder, out: Ref, op: str) -> int | None:
    main = parse_model(net.finish([out]), "x").main
    (operator,) = [operator for operator in main.operators if operator.op == op]
    return operator_macs(operator, main)


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    channels=st.integers(1, 4),
    filters=st.integers(1, 4),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_conv_2d(
    height: int,
    width: int,
    channels: int,
    filters: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
) -> None:
    net = ModelBuilder()
    out = net.conv_2d(net.input((1, height, width, channels)), filters, kernel, stride=stride)
    # A SAME convolution has an output wherever a stride lands in the input.
    positions = len(range(0, height, stride[0])) * len(range(0, width, stride[1]))
    expected = positions * filters * kernel[0] * kernel[1] * channels
    assert macs_of(net, out, "CONV_2D") == expected


def test_conv_2d_valid_with_dilation() -> None:
    net = ModelBuilder()
    x = net.input((1, 1, 20, 3))
    out = net.conv_2d(x, 5, (1, 3), dilation=(1, 2), padding="VALID")
    # 20 - 2 * 2 positions; 3 taps of 3 channels for each of 5 filters.
    assert macs_of(net, out, "CONV_2D") == 16 * 5 * 3 * 3


def test_grouped_conv_2d_counts_one_group() -> None:
    net = ModelBuilder(dtype="float32")
    x = net.input((1, 1, 10, 4))
    weights = net.constant([[[[0.5, 0.5]] * 3]] * 6, "float32")  # 6 filters, 1x3, 2 of 4 channels
    out = net.tensor((1, 1, 10, 6), "float32")
    options = FB.Conv2DOptionsT()
    options.strideW = options.strideH = 1
    net.operator("CONV_2D", [x, weights, None], [out], options)
    assert macs_of(net, out, "CONV_2D") == 10 * 6 * 3 * 2


def test_depthwise_conv_2d() -> None:
    net = ModelBuilder()
    out = net.depthwise_conv_2d(net.input((1, 8, 6, 3)), (3, 2), multiplier=2, stride=(2, 2))
    assert macs_of(net, out, "DEPTHWISE_CONV_2D") == (4 * 3) * 6 * (3 * 2)


def test_fully_connected() -> None:
    net = ModelBuilder()
    assert macs_of(net, net.fully_connected(net.input((1, 40)), 7), "FULLY_CONNECTED") == 280
    net = ModelBuilder()
    out = net.fully_connected(net.input((1, 12, 8)), 5, keep_num_dims=True)
    assert macs_of(net, out, "FULLY_CONNECTED") == 12 * 8 * 5


def test_transpose_conv_counts_each_input_times_the_kernel() -> None:
    net = ModelBuilder()
    out = net.transpose_conv(net.input((1, 1, 16, 4)), 6, (1, 5), stride=(1, 2))
    assert macs_of(net, out, "TRANSPOSE_CONV") == 16 * 4 * 5 * 6


@pytest.mark.parametrize(("adj_x", "adj_y"), [(False, False), (True, False), (False, True)])
def test_batch_matmul(adj_x: bool, adj_y: bool) -> None:
    net = ModelBuilder()
    left = net.input((2, 5, 7) if adj_x else (2, 7, 5))
    right = net.input((2, 3, 5) if adj_y else (2, 5, 3))
    out = net.batch_matmul(left, right, adj_x=adj_x, adj_y=adj_y)
    assert macs_of(net, out, "BATCH_MATMUL") == 2 * 7 * 5 * 3


def lstm(net: ModelBuilder, *, inputs: int, cells: int, steps: int, batch: int = 1) -> Ref:
    """A float fused LSTM without peepholes or projection."""
    x = net.input((batch, steps, inputs))
    weights = [net.constant([[0.1] * inputs] * cells, "float32") for _ in range(4)]
    recurrent = [net.constant([[0.1] * cells] * cells, "float32") for _ in range(4)]
    biases = [net.constant([0.0] * cells, "float32") for _ in range(4)]
    state = [net.tensor((batch, cells), "float32", is_variable=True) for _ in range(2)]
    out = net.tensor((batch, steps, cells), "float32")
    operands = [x, *weights, *recurrent, None, None, None, *biases, None, None, *state]
    options = FB.UnidirectionalSequenceLSTMOptionsT()
    net.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", [*operands, None, None, None, None], [out], options
    )
    return out


def test_lstm_counts_all_gates_at_every_step() -> None:
    net = ModelBuilder(dtype="float32")
    out = lstm(net, inputs=3, cells=5, steps=11, batch=2)
    expected = 2 * 11 * 4 * (3 * 5 + 5 * 5)
    assert macs_of(net, out, "UNIDIRECTIONAL_SEQUENCE_LSTM") == expected


def test_svdf() -> None:
    net = ModelBuilder(dtype="float32")
    x = net.input((1, 10))
    features = net.constant([[0.1] * 10] * 4, "float32")
    times = net.constant([[0.1] * 6] * 4, "float32")
    state = net.tensor((1, 24), "float32", is_variable=True)
    out = net.tensor((1, 4), "float32")
    options = FB.SVDFOptionsT()
    options.rank = 1
    net.operator("SVDF", [x, features, times, None, state], [out], options)
    assert macs_of(net, out, "SVDF") == 4 * 10 + 4 * 6


def test_operators_without_sums_of_products_have_no_count() -> None:
    net = ModelBuilder()
    x = net.input((1, 4, 4, 2))
    x = net.binary("MUL", net.pool_2d(x, "MAX_POOL_2D", (2, 2)), net.input((1, 2, 2, 2)))
    out = net.softmax(net.reshape(x, (1, 8)))
    main = parse_model(net.finish([out]), "x").main
    for operator in main.operators:
        cost = operator_cost(operator, main)
        assert cost.macs is None
        assert not cost.is_opaque


def test_custom_operators_are_opaque() -> None:
    net = ModelBuilder()
    x = net.input((1, 4))
    out = net.tensor((1, 4), "int8")
    net.operator("CUSTOM", [x], [out], custom_name="Mystery")
    main = parse_model(net.finish([out]), "x").main
    cost = operator_cost(main.operators[0], main)
    assert cost.is_opaque
    assert cost.macs is None


def test_countable_operator_with_odd_shapes_is_opaque_not_zero() -> None:
    net = ModelBuilder(dtype="float32")
    x = net.input((1, 10, 4), signature=(-1, 10, 4))
    weights = net.constant([[0.5, 0.5, 0.5, 0.5]], "float32")  # rank 2, where CONV_2D wants 4
    out = net.tensor((1, 10, 1), "float32")
    options = FB.Conv2DOptionsT()
    options.strideW = options.strideH = 1
    net.operator("CONV_2D", [x, weights, None], [out], options)
    main = parse_model(net.finish([out]), "x").main
    cost = operator_cost(main.operators[0], main)
    assert (cost.macs, cost.is_opaque) == (None, True)


def test_bytes_of_an_operator() -> None:
    net = ModelBuilder()
    out = net.conv_2d(net.input((1, 1, 20, 3)), 5, (1, 3))
    main = parse_model(net.finish([out]), "x").main
    cost = operator_cost(main.operators[0], main)
    assert cost.input_bytes == 20 * 3
    assert cost.output_bytes == 20 * 5
    assert cost.constant_bytes == 5 * 3 * 3 + 5 * 4
