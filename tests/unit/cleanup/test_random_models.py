"""Random networks of the layers that converters surround with reshapes: cleaned, byte for byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.graph_builder import Ref
from tests.support.model_builder import ModelBuilder
from tflm_gen.cleanup.cleaner import clean_model
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.client import run_oracle
from tflm_gen.vectors import make_vectors

pytestmark = pytest.mark.oracle


def conv(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    return net.conv_1d(x, x.shape[2], 3, activation="RELU", expand_dims=x.shape[1] % 2 == 0)


def pool(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    if x.shape[1] < 4:
        return x
    wide = net.expand_dims(x, 1) if x.shape[1] % 2 else net.reshape(x, (1, *x.shape))
    return net.squeeze(net.pool_2d(wide, "MAX_POOL_2D", (1, 2)), (1,))


def add(net: ModelBuilder, x: Ref, past: list[Ref]) -> Ref:
    same = [ref for ref in past if ref.shape == x.shape]
    return net.binary("ADD", x, same[0]) if same else x


def concat(net: ModelBuilder, x: Ref, past: list[Ref]) -> Ref:
    same = [ref for ref in past if ref.shape == x.shape]
    axis = 2 if x.shape[2] < 6 else 1
    return net.concatenation([x, net.requantize(same[-1], x)], axis) if same else x


def pad(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    return net.pad(x, ((0, 0), (2, 1), (0, 0)))


def relu(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    return net.activation(x, "RELU")


def gate(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    weights = net.activation(net.fully_connected(net.mean(x, (1,)), x.shape[2]), "LOGISTIC")
    return net.binary("MUL", x, net.reshape(weights, (1, 1, x.shape[2])))


def softmax(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    return net.softmax(x)


def squeeze(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    return net.expand_dims(net.squeeze(x, (0,)), 0)


def transpose(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    return net.reshape(net.transpose(net.expand_dims(x, 1), (0, 2, 1, 3)), x.shape)


def requantize(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    return x if net.dtype == "float32" else net.quantize(x, net.dtype)


def dense(net: ModelBuilder, x: Ref, _: list[Ref]) -> Ref:
    return net.fully_connected(x, x.shape[2], keep_num_dims=True)


LAYERS = (
    *(conv, conv, pool, add, concat, pad, relu, gate, softmax, squeeze, transpose),
    *(requantize, dense),
)
Layer = Callable[[ModelBuilder, Ref, list[Ref]], Ref]


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(
    layers=st.lists(st.sampled_from(LAYERS), min_size=2, max_size=9),
    seed=st.integers(0, 1000),
    head=st.sampled_from(["dense", "mean", "none"]),
    dtype=st.sampled_from(["int8", "int8", "float32"]),
)
# What keeps a RESHAPE before the gate is gone only when the reduction beside it has moved.
@example(layers=[conv, gate], seed=0, head="dense", dtype="float32")
def test_random_networks(layers: list[Layer], seed: int, head: str, dtype: str) -> None:
    net = ModelBuilder(seed=seed, dtype=dtype)
    x = net.conv_1d(net.input((1, 12, 2)), 3, 3, expand_dims=True)
    past = [x]
    for layer in layers:
        x = layer(net, x, past)
        past.append(x)
    if head == "mean":
        x = net.fully_connected(net.mean(x, (1,)), 3)
    elif head == "dense":
        x = net.fully_connected(net.reshape(x, (1, x.shape[1] * x.shape[2])), 3)
    model = parse_model(net.finish([x]), "random.tflite")
    cleaning = clean_model(model, use_cache=False)
    assert cleaning.undone == ()
    assert cleaning.proof is not None
    assert cleaning.proof.basis == "original on TFLM"
    vectors = make_vectors(model.inputs, count=20, seed=99)
    after = run_oracle(cleaning.cleaned.flatbuffer, vectors)
    assert after.outputs == run_oracle(model.flatbuffer, vectors).outputs
    assert len(cleaning.cleaned.main.operators) <= len(model.main.operators)
    assert not clean_model(cleaning.cleaned, use_cache=False).is_changed
