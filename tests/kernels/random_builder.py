"""A model builder with wild quantization: scales, zero points and weights as no converter has them.

Any zero point, and scales over several powers of two, so that saturation, left shifts and both
rounding branches occur.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.graph_builder import Quant, Ref, per_tensor
from tests.support.model_builder import ModelBuilder


class RandomBuilder(ModelBuilder):
    """The test model builder with wild quantization."""

    def integer(self, low: int, high: int) -> int:
        """A random integer, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def choice(self, *options: Any) -> Any:
        return options[self.integer(0, len(options) - 1)]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def quant_for(
        self,
        std: float,
        *,
        dtype: str | None = None,
        offset: float = 0.0,
        positive: bool = False,
    ) -> Quant | None:
        if (dtype or self.dtype) != "int8":
            return super().quant_for(std, dtype=dtype, offset=offset, positive=positive)
        usual = 2.5 * std / 127 * float(self.rng.uniform(0.4, 2.5))
        scale = usual * 2.0 ** self.integer(-6, 6) if self.chance(0.15) else usual
        zero_point = self.choice(-128, 0, 127, self.integer(-128, 127), self.integer(-128, 127))
        return per_tensor(float(np.float32(scale)), zero_point)

    def _weights(
        self, shape: tuple[int, ...], fan_in: int, *, axis: int, per_channel: bool
    ) -> tuple[Ref, np.ndarray]:
        weights, scales = super()._weights(shape, fan_in, axis=axis, per_channel=per_channel)
        if self.chance(0.1):
            # The sums' extremes: all weights at one end.
            values = np.full(shape, self.choice(-127, 127))
            weights = self.constant(values, "int8", quant=weights.quant)
        return weights, scales

    def maybe_relu(self) -> str:
        return self.choice("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")

    def shape(self, rank: int, largest: int = 6) -> tuple[int, ...]:
        return tuple(self.integer(1, largest) for _ in range(rank))
