"""How convolutions and dense layers finish a sum: bias, multiplier and shift of every channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.compiled.fixed_point import Multiplier, quantize_multiplier
from tflm_gen.compiled.ir import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tflm_gen.compiled.ir import Field
    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.compiled.tables import Affine
    from tflm_gen.model.records import OperatorSpec, TensorSpec

_INT32_LIMIT = 2**31
# The fast paths double the sum in 32 bits, and put the output's zero point above the shift.
_FAST_SUM_LIMIT = 2**30
_FAST_SHIFTS = range(1, 23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The output channels of one layer.

    Attributes:
        weights: One row per channel, int64 numbers.
        bias: Per channel.
        multipliers: Per channel.
        source: Quantization of the input.
        out: Quantization of the output.
        act_min: Clamp of the output.
        act_max: Clamp of the output.
    """

    weights: NDArray[np.int64]
    bias: NDArray[np.int64]
    multipliers: tuple[Multiplier, ...]
    source: Affine
    out: Affine
    act_min: int
    act_max: int

    @property
    def folded_bias(self) -> NDArray[np.int64]:
        """Bias less the input's zero point times the weights: then inputs are taken as they are."""
        return np.asarray(self.bias - self.source.zero_point * self.weights.sum(axis=1))

    @property
    def is_fast(self) -> bool:
        """Range proof of the fast paths, from the weights."""
        reach = np.abs(self.folded_bias) + 128 * np.abs(self.weights).sum(axis=1)
        # Running sums start without the bias, so the weights alone must fit too.
        fits = bool((reach < _FAST_SUM_LIMIT).all())
        return fits and all(-m.shift in _FAST_SHIFTS for m in self.multipliers)

    def table(self, *, folded: bool, multiple: int = 1) -> Table:
        """Rows of ``tgk_channel``, filled up to a multiple."""
        bias = self.folded_bias if folded else self.bias
        rows = [(int(b), m.mantissa, m.shift) for b, m in zip(bias, self.multipliers, strict=True)]
        rows += [(0, 0, -1)] * (-len(rows) % multiple)
        return Table(role="channels", c_type="tgk_channel", rows=tuple(rows))

    def fast_table(self, *, extra_bias: NDArray[np.int64] | None = None) -> Table:
        """Rows of ``tgk_fast_channel``, filled up to a multiple of four."""
        bias = self.folded_bias if extra_bias is None else self.folded_bias + extra_bias
        rows = [
            (
                2 * int(b),
                m.mantissa,
                (1 << (-m.shift - 1)) + self.out.zero_point * (1 << -m.shift),
                -m.shift,
            )
            for b, m in zip(bias, self.multipliers, strict=True)
        ]
        rows += [(0, 0, 1, 1)] * (-len(rows) % 4)
        return Table(role="channels", c_type="tgk_fast_channel", rows=tuple(rows))


def finish_members(channels: Channels) -> dict[str, Field]:
    """Zero points and clamp as the members that parameter structs have in common."""
    return {
        "in_zero": channels.source.zero_point,
        "out_zero": channels.out.zero_point,
        "act_min": channels.act_min,
        "act_max": channels.act_max,
    }


def read_channels(
    graph: Graph,
    op: OperatorSpec,
    *,
    filter_tensor: TensorSpec,
    bias_tensor: TensorSpec | None,
    weights: NDArray[np.int64],
    tensors: tuple[TensorSpec, TensorSpec],
) -> Channels:
    """Everything about a layer's channels; refuses what could overflow.

    Args:
        graph: The model.
        op: The layer.
        filter_tensor: Its weights' tensor, for the scales.
        bias_tensor: Its bias, or None.
        weights: The weights with one row per output channel.
        tensors: Its input and output.
    """
    source, out = graph.affine(op, tensors[0]), graph.affine(op, tensors[1])
    n_channels = weights.shape[0]
    scales = _filter_scales(graph, op, filter_tensor, n_channels)
    if bias_tensor is None:
        bias = np.zeros(n_channels, dtype=np.int64)
    else:
        graph.require(bias_tensor.dtype == "int32", op, f"its bias is {bias_tensor.dtype}")
        bias = graph.constant(op, bias_tensor, "biases").reshape(-1)
        graph.require(bias.size == n_channels, op, f"{bias.size} biases, {n_channels} channels")
    reach = np.abs(bias) + 255 * np.abs(weights).sum(axis=1)
    graph.require(
        bool((reach < _INT32_LIMIT).all()), op, "a sum may not fit 32 bits with these weights"
    )
    act_min, act_max = graph.activation(op, out)
    return Channels(
        weights=weights,
        bias=bias,
        multipliers=tuple(quantize_multiplier(source.scale * s / out.scale) for s in scales),
        source=source,
        out=out,
        act_min=act_min,
        act_max=act_max,
    )


def _filter_scales(
    graph: Graph, op: OperatorSpec, tensor: TensorSpec, n_channels: int
) -> tuple[float, ...]:
    quantization = tensor.quantization
    if quantization is None:
        graph.refuse(op, "its weights have no scale")
    graph.require(not any(quantization.zero_points), op, "its weights have a zero point")
    graph.require(
        len(quantization.scales) in (1, n_channels),
        op,
        f"{len(quantization.scales)} weight scales for {n_channels} channels",
    )
    if len(quantization.scales) == 1:
        return quantization.scales * n_channels
    return quantization.scales
