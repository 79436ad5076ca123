"""Layers that move data without computing; the base of the test model builder."""

from __future__ import annotations

import math
from typing import Any

from tests.support.graph_builder import FB, GraphBuilder, Ref


class ShapeLayers(GraphBuilder):
    """Operators whose output has the input's quantization."""

    def like(self, ref: Ref, shape: tuple[int, ...]) -> Ref:
        """A tensor with the same type and quantization, and another shape."""
        return self.tensor(shape, ref.dtype, quant=ref.quant, std=ref.std)

    def _moved(
        self,
        op: str,
        x: Ref,
        shape: tuple[int, ...],
        constants: list[Any],
        options: Any = None,
        *,
        version: int = 1,
    ) -> Ref:
        out = self.like(x, shape)
        inputs = [x, *(self.constant(values, "int32") for values in constants)]
        self.operator(op, inputs, [out], options, version=version)
        return out

    def reshape(self, x: Ref, shape: tuple[int, ...]) -> Ref:
        """RESHAPE with the shape as a constant input, as the converter writes it."""
        assert math.prod(shape) == math.prod(x.shape)
        return self._moved("RESHAPE", x, shape, [list(shape)])

    def expand_dims(self, x: Ref, axis: int) -> Ref:
        """EXPAND_DIMS."""
        shape = (*x.shape[:axis], 1, *x.shape[axis:])
        return self._moved("EXPAND_DIMS", x, shape, [axis], FB.ExpandDimsOptionsT())

    def squeeze(self, x: Ref, axes: tuple[int, ...]) -> Ref:
        """SQUEEZE."""
        options = FB.SqueezeOptionsT()
        options.squeezeDims = list(axes)
        shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
        return self._moved("SQUEEZE", x, shape, [], options)

    def pad(self, x: Ref, pads: tuple[tuple[int, int], ...]) -> Ref:
        """PAD with (before, after) for each dimension."""
        shape = tuple(size + sum(pair) for size, pair in zip(x.shape, pads, strict=True))
        return self._moved("PAD", x, shape, [pads], FB.PadOptionsT(), version=2)

    def strided_slice(
        self,
        x: Ref,
        begin: tuple[int, ...],
        end: tuple[int, ...],
        strides: tuple[int, ...],
        *,
        shrink_axis_mask: int = 0,
    ) -> Ref:
        """STRIDED_SLICE with non-negative begin and end."""
        sizes = [
            len(range(first, last, step))
            for first, last, step in zip(begin, end, strides, strict=True)
        ]
        shape = tuple(size for axis, size in enumerate(sizes) if not shrink_axis_mask >> axis & 1)
        options = FB.StridedSliceOptionsT()
        options.shrinkAxisMask = shrink_axis_mask
        constants = [list(begin), list(end), list(strides)]
        return self._moved("STRIDED_SLICE", x, shape, constants, options, version=2)

    def slice(self, x: Ref, begin: tuple[int, ...], size: tuple[int, ...]) -> Ref:
        """SLICE."""
        constants = [list(begin), list(size)]
        return self._moved("SLICE", x, size, constants, FB.SliceOptionsT(), version=2)

    def transpose(self, x: Ref, order: tuple[int, ...]) -> Ref:
        """TRANSPOSE."""
        shape = tuple(x.shape[axis] for axis in order)
        return self._moved("TRANSPOSE", x, shape, [list(order)], FB.TransposeOptionsT(), version=2)

    def gather(self, x: Ref, indices: list[int], axis: int) -> Ref:
        """GATHER with constant indices."""
        options = FB.GatherOptionsT()
        options.axis = axis
        shape = (*x.shape[:axis], len(indices), *x.shape[axis + 1 :])
        return self._moved("GATHER", x, shape, [indices], options, version=2)

    def resize_nearest(self, x: Ref, height: int, width: int) -> Ref:
        """RESIZE_NEAREST_NEIGHBOR."""
        shape = (x.shape[0], height, width, x.shape[3])
        options = FB.ResizeNearestNeighborOptionsT()
        return self._moved(
            "RESIZE_NEAREST_NEIGHBOR", x, shape, [[height, width]], options, version=2
        )

    def space_to_batch_nd(
        self, x: Ref, block: tuple[int, ...], pads: tuple[tuple[int, int], ...]
    ) -> Ref:
        """SPACE_TO_BATCH_ND over the dimensions after the batch."""
        spatial = [
            (size + sum(pair)) // step
            for size, pair, step in zip(x.shape[1 : 1 + len(block)], pads, block, strict=True)
        ]
        shape = (x.shape[0] * math.prod(block), *spatial, *x.shape[1 + len(block) :])
        options = FB.SpaceToBatchNDOptionsT()
        return self._moved("SPACE_TO_BATCH_ND", x, shape, [list(block), pads], options, version=2)

    def batch_to_space_nd(
        self, x: Ref, block: tuple[int, ...], crops: tuple[tuple[int, int], ...]
    ) -> Ref:
        """BATCH_TO_SPACE_ND over the dimensions after the batch."""
        spatial = [
            size * step - sum(pair)
            for size, pair, step in zip(x.shape[1 : 1 + len(block)], crops, block, strict=True)
        ]
        shape = (x.shape[0] // math.prod(block), *spatial, *x.shape[1 + len(block) :])
        options = FB.BatchToSpaceNDOptionsT()
        return self._moved("BATCH_TO_SPACE_ND", x, shape, [list(block), crops], options, version=2)

    def concatenation(self, parts: list[Ref], axis: int) -> Ref:
        """CONCATENATION of tensors with equal quantization."""
        assert len({part.quant for part in parts}) == 1
        size = sum(part.shape[axis] for part in parts)
        first = parts[0]
        out = self.like(first, (*first.shape[:axis], size, *first.shape[axis + 1 :]))
        options = FB.ConcatenationOptionsT()
        options.axis = axis
        self.operator("CONCATENATION", list(parts), [out], options, version=2)
        return out

    def pack(self, parts: list[Ref], axis: int) -> Ref:
        """PACK: join along a new dimension."""
        first = parts[0]
        out = self.like(first, (*first.shape[:axis], len(parts), *first.shape[axis:]))
        options = FB.PackOptionsT()
        options.axis, options.valuesCount = axis, len(parts)
        self.operator("PACK", list(parts), [out], options, version=2)
        return out

    def unpack(self, x: Ref, axis: int) -> list[Ref]:
        """UNPACK: one tensor for each index of a dimension."""
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        outs = [self.like(x, shape) for _ in range(x.shape[axis])]
        options = FB.UnpackOptionsT()
        options.axis, options.num = axis, x.shape[axis]
        self.operator("UNPACK", [x], outs, options, version=2)
        return outs

    def split(self, x: Ref, parts: int, axis: int) -> list[Ref]:
        """SPLIT into equal parts."""
        shape = (*x.shape[:axis], x.shape[axis] // parts, *x.shape[axis + 1 :])
        outs = [self.like(x, shape) for _ in range(parts)]
        options = FB.SplitOptionsT()
        options.numSplits = parts
        self.operator("SPLIT", [self.constant(axis, "int32"), x], outs, options, version=2)
        return outs

    def shape_of(self, x: Ref) -> Ref:
        """SHAPE."""
        out = self.tensor((len(x.shape),), "int32")
        options = FB.ShapeOptionsT()
        options.outType = FB.TensorType.INT32
        self.operator("SHAPE", [x], [out], options)
        return out


def conv_size(
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: str,
) -> tuple[int, int]:
    """Height and width of a convolution's or pool's output."""
    sizes = []
    for axis in range(2):
        size, step = shape[1 + axis], stride[axis]
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        sizes.append(-(-size // step) if padding == "SAME" else -(-(size - reach + 1) // step))
    height, width = sizes
    assert min(height, width) > 0
    return height, width


def set_conv(
    options: Any,
    padding: str,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    activation: str,
) -> None:
    """Fill the fields that both convolution option tables have."""
    options.padding = getattr(FB.Padding, padding)
    options.strideH, options.strideW = stride
    options.dilationHFactor, options.dilationWFactor = dilation
    options.fusedActivationFunction = getattr(FB.ActivationFunctionType, activation)
