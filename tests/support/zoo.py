"""Named model topologies of wearable ECG work, built without TensorFlow.

``ZOO`` maps a name to a function that returns the file's bytes; the same name always gives the
same bytes. Add a topology by writing a function with the ``@zoo`` decorator.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tests.support.graph_builder import FB, Ref, per_tensor
from tests.support.model_builder import ModelBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

ZOO: dict[str, Callable[[], bytes]] = {}


def zoo(function: Callable[[], bytes]) -> Callable[[], bytes]:
    """Register a topology under its function's name; it is built once per process."""
    built = cache(function)
    ZOO[function.__name__] = built
    return built


def _head(net: ModelBuilder, x: Ref, classes: int = 4) -> Ref:
    """Global mean, dense layer, softmax."""
    axes = tuple(range(1, len(x.shape) - 1))
    return net.softmax(net.fully_connected(net.mean(x, axes), classes))


def _cnn_1d(net: ModelBuilder, *, expand_dims: bool = False) -> bytes:
    x = net.input((1, 96, 1), name="ecg_mv", signature=(-1, 96, 1) if expand_dims else None)
    for filters, stride in ((8, 2), (12, 1), (16, 2)):
        x = net.conv_1d(x, filters, 5, stride=stride, activation="RELU", expand_dims=expand_dims)
    return net.finish([_head(net, x)])


@zoo
def cnn_1d() -> bytes:
    return _cnn_1d(ModelBuilder(seed=1))


@zoo
def cnn_1d_float32() -> bytes:
    return _cnn_1d(ModelBuilder(seed=2, dtype="float32"))


@zoo
def cnn_1d_int16x8() -> bytes:
    return _cnn_1d(ModelBuilder(seed=3, dtype="int16"))


@zoo
def cnn_1d_open_batch() -> bytes:
    """EXPAND_DIMS round every convolution, as from an open batch dimension."""
    return _cnn_1d(ModelBuilder(seed=4), expand_dims=True)


@zoo
def cnn_2d() -> bytes:
    net = ModelBuilder(seed=5)
    x = net.input((1, 24, 16, 2))
    x = net.conv_2d(x, 8, (3, 3), activation="RELU6", padding="VALID")
    x = net.pool_2d(x, "MAX_POOL_2D", (2, 2))
    x = net.conv_2d(x, 12, (3, 3), stride=(2, 2), activation="RELU")
    x = net.pool_2d(x, "AVERAGE_POOL_2D", (2, 2), padding="SAME")
    return net.finish([_head(net, x, 5)])


@zoo
def ds_cnn() -> bytes:
    """Depthwise-separable, as in keyword spotting."""
    net = ModelBuilder(seed=6)
    x = net.input((1, 1, 90, 1))
    x = net.conv_2d(x, 8, (1, 10), stride=(1, 2), activation="RELU")
    for filters in (12, 16):
        x = net.depthwise_conv_2d(x, (1, 3), activation="RELU")
        x = net.conv_2d(x, filters, (1, 1), activation="RELU")
    return net.finish([_head(net, x)])


@zoo
def depthwise_multiplier() -> bytes:
    net = ModelBuilder(seed=7)
    x = net.input((1, 12, 10, 3))
    x = net.depthwise_conv_2d(x, (3, 3), multiplier=2, stride=(2, 2), activation="RELU")
    return net.finish([net.depthwise_conv_2d(x, (2, 3), dilation=(1, 2), padding="VALID")])


@zoo
def mlp() -> bytes:
    net = ModelBuilder(seed=8)
    x = net.input((1, 40))
    x = net.fully_connected(x, 32, activation="RELU")
    x = net.fully_connected(x, 16, activation="RELU", per_channel=True)
    return net.finish([net.softmax(net.fully_connected(x, 3, bias=False))])


@zoo
def mlp_float32() -> bytes:
    net = ModelBuilder(seed=9, dtype="float32")
    x = net.fully_connected(net.input((1, 40)), 16, activation="RELU")
    return net.finish([net.softmax(net.fully_connected(x, 3))])


@zoo
def mlp_int16x8() -> bytes:
    net = ModelBuilder(seed=10, dtype="int16")
    x = net.fully_connected(net.input((1, 40)), 16, activation="RELU")
    return net.finish([net.fully_connected(x, 3)])


@zoo
def binary_logistic() -> bytes:
    """Two units and a sigmoid: the smallest classifier."""
    net = ModelBuilder(seed=11)
    x = net.fully_connected(net.input((1, 64)), 2)
    return net.finish([net.activation(x, "LOGISTIC")])


@zoo
def resnet_1d() -> bytes:
    net = ModelBuilder(seed=12)
    x = net.conv_2d(net.input((1, 1, 80, 1)), 8, (1, 7), stride=(1, 2), activation="RELU")
    for _ in range(2):
        branch = net.conv_2d(x, 8, (1, 3), activation="RELU")
        branch = net.conv_2d(branch, 8, (1, 3))
        x = net.binary("ADD", x, branch, activation="RELU")
    return net.finish([_head(net, x)])


@zoo
def squeeze_excite() -> bytes:
    net = ModelBuilder(seed=13)
    x = net.conv_2d(net.input((1, 1, 64, 1)), 8, (1, 5), activation="RELU")
    gate = net.mean(x, (1, 2), keep_dims=True)
    gate = net.conv_2d(gate, 2, (1, 1), activation="RELU")
    gate = net.activation(net.conv_2d(gate, 8, (1, 1)), "LOGISTIC")
    return net.finish([_head(net, net.binary("MUL", x, gate))])


@zoo
def inception() -> bytes:
    """Branches of several kernel widths, requantized and concatenated."""
    net = ModelBuilder(seed=14)
    x = net.input((1, 1, 72, 2))
    branches = [net.conv_2d(x, 4, (1, width), activation="RELU") for width in (1, 3, 9)]
    branches = [net.requantize(branch, branches[0]) for branch in branches]
    return net.finish([_head(net, net.concatenation(branches, 3))])


@zoo
def unet_1d() -> bytes:
    """Down, up by nearest neighbour, and a skip connection."""
    net = ModelBuilder(seed=15)
    x = net.input((1, 1, 64, 1))
    skip = net.conv_2d(x, 6, (1, 5), activation="RELU")
    x = net.pool_2d(skip, "MAX_POOL_2D", (1, 2))
    x = net.conv_2d(x, 6, (1, 3), activation="RELU")
    x = net.requantize(net.resize_nearest(x, 1, 64), skip)
    x = net.conv_2d(net.concatenation([skip, x], 3), 4, (1, 3))
    return net.finish([net.softmax(x)])


@zoo
def autoencoder() -> bytes:
    net = ModelBuilder(seed=16)
    x = net.conv_2d(net.input((1, 1, 64, 1)), 8, (1, 5), stride=(1, 2), activation="RELU")
    x = net.conv_2d(x, 4, (1, 5), stride=(1, 2), activation="RELU")
    x = net.transpose_conv(x, 8, (1, 4), stride=(1, 2))
    x = net.activation(x, "RELU")
    return net.finish([net.transpose_conv(x, 1, (1, 4), stride=(1, 2))])


@zoo
def tcn() -> bytes:
    """Causal dilated convolutions, padded by hand."""
    net = ModelBuilder(seed=17)
    x = net.input((1, 1, 48, 1))
    for dilation in (1, 2, 4):
        x = net.pad(x, ((0, 0), (0, 0), (2 * dilation, 0), (0, 0)))
        x = net.conv_2d(x, 6, (1, 3), dilation=(1, dilation), padding="VALID", activation="RELU")
    last = net.strided_slice(x, (0, 0, 47, 0), (1, 1, 48, 6), (1, 1, 1, 1), shrink_axis_mask=6)
    return net.finish([net.softmax(net.fully_connected(last, 3))])


@zoo
def tcn_space_to_batch() -> bytes:
    """A dilated convolution as converters split it, with true shapes."""
    net = ModelBuilder(seed=18)
    x = net.conv_2d(net.input((1, 1, 32, 1)), 4, (1, 3), activation="RELU")
    x = net.space_to_batch_nd(x, (1, 2), ((0, 0), (2, 2)))
    x = net.conv_2d(x, 4, (1, 3), padding="VALID", activation="RELU")
    x = net.batch_to_space_nd(x, (1, 2), ((0, 0), (0, 0)))
    return net.finish([_head(net, x)])


@zoo
def two_leads_two_outputs() -> bytes:
    """Two inputs and two outputs; the signature names them in another order."""
    net = ModelBuilder(seed=19)
    lead_i = net.input((1, 1, 40, 1), name="lead_i")
    lead_ii = net.input((1, 1, 40, 1), name="lead_ii")
    joined = net.concatenation([lead_i, net.requantize(lead_ii, lead_i)], 3)
    x = net.conv_2d(joined, 8, (1, 5), activation="RELU")
    pooled = net.mean(x, (1, 2))
    rhythm = net.softmax(net.fully_connected(pooled, 3))
    rate = net.fully_connected(pooled, 1)
    net.signature(
        "serving_default",
        {"lead_ii": lead_ii, "lead_i": lead_i},
        {"rate": rate, "rhythm": rhythm},
    )
    return net.finish([rhythm, rate])


@zoo
def attention() -> bytes:
    """One head of self-attention over time steps."""
    net = ModelBuilder(seed=20)
    x = net.input((1, 12, 8))
    query, key, value = (net.fully_connected(x, 8, keep_num_dims=True) for _ in range(3))
    scores = net.softmax(net.batch_matmul(query, key, adj_y=True))
    mixed = net.binary("ADD", net.batch_matmul(scores, value), x)
    return net.finish([_head(net, mixed)])


@zoo
def lead_split() -> bytes:
    """Split, unpack, pack and transpose of a multi-lead window."""
    net = ModelBuilder(seed=21)
    x = net.input((1, 20, 4))
    left, right = net.split(x, 2, 2)
    leads = [*net.unpack(left, 2), *net.unpack(right, 2)]
    x = net.transpose(net.pack(leads[::-1], 1), (0, 2, 1))
    return net.finish([net.slice(net.gather(x, [3, 0, 2], 2), (0, 4, 0), (1, 12, 3))])


@zoo
def elementwise() -> bytes:
    net = ModelBuilder(seed=22)
    left, right = net.input((1, 6, 5)), net.input((1, 1, 5), std=2.0)
    total = net.binary("ADD", left, right)
    product = net.binary("MUL", net.binary("SUB", total, right), left)
    bounded = net.binary("MINIMUM", net.binary("MAXIMUM", product, left), total)
    distance = net.binary("SQUARED_DIFFERENCE", bounded, left)
    return net.finish([net.activation(distance, "TANH"), total])


@zoo
def activations() -> bytes:
    net = ModelBuilder(seed=23)
    x = net.input((1, 48))
    outputs = [
        net.activation(x, op) for op in ("LEAKY_RELU", "HARD_SWISH", "RELU6", "TANH", "LOGISTIC")
    ]
    return net.finish(outputs)


@zoo
def float_island() -> bytes:
    """An int8 file with int8 inputs and outputs, and a float operator in the middle."""
    net = ModelBuilder(seed=24)
    x = net.conv_2d(net.input((1, 1, 32, 1)), 4, (1, 3), activation="RELU")
    x = net.dequantize(x)
    out = net.tensor(x.shape, "float32")
    net.operator("RSQRT", [net_square(net, x)], [out])
    x = net.quantize(out, "int8", quant=per_tensor(0.05, -128))
    return net.finish([_head(net, x)])


def net_square(net: ModelBuilder, x: Ref) -> Ref:
    """A float sum of squares and one, so that a following RSQRT is finite."""
    squared = net.tensor(x.shape, "float32")
    net.operator("MUL", [x, x], [squared], FB.MulOptionsT())
    out = net.tensor(x.shape, "float32")
    net.operator("ADD", [squared, net.constant([1.0], "float32")], [out], FB.AddOptionsT())
    return out


@zoo
def float_io() -> bytes:
    """An int8 network whose inputs and outputs are float32."""
    net = ModelBuilder(seed=25)
    x = net.quantize(net.input((1, 30), dtype="float32"), "int8")
    return net.finish([net.dequantize(net.softmax(net.fully_connected(x, 4)))])


@zoo
def batch_of_four() -> bytes:
    net = ModelBuilder(seed=26)
    x = net.conv_2d(net.input((4, 1, 32, 1)), 4, (1, 3), activation="RELU")
    return net.finish([_head(net, x)])


@zoo
def reductions() -> bytes:
    net = ModelBuilder(seed=27)
    x = net.input((1, 8, 6, 3))
    return net.finish(
        [
            net.reduce(x, "SUM", (1,)),
            net.reduce(x, "REDUCE_MAX", (1, 2)),
            net.reduce(x, "MEAN", (2, 3), keep_dims=True),
        ]
    )
