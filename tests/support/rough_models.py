"""Models as converters leave them when the batch is open, and others in need of a clean-up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tests.support.graph_builder import FB, Ref, pack
from tests.support.model_builder import ModelBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

ROUGH: dict[str, Callable[[], bytes]] = {}


def rough(function: Callable[[], bytes]) -> Callable[[], bytes]:
    """Register a model under its function's name."""
    ROUGH[function.__name__] = function
    return function


def tile(net: ModelBuilder, x: Ref, counts: tuple[int, ...]) -> Ref:
    """TILE, which TFLM does not have."""
    shape = tuple(size * count for size, count in zip(x.shape, counts, strict=True))
    out = net.like(x, shape)
    net.operator(
        "TILE", [x, net.constant(list(counts), "int32")], [out], FB.TileOptionsT(), version=3
    )
    return out


def flatten_by_shape(net: ModelBuilder, x: Ref) -> Ref:
    """Flatten with an open batch: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
    shape = net.shape_of(x)
    batch = net.tensor((), "int32")
    options = FB.StridedSliceOptionsT()
    options.shrinkAxisMask = 1
    limits = [net.constant([value], "int32") for value in (0, 1, 1)]
    net.operator("STRIDED_SLICE", [shape, *limits], [batch], options)
    rest = net.constant(math.prod(x.shape[1:]), "int32")
    packed = net.tensor((2,), "int32")
    pack_options = FB.PackOptionsT()
    pack_options.valuesCount = 2
    net.operator("PACK", [batch, rest], [packed], pack_options)
    out = net.like(x, (x.shape[0], math.prod(x.shape[1:])))
    net.operator("RESHAPE", [x, packed], [out])
    return out


def dilated_conv_1d(
    net: ModelBuilder, x: Ref, dilation: int, pads: tuple[int, int], crops: tuple[int, int] = (0, 0)
) -> Ref:
    """A dilated Conv1D as converters split it: the moves in three dimensions."""
    opened = net.space_to_batch_nd(x, (dilation,), (pads,))
    conv = net.conv_2d(net.expand_dims(opened, 1), 4, (1, 3), padding="VALID")
    closed = net.reshape(conv, (opened.shape[0], conv.shape[2], 4))
    return net.batch_to_space_nd(closed, (dilation,), (crops,))


def store_open_batch(net: ModelBuilder, outputs: list[Ref]) -> bytes:
    """The file with a batch of 1 stored for every run-time tensor that has another one."""
    model = net.to_object(outputs)
    graph = model.subgraphs[0]
    computed = {index for operator in graph.operators for index in operator.outputs}
    for index, tensor in enumerate(graph.tensors):
        if index in computed and len(tensor.shape) > 1:
            tensor.shapeSignature = [-1, *tensor.shape[1:]]
            tensor.shape = [1, *tensor.shape[1:]]
    for operator in graph.operators:
        if len(operator.outputs) == 1 and len(operator.inputs) == 2:
            _open_reshape(model, operator)
    return pack(model)


def wrong_reshape() -> bytes:
    """A RESHAPE to a computed shape, stored shorter than it is, as after UpSampling2D."""
    net = ModelBuilder(seed=39)
    x = net.conv_2d(net.input((1, 12, 6, 1)), 2, (3, 3))
    shape = net.tensor((4,), "int32")
    options = FB.PackOptionsT()
    options.valuesCount = 4
    sizes = [net.constant(size, "int32") for size in (1, 6, 12, 2)]
    net.operator("PACK", sizes, [shape], options)
    short = net.tensor((1, 1, 12, 2), "int8", quant=x.quant, signature=(-1, -1, 12, 2))
    net.operator("RESHAPE", [x, shape], [short])
    return net.finish([net.activation(short, "RELU")])


def upsampling_with_wrong_shapes() -> bytes:
    """As :func:`wrong_reshape`, and a TILE besides."""
    net = ModelBuilder(seed=40)
    x = net.input((1, 12, 6, 1))
    shape = net.tensor((4,), "int32")
    options = FB.PackOptionsT()
    options.valuesCount = 4
    sizes = [net.constant(size, "int32") for size in (1, 6, 12, 1)]
    net.operator("PACK", sizes, [shape], options)
    short = net.tensor((1, 1, 12, 1), "int8", quant=x.quant, signature=(-1, -1, 12, 1))
    net.operator("RESHAPE", [x, shape], [short])
    return net.finish([tile(net, short, (1, 1, 2, 1))])


def _open_reshape(model: FB.ModelT, operator: FB.OperatorT) -> None:
    """Constant shapes say -1 for the batch, as converters write them."""
    code = model.operatorCodes[operator.opcodeIndex].builtinCode
    if code == FB.BuiltinOperator.RESHAPE:
        buffer = model.buffers[model.subgraphs[0].tensors[operator.inputs[1]].buffer]
        shape = np.frombuffer(buffer.data, np.int32).copy()
        shape[0] = -1
        buffer.data = shape.tobytes()


@rough
def open_batch_tcn() -> bytes:
    """Causal: the padding is a PAD of its own. Stored batches are wrong."""
    net = ModelBuilder(seed=31)
    x = net.conv_1d(net.input((1, 24, 1)), 4, 3, activation="RELU", expand_dims=True)
    for dilation in (2, 4):
        x = net.pad(x, ((0, 0), (2 * dilation, 0), (0, 0)))
        x = net.activation(dilated_conv_1d(net, x, dilation, (0, 0)), "RELU")
    return store_open_batch(net, [net.softmax(net.fully_connected(net.mean(x, (1,)), 3))])


@rough
def open_batch_same() -> bytes:
    """The padding is done by SPACE_TO_BATCH_ND, with a remainder that is cut off again."""
    net = ModelBuilder(seed=32)
    x = net.conv_1d(net.input((1, 25, 1)), 4, 3, activation="RELU", expand_dims=True)
    x = dilated_conv_1d(net, x, 3, (3, 5), (0, 2))
    return store_open_batch(net, [x])


@rough
def upsampling() -> bytes:
    """UpSampling1D by 3."""
    net = ModelBuilder(seed=33)
    x = net.conv_1d(net.input((1, 16, 1)), 4, 3, activation="RELU")
    x = net.reshape(tile(net, net.expand_dims(x, 2), (1, 1, 3, 1)), (1, 48, 4))
    return net.finish([net.conv_1d(x, 2, 3)])


@rough
def tiled_twice() -> bytes:
    """TILE of long dimensions, more often than CONCATENATION takes inputs."""
    net = ModelBuilder(seed=34)
    x = net.fully_connected(net.input((1, 20)), 6)
    x = tile(net, net.reshape(x, (1, 2, 3)), (2, 13, 2))
    return net.finish([net.softmax(x)])


@rough
def flattened() -> bytes:
    """Shape arithmetic before a dense layer."""
    net = ModelBuilder(seed=35)
    x = net.conv_1d(net.input((1, 24, 2), signature=(-1, 24, 2)), 4, 3, expand_dims=True)
    return net.finish([net.fully_connected(flatten_by_shape(net, x), 3)])


@rough
def residual() -> bytes:
    """Three-dimensional ADD, PAD, CONCATENATION and MEAN between convolutions."""
    net = ModelBuilder(seed=36)
    x = net.conv_1d(net.input((1, 30, 1)), 4, 3, activation="RELU", expand_dims=True)
    y = net.conv_1d(net.pad(x, ((0, 0), (2, 0), (0, 0))), 4, 3, padding="VALID", expand_dims=True)
    x = net.binary("ADD", x, y, activation="RELU")
    z = net.requantize(net.conv_1d(x, 4, 5, expand_dims=True), x)
    x = net.concatenation([x, z], 2)
    return net.finish([net.softmax(net.fully_connected(net.mean(x, (1,)), 3))])


@rough
def float16_weights() -> bytes:
    """Weights in float16, which a DEQUANTIZE widens at run time."""
    net = ModelBuilder(seed=37, dtype="float32")
    x = net.input((1, 12))
    weights = net.constant(net.rng.normal(0, 0.3, (5, 12)), "float16")
    wide = net.tensor((5, 12), "float32")
    net.operator("DEQUANTIZE", [weights], [wide], FB.DequantizeOptionsT(), version=3)
    out = net.tensor((1, 5), "float32")
    net.operator("FULLY_CONNECTED", [x, wide], [out], FB.FullyConnectedOptionsT())
    return net.finish([out])


@rough
def twelve_leads() -> bytes:
    """CONCATENATION of more tensors than TFLM takes."""
    net = ModelBuilder(seed=38)
    leads = net.unpack(net.input((1, 8, 12)), 2)
    leads = [net.reshape(lead, (1, 8, 1)) for lead in leads]
    return net.finish([net.concatenation(leads[::-1], 2)])
