"""Random models of operators that move bytes and compute nothing."""

from __future__ import annotations

import numpy as np

from tests.kernels.random_builder import RandomBuilder
from tests.support.graph_builder import FB, Ref


def pad(b: RandomBuilder) -> list[Ref]:
    x = b.input(b.shape(b.integer(2, 4)))
    pads = tuple((b.integer(0, 3), b.integer(0, 3)) for _ in x.shape)
    if b.chance(0.5):
        return [b.pad(x, pads)]
    shape = tuple(size + sum(pair) for size, pair in zip(x.shape, pads, strict=True))
    out = b.like(x, shape)
    value = b.constant([b.integer(-128, 127)], "int8", quant=x.quant)
    inputs = [x, b.constant(pads, "int32"), value]
    b.operator("PADV2", inputs, [out], FB.PadV2OptionsT(), version=2)
    return [out]


def concatenation(b: RandomBuilder) -> list[Ref]:
    shape = list(b.shape(b.integer(1, 4)))
    axis = b.integer(0, len(shape) - 1)
    first = b.input(tuple(shape))
    parts = [first]
    for _ in range(b.integer(1, 3)):
        shape[axis] = b.integer(1, 6)
        part = b.like(first, tuple(shape))
        b.graph.inputs.append(part)
        parts.append(part)
    return [b.concatenation(parts, axis)]


def split(b: RandomBuilder) -> list[Ref]:
    shape = list(b.shape(b.integer(1, 4), 4))
    axis = b.integer(0, len(shape) - 1)
    parts = b.integer(2, 4)
    shape[axis] = parts * b.integer(1, 3)
    return b.split(b.input(tuple(shape)), parts, axis)


def transpose(b: RandomBuilder) -> list[Ref]:
    x = b.input(b.shape(b.integer(2, 5)))
    order = tuple(int(a) for a in b.rng.permutation(len(x.shape)))
    return [b.transpose(x, order)]


def strided_slice(b: RandomBuilder) -> list[Ref]:
    x = b.input(b.shape(b.integer(1, 4), 8))
    begin, end, strides = [], [], []
    masks = [0, 0, 0]
    shape = []
    for axis, size in enumerate(x.shape):
        step = b.choice(1, 1, 2, 3, -1)
        first = b.integer(0, size - 1)
        ignored = step > 0 and b.chance(0.2)
        if ignored:
            masks[0] |= 1 << axis
            first = 0
        if step > 0:
            last = b.integer(first + 1, size)
            count = -(-(last - first) // step)
        else:
            last, count = 0, first
            masks[1] |= 1 << axis
            count = first + 1
        if not ignored and b.chance(0.2):
            masks[2] |= 1 << axis
            step, last = 1, first + 1
            masks[1] &= ~(1 << axis)
        else:
            shape.append(count)
        if b.chance(0.3) and step > 0 and not masks[2] >> axis & 1:
            first -= size
        begin.append(b.integer(0, size - 1) if ignored else first)
        end.append(last)
        strides.append(step)
    out = b.like(x, tuple(shape))
    options = FB.StridedSliceOptionsT()
    options.beginMask, options.endMask, options.shrinkAxisMask = masks
    inputs = [x, *(b.constant(v, "int32") for v in (begin, end, strides))]
    b.operator("STRIDED_SLICE", inputs, [out], options, version=2)
    return [out]


def reshape(b: RandomBuilder) -> list[Ref]:
    x = b.input(b.shape(3))
    kind = b.integer(0, 2)
    if kind == 0:
        return [b.reshape(x, (int(np.prod(x.shape)),))]
    if kind == 1:
        return [b.expand_dims(b.activation(x, "RELU"), b.integer(0, 2))]
    return [b.squeeze(b.activation(b.input((1, *x.shape)), "TANH"), (0,)), b.reshape(x, x.shape)]


def resize_nearest(b: RandomBuilder) -> list[Ref]:
    x = b.input((1, b.integer(1, 9), b.integer(1, 9), b.integer(1, 5)))
    height, width = b.integer(1, 14), b.integer(1, 14)
    out = b.like(x, (1, height, width, x.shape[3]))
    options = FB.ResizeNearestNeighborOptionsT()
    options.alignCorners = b.chance(0.3)
    options.halfPixelCenters = not options.alignCorners and b.chance(0.5)
    inputs = [x, b.constant([height, width], "int32")]
    b.operator("RESIZE_NEAREST_NEIGHBOR", inputs, [out], options, version=3)
    return [out]
