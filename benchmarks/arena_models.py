"""Random networks of every topology, for the arena study: the same seed gives the same file."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.support.graph_builder import FB
from tests.support.model_builder import ModelBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.graph_builder import Ref


def _head(net: ModelBuilder, x: Ref, rng: random.Random) -> bytes:
    pooled = net.mean(x, tuple(range(1, len(x.shape) - 1)))
    return net.finish([net.softmax(net.fully_connected(pooled, rng.randint(2, 9)))])


def _row_input(net: ModelBuilder, rng: random.Random) -> Ref:
    return net.input((1, 1, rng.randint(40, 240), rng.choice((1, 1, 2, 3, 4, 12))))


def cnn(net: ModelBuilder, rng: random.Random) -> bytes:
    """Rows of convolutions, with and without pooling."""
    x = _row_input(net, rng)
    for _ in range(rng.randint(1, 5)):
        kernel = (1, rng.randint(1, 9))
        x = net.conv_2d(x, rng.randint(2, 20), kernel, stride=(1, rng.randint(1, 2)))
        if rng.random() < 0.4 and x.shape[2] >= 8:
            x = net.pool_2d(x, rng.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D")), (1, 2))
    return _head(net, x, rng)


def cnn_1d(net: ModelBuilder, rng: random.Random) -> bytes:
    """One-dimensional convolutions as converters write them."""
    x = net.input((1, rng.randint(40, 200), rng.choice((1, 2, 3))))
    for _ in range(rng.randint(1, 4)):
        x = net.conv_1d(x, rng.randint(4, 16), rng.randint(3, 9), stride=rng.randint(1, 2))
    return _head(net, x, rng)


def cnn_2d(net: ModelBuilder, rng: random.Random) -> bytes:
    """Spectrogram network."""
    x = net.input((1, rng.randint(9, 30), rng.randint(9, 30), rng.randint(1, 4)))
    for _ in range(rng.randint(1, 3)):
        kernel = (rng.randint(1, 3), rng.randint(1, 3))
        x = net.conv_2d(x, rng.randint(2, 16), kernel, stride=(rng.randint(1, 2),) * 2)
    return _head(net, x, rng)


def ds_cnn(net: ModelBuilder, rng: random.Random) -> bytes:
    """Depthwise-separable network."""
    x = net.conv_2d(_row_input(net, rng), rng.randint(4, 16), (1, 7), stride=(1, 2))
    for _ in range(rng.randint(1, 4)):
        x = net.depthwise_conv_2d(x, (1, rng.randint(2, 7)), multiplier=rng.choice((1, 1, 2)))
        x = net.conv_2d(x, rng.randint(4, 24), (1, 1), activation="RELU")
    return _head(net, x, rng)


def resnet(net: ModelBuilder, rng: random.Random) -> bytes:
    """Residual network."""
    width = rng.choice((4, 7, 8, 12))
    x = net.conv_2d(_row_input(net, rng), width, (1, 5), stride=(1, 2), activation="RELU")
    for _ in range(rng.randint(1, 4)):
        branch = net.conv_2d(x, width, (1, rng.randint(2, 5)), activation="RELU")
        x = net.binary("ADD", x, net.conv_2d(branch, width, (1, 3)))
    return _head(net, x, rng)


def tcn(net: ModelBuilder, rng: random.Random) -> bytes:
    """Causal dilated convolutions."""
    x = _row_input(net, rng)
    width = rng.randint(3, 12)
    for level in range(rng.randint(2, 4)):
        dilation = 2**level
        x = net.pad(x, ((0, 0), (0, 0), (2 * dilation, 0), (0, 0)))
        x = net.conv_2d(x, width, (1, 3), dilation=(1, dilation), padding="VALID")
    return _head(net, x, rng)


def unet(net: ModelBuilder, rng: random.Random) -> bytes:
    """Down, up, and a skip connection."""
    width = 4 * rng.randint(8, 30)
    x = net.input((1, 1, width, 1))
    skip = net.conv_2d(x, rng.randint(4, 10), (1, 5), activation="RELU")
    x = net.pool_2d(skip, "MAX_POOL_2D", (1, 2))
    x = net.conv_2d(x, skip.shape[3], (1, 3), activation="RELU")
    x = net.requantize(net.resize_nearest(x, 1, width), skip)
    x = net.conv_2d(net.concatenation([skip, x], 3), 4, (1, 3))
    return net.finish([net.softmax(x)])


def autoencoder(net: ModelBuilder, rng: random.Random) -> bytes:
    """Transposed convolutions."""
    x = net.input((1, 1, 4 * rng.randint(8, 30), 1))
    depth = rng.choice((4, 8, 20))
    x = net.conv_2d(x, depth, (1, 5), stride=(1, 2), activation="RELU")
    x = net.transpose_conv(x, rng.randint(1, 8), (1, 4), stride=(1, 2))
    return net.finish([x])


def inception(net: ModelBuilder, rng: random.Random) -> bytes:
    """Branches side by side."""
    x = _row_input(net, rng)
    widths = rng.sample((1, 3, 5, 9, 15), rng.randint(2, 4))
    branches = [net.conv_2d(x, rng.randint(2, 8), (1, width)) for width in widths]
    branches = [net.requantize(branch, branches[0]) for branch in branches]
    return _head(net, net.concatenation(branches, 3), rng)


def attention(net: ModelBuilder, rng: random.Random) -> bytes:
    """Self-attention over time steps."""
    depth = rng.choice((4, 6, 8, 16))
    x = net.input((1, rng.randint(6, 24), depth))
    query, key, value = (net.fully_connected(x, depth, keep_num_dims=True) for _ in range(3))
    scores = net.softmax(net.batch_matmul(query, key, adj_y=True))
    return _head(net, net.binary("ADD", net.batch_matmul(scores, value), x), rng)


def mlp(net: ModelBuilder, rng: random.Random) -> bytes:
    """Dense layers on features."""
    x = net.input((1, rng.randint(8, 120)))
    for _ in range(rng.randint(1, 5)):
        x = net.fully_connected(x, rng.randint(3, 64), bias=rng.random() < 0.8)
    return net.finish([net.softmax(x)])


def squeeze_excite(net: ModelBuilder, rng: random.Random) -> bytes:
    """Channel gates."""
    width = rng.choice((4, 8, 12))
    x = net.conv_2d(_row_input(net, rng), width, (1, 5), activation="RELU")
    gate = net.mean(x, (1, 2), keep_dims=True)
    gate = net.conv_2d(gate, 2, (1, 1), activation="RELU")
    gate = net.activation(net.conv_2d(gate, width, (1, 1)), "LOGISTIC")
    return _head(net, net.binary("MUL", x, gate), rng)


def heads(net: ModelBuilder, rng: random.Random) -> bytes:
    """Two leads in, several answers out."""
    width = rng.randint(30, 120)
    left, right = (net.input((1, 1, width, 1)) for _ in range(2))
    x = net.concatenation([left, net.requantize(right, left)], 3)
    x = net.conv_2d(x, rng.randint(4, 12), (1, 5), activation="RELU")
    pooled = net.mean(x, (1, 2))
    return net.finish([net.fully_connected(pooled, n) for n in range(1, rng.randint(2, 6))])


def variables(count: int) -> bytes:
    """State in resource variables, each set up once, read, added to and written back."""
    net = ModelBuilder(dtype="float32", seed=count)
    x = net.input((1, 4))
    once = FB.CallOnceOptionsT()
    once.initSubgraphIndex = 1
    net.operator("CALL_ONCE", [], [], once)
    names = [f"state{number}" for number in range(count)]
    for name in names:
        handle = _variable(net, name)
        old, new = net.tensor((1, 4), "float32"), net.tensor((1, 4), "float32")
        net.operator("READ_VARIABLE", [handle], [old], FB.ReadVariableOptionsT())
        net.operator("ADD", [old, x], [new], FB.AddOptionsT())
        net.operator("ASSIGN_VARIABLE", [handle, new], [], FB.AssignVariableOptionsT())
        x = new
    net.start_subgraph("init")
    for name in names:
        handle = _variable(net, name)
        zeros = net.constant([[0.0, 0.0, 0.0, 0.0]], "float32")
        net.operator("ASSIGN_VARIABLE", [handle, zeros], [], FB.AssignVariableOptionsT())
    return net.finish([x], [])


def _variable(net: ModelBuilder, name: str) -> Ref:
    handle = net.tensor((), "resource")
    options = FB.VarHandleOptionsT()
    options.container, options.sharedName = "", name
    net.operator("VAR_HANDLE", [], [handle], options)
    return handle


TOPOLOGIES: tuple[Callable[[ModelBuilder, random.Random], bytes], ...] = (
    *(cnn, cnn_1d, cnn_2d, ds_cnn, resnet, tcn, unet, autoencoder, inception, attention, mlp),
    *(squeeze_excite, heads),
)


def random_models(count: int, first: int = 0) -> Iterator[tuple[str, bytes]]:
    """Name and file of models number ``first`` to ``first + count - 1``."""
    for number in range(first, first + count):
        make = TOPOLOGIES[number % len(TOPOLOGIES)]
        rng = random.Random(number)
        dtype = {8: "int16", 16: "float32"}.get(number % 17, "int8")
        yield (
            f"{number:03d}-{make.__name__}-{dtype}",
            make(ModelBuilder(seed=number, dtype=dtype), rng),
        )
