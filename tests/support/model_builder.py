"""Builds TFLite models layer by layer, seeded, with quantization that keeps signals alive.

A tensor carries an estimate of its standard deviation; layers choose output scales from it, so
that random networks neither saturate nor fade to the zero point, and comparing two interpreters
on them means something.

    net = ModelBuilder(seed=1)
    x = net.input((1, 128, 1))
    x = net.conv_1d(x, 8, 5, activation="RELU")
    x = net.mean(x, (1,))
    data = net.finish([net.softmax(net.fully_connected(x, 4))])
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.support.graph_builder import FB, Quant, Ref, per_tensor
from tests.support.shape_layers import ShapeLayers, conv_size, set_conv

# Quantized range in standard deviations: a few per cent of values saturate, as after calibration.
_RANGE_STDS = 2.5


class ModelBuilder(ShapeLayers):
    """All layers; :class:`ShapeLayers` has those that only move data.

    Args:
        dtype: Type of activations: "int8", "int16" (with int8 weights) or "float32".
        seed: Of weights and scales.
    """

    def __init__(self, *, dtype: str = "int8", seed: int = 0, **graph: Any) -> None:
        super().__init__(**graph)
        self.dtype = dtype
        self.rng = np.random.default_rng(seed)

    # --- tensors ------------------------------------------------------------------------------

    def input(
        self,
        shape: tuple[int, ...],
        *,
        dtype: str | None = None,
        std: float = 1.0,
        name: str = "",
        signature: tuple[int, ...] | None = None,
    ) -> Ref:
        """Add an input of the subgraph."""
        dtype = dtype or self.dtype
        quant = self.quant_for(std, dtype=dtype, offset=0.1)
        ref = self.tensor(shape, dtype, quant=quant, std=std, name=name, signature=signature)
        self.graph.inputs.append(ref)
        return ref

    def quant_for(
        self, std: float, *, dtype: str | None = None, offset: float = 0.0, positive: bool = False
    ) -> Quant | None:
        """Scale and zero point for values of that standard deviation; None for float."""
        dtype = dtype or self.dtype
        reach = _RANGE_STDS * std * float(self.rng.uniform(0.9, 1.1))
        if dtype == "int16":
            return per_tensor(float(np.float32(reach / 32767)))
        if dtype not in ("int8", "uint8"):
            return None
        low, high = (0.0, reach) if positive else (-reach * (1 - offset), reach * (1 + offset))
        scale = float(np.float32((high - low) / 255))
        lowest = -128 if dtype == "int8" else 0
        return per_tensor(scale, lowest + round(-low / scale))

    def fresh(self, shape: tuple[int, ...], std: float, *, activation: str = "NONE") -> Ref:
        """An output tensor with a range of its own."""
        quant = self.quant_for(std, positive=activation in ("RELU", "RELU6"), offset=0.05)
        kept = 0.6 * std if activation != "NONE" else std
        return self.tensor(shape, self.dtype, quant=quant, std=kept)

    def fixed(self, shape: tuple[int, ...], int8: Quant, int16: Quant, std: float) -> Ref:
        """An output whose quantization the operator prescribes."""
        quant = {"int8": int8, "int16": int16}.get(self.dtype)
        return self.tensor(shape, self.dtype, quant=quant, std=std)

    def _weights(
        self, shape: tuple[int, ...], fan_in: int, *, axis: int, per_channel: bool
    ) -> tuple[Ref, np.ndarray]:
        """Weights of unit gain, and their scales."""
        std = 1.0 / math.sqrt(fan_in)
        if self.dtype == "float32":
            values = self.rng.normal(0.0, std, shape)
            return self.constant(values, "float32"), np.ones(1)
        n_scales = shape[axis] if per_channel else 1
        scales = (std / 73.0 * self.rng.uniform(0.7, 1.4, n_scales)).astype(np.float32)
        quant = Quant(
            scales=tuple(float(s) for s in scales), zero_points=(0,) * n_scales, axis=axis
        )
        values = self.rng.integers(-127, 128, shape)
        return self.constant(values, "int8", quant=quant), scales

    def _bias(self, x: Ref, scales: np.ndarray, channels: int, out_std: float) -> Ref:
        real = self.rng.normal(0.0, 0.2 * out_std, channels)
        if self.dtype == "float32":
            return self.constant(real, "float32")
        assert x.quant is not None
        bias_scales = (np.float32(x.quant.scale) * scales).astype(np.float32)
        quant = Quant(
            scales=tuple(float(s) for s in bias_scales), zero_points=(0,) * len(bias_scales)
        )
        values = np.round(real / np.broadcast_to(bias_scales, channels))
        wide = "int64" if self.dtype == "int16" else "int32"
        return self.constant(values.astype(np.int64), wide, quant=quant)

    # --- sums of products ---------------------------------------------------------------------

    def conv_2d(
        self,
        x: Ref,
        filters: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
        per_channel: bool = True,
        bias: bool = True,
    ) -> Ref:
        """CONV_2D with weights [filters, height, width, channels]."""
        channels = x.shape[3]
        fan_in = kernel[0] * kernel[1] * channels
        weights, scales = self._weights(
            (filters, *kernel, channels), fan_in, axis=0, per_channel=per_channel
        )
        inputs = [x, weights, self._bias(x, scales, filters, x.std) if bias else None]
        height, width = conv_size(x.shape, kernel, stride, dilation, padding)
        out = self.fresh((x.shape[0], height, width, filters), x.std, activation=activation)
        options = FB.Conv2DOptionsT()
        set_conv(options, padding, stride, dilation, activation)
        self.operator("CONV_2D", inputs, [out], options, version=3)
        return out

    def conv_1d(
        self,
        x: Ref,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        padding: str = "SAME",
        activation: str = "NONE",
        expand_dims: bool = False,
    ) -> Ref:
        """What a converter makes of Conv1D: [n, w, c] goes to [n, 1, w, c] and back.

        With ``expand_dims`` it is EXPAND_DIMS as for an open batch dimension, else RESHAPE.
        """
        batch, length, channels = x.shape
        wide = (
            self.expand_dims(x, 1) if expand_dims else self.reshape(x, (batch, 1, length, channels))
        )
        out = self.conv_2d(
            wide,
            filters,
            (1, kernel),
            stride=(1, stride),
            dilation=(1, dilation),
            padding=padding,
            activation=activation,
        )
        return self.reshape(out, (batch, out.shape[2], filters))

    def depthwise_conv_2d(
        self,
        x: Ref,
        kernel: tuple[int, int],
        *,
        multiplier: int = 1,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
    ) -> Ref:
        """DEPTHWISE_CONV_2D with weights [1, height, width, channels * multiplier]."""
        channels = x.shape[3] * multiplier
        weights, scales = self._weights(
            (1, *kernel, channels), kernel[0] * kernel[1], axis=3, per_channel=True
        )
        bias = self._bias(x, scales, channels, x.std)
        height, width = conv_size(x.shape, kernel, stride, dilation, padding)
        out = self.fresh((x.shape[0], height, width, channels), x.std, activation=activation)
        options = FB.DepthwiseConv2DOptionsT()
        set_conv(options, padding, stride, dilation, activation)
        options.depthMultiplier = multiplier
        self.operator("DEPTHWISE_CONV_2D", [x, weights, bias], [out], options, version=3)
        return out

    def transpose_conv(
        self,
        x: Ref,
        filters: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        padding: str = "SAME",
    ) -> Ref:
        """TRANSPOSE_CONV with weights [filters, height, width, channels] and a bias."""
        batch, height, width, channels = x.shape
        fan_in = max(1, kernel[0] * kernel[1] * channels // (stride[0] * stride[1]))
        weights, scales = self._weights(
            (filters, *kernel, channels), fan_in, axis=0, per_channel=True
        )
        extra = (0, 0) if padding == "SAME" else (kernel[0] - stride[0], kernel[1] - stride[1])
        shape = (
            batch,
            height * stride[0] + max(0, extra[0]),
            width * stride[1] + max(0, extra[1]),
            filters,
        )
        out = self.fresh(shape, x.std)
        options = FB.TransposeConvOptionsT()
        options.padding = getattr(FB.Padding, padding)
        options.strideH, options.strideW = stride
        bias = self._bias(x, scales, filters, x.std)
        inputs = [self.constant(list(shape), "int32"), weights, x, bias]
        self.operator("TRANSPOSE_CONV", inputs, [out], options, version=3)
        return out

    def fully_connected(
        self,
        x: Ref,
        units: int,
        *,
        activation: str = "NONE",
        per_channel: bool = False,
        bias: bool = True,
        keep_num_dims: bool = False,
    ) -> Ref:
        """FULLY_CONNECTED over the last dimension (or, of a 4-D tensor, over all but the first)."""
        depth = x.shape[-1] if keep_num_dims else math.prod(x.shape[1:])
        weights, scales = self._weights((units, depth), depth, axis=0, per_channel=per_channel)
        inputs = [x, weights, self._bias(x, scales, units, x.std) if bias else None]
        lead = x.shape[:-1] if keep_num_dims else (x.shape[0],)
        out = self.fresh((*lead, units), x.std, activation=activation)
        options = FB.FullyConnectedOptionsT()
        options.fusedActivationFunction = getattr(FB.ActivationFunctionType, activation)
        options.keepNumDims = keep_num_dims
        self.operator("FULLY_CONNECTED", inputs, [out], options, version=4)
        return out

    def batch_matmul(
        self, left: Ref, right: Ref, *, adj_x: bool = False, adj_y: bool = False
    ) -> Ref:
        """BATCH_MATMUL of two run-time tensors."""
        rows = left.shape[-1] if adj_x else left.shape[-2]
        inner = left.shape[-2] if adj_x else left.shape[-1]
        columns = right.shape[-2] if adj_y else right.shape[-1]
        std = left.std * right.std * math.sqrt(inner)
        out = self.fresh((*left.shape[:-2], rows, columns), std)
        options = FB.BatchMatMulOptionsT()
        options.adjX, options.adjY = adj_x, adj_y
        self.operator("BATCH_MATMUL", [left, right], [out], options, version=2)
        return out

    # --- pooling and reduction ----------------------------------------------------------------

    def pool_2d(
        self,
        x: Ref,
        op: str,
        size: tuple[int, int],
        *,
        stride: tuple[int, int] | None = None,
        padding: str = "VALID",
    ) -> Ref:
        """MAX_POOL_2D or AVERAGE_POOL_2D."""
        step = stride or size
        height, width = conv_size(x.shape, size, step, (1, 1), padding)
        out = self.like(x, (x.shape[0], height, width, x.shape[3]))
        options = FB.Pool2DOptionsT()
        options.padding = getattr(FB.Padding, padding)
        options.filterHeight, options.filterWidth = size
        options.strideH, options.strideW = step
        self.operator(op, [x], [out], options, version=2)
        return out

    def reduce(self, x: Ref, op: str, axes: tuple[int, ...], *, keep_dims: bool = False) -> Ref:
        """MEAN, SUM, REDUCE_MAX or REDUCE_MIN."""
        shape = tuple(
            1 if axis in axes else size
            for axis, size in enumerate(x.shape)
            if keep_dims or axis not in axes
        )
        n = math.prod(x.shape[axis] for axis in axes)
        gain = {"MEAN": 1 / math.sqrt(n), "SUM": math.sqrt(n)}.get(op)
        # Means of a rectified signal do not shrink like noise does, so leave room.
        out = self.like(x, shape) if gain is None else self.fresh(shape, 2 * gain * x.std)
        options = FB.ReducerOptionsT()
        options.keepDims = keep_dims
        self.operator(op, [x, self.constant(list(axes), "int32")], [out], options, version=2)
        return out

    def mean(self, x: Ref, axes: tuple[int, ...], *, keep_dims: bool = False) -> Ref:
        """MEAN over the axes."""
        return self.reduce(x, "MEAN", axes, keep_dims=keep_dims)

    # --- element-wise -------------------------------------------------------------------------

    def binary(self, op: str, left: Ref, right: Ref, *, activation: str = "NONE") -> Ref:
        """ADD, SUB, MUL, MAXIMUM, MINIMUM or SQUARED_DIFFERENCE, with broadcasting."""
        shape = np.broadcast_shapes(left.shape, right.shape)
        if op in ("MAXIMUM", "MINIMUM"):
            right = self.requantize(right, left)
            out = self.like(left, shape)
            self.operator(op, [left, right], [out], FB.MaximumMinimumOptionsT(), version=2)
            return out
        std = left.std * right.std if op == "MUL" else math.hypot(left.std, right.std)
        out = self.fresh(shape, std * std if op == "SQUARED_DIFFERENCE" else std)
        name = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul"}.get(op, "SquaredDifference")
        options = getattr(FB, f"{name}OptionsT")()
        if name != "SquaredDifference":
            options.fusedActivationFunction = getattr(FB.ActivationFunctionType, activation)
        self.operator(op, [left, right], [out], options, version=2)
        return out

    def activation(self, x: Ref, op: str) -> Ref:
        """LOGISTIC, TANH, RELU, RELU6, LEAKY_RELU, HARD_SWISH or ABS."""
        options = None
        if op == "LOGISTIC":
            out = self.fixed(x.shape, per_tensor(1 / 256, -128), per_tensor(1 / 32768), 0.3)
        elif op == "TANH":
            out = self.fixed(x.shape, per_tensor(1 / 128), per_tensor(1 / 32768), 0.6)
        elif op in ("RELU", "RELU6"):
            out = self.fresh(x.shape, x.std, activation=op)
        else:
            out = self.fresh(x.shape, x.std)
        if op == "LEAKY_RELU":
            options = FB.LeakyReluOptionsT()
            options.alpha = 0.1
        self.operator(op, [x], [out], options, version=2)
        return out

    def softmax(self, x: Ref, *, beta: float = 1.0) -> Ref:
        """SOFTMAX over the last dimension."""
        out = self.fixed(x.shape, per_tensor(1 / 256, -128), per_tensor(1 / 32768), 0.3)
        options = FB.SoftmaxOptionsT()
        options.beta = beta
        self.operator("SOFTMAX", [x], [out], options, version=2)
        return out

    # --- types --------------------------------------------------------------------------------

    def quantize(self, x: Ref, dtype: str, *, quant: Quant | None = None) -> Ref:
        """QUANTIZE from float, or from one quantization to another."""
        quant = quant or self.quant_for(x.std, dtype=dtype)
        out = self.tensor(x.shape, dtype, quant=quant, std=x.std)
        self.operator("QUANTIZE", [x], [out], FB.QuantizeOptionsT(), version=2)
        return out

    def dequantize(self, x: Ref) -> Ref:
        """DEQUANTIZE to float32."""
        out = self.tensor(x.shape, "float32", std=x.std)
        self.operator("DEQUANTIZE", [x], [out], FB.DequantizeOptionsT(), version=2)
        return out

    def requantize(self, x: Ref, target: Ref) -> Ref:
        """The same values with another tensor's quantization, as converters insert it."""
        if x.quant == target.quant:
            return x
        return self.quantize(x, target.dtype, quant=target.quant)
