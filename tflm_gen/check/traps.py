"""Known kernel traps: wrong outputs without an error. The facts are in ``traps.toml``."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from tflm_gen.check.use import is_per_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tflm_gen.check.records import Severity
    from tflm_gen.check.use import Use

_FILE = Path(__file__).resolve().parent / "traps.toml"

Words = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One known defect of a kernel.

    Attributes:
        id: Stable name.
        severity: "warning" for wrong outputs, "note" for what only costs.
        ops: Operators that can be hit.
        match: Name of the function that decides.
        runtimes: Measured TFLM builds that have it; empty if it goes by kernel library.
        kernels: Kernel libraries that have it.
        evidence: "reproduced" here, or "reported" in a thread.
        affected: Versions, in words.
        message: What happens, with places for the operator's numbers.
        reason: What was seen.
        remedy: What to do.
        reproducer: A model that shows it, or the thread.
    """

    id: str
    severity: Severity
    ops: frozenset[str]
    match: str
    runtimes: frozenset[str]
    kernels: frozenset[str]
    evidence: Literal["reproduced", "reported"]
    affected: str
    message: str
    reason: str
    remedy: str
    reproducer: str

    def applies_to(self, runtime: str, kernels: str) -> bool:
        """The TFLM that will be linked is one of those affected."""
        return runtime in self.runtimes or kernels in self.kernels

    def words_for(self, use: Use) -> Words | None:
        """Numbers for the message if the operator is hit, else None."""
        return MATCHERS[self.match](use) if use.op in self.ops else None


@cache
def load_traps() -> tuple[str, tuple[Trap, ...]]:
    """Date of the file, and all traps."""
    raw = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    traps = tuple(
        Trap(
            **{
                **entry,
                "ops": frozenset(entry["ops"]),
                "runtimes": frozenset(entry.get("runtimes", ())),
                "kernels": frozenset(entry.get("kernels", ())),
            }
        )
        for entry in raw["trap"]
    )
    return str(raw["dated"]), traps


def _any(use: Use) -> Words | None:
    return {"op": use.op}


def right_padding(width: int, kernel: int, stride: int) -> int:
    """Columns that SAME padding adds on the right of an undilated window."""
    positions = -(-width // stride)
    total = max(0, (positions - 1) * stride + kernel - width)
    return total - total // 2


def _strided_row_with_right_padding(use: Use) -> Words | None:
    source, weights = use.input(0), use.input(1)
    if source is None or weights is None or source.dtype != "int8":
        return None
    if len(source.shape) != 4 or len(weights.shape) != 4:
        return None
    stride = use.option("stride_w", 1)
    is_row = source.shape[1] == 1 and weights.shape[1] == 1
    is_same = use.operator.options.get("padding") == "SAME"
    is_dilated = use.option("dilation_w_factor", 1) > 1
    right = right_padding(source.shape[2], weights.shape[2], stride)
    in_fours = stride * source.shape[3] % 4 == 0
    if not (is_row and is_same and in_fours) or is_dilated:
        return None
    if not _row_end_is_misread(source.shape[2], weights.shape[2], stride):
        return None
    return {"stride": stride, "right": right}


def _row_end_is_misread(width: int, kernel: int, stride: int) -> bool:
    """CMSIS-NN's row kernel for Helium prepares other columns than its last outputs need.

    It copies ``kernel - 1`` columns of input, however many are left, and sets columns of padding
    behind them: as many as on the left, or if the padding is odd as many as it computes outputs.
    """
    out = -(-width // stride)
    padding = (out - 1) * stride + kernel - width
    if padding <= 0:
        return False
    left, odd = padding // 2, padding % 2
    n_right = -(-(left + odd) // stride)
    n_left = -(-left // stride)
    if n_left + n_right > out:
        return False  # Another kernel takes the row.
    n_columns_left = width - (stride * (out - n_right) - left)
    needed = (n_right - 1) * stride + kernel
    prepared = kernel - 1 + (n_right if odd else left)
    return n_columns_left != kernel - 1 or needed > prepared


def _int8_space_to_batch_with_padding(use: Use) -> Words | None:
    source, output, block = use.input(0), use.output, use.input(1)
    if source is None or output is None or block is None or source.dtype != "int8":
        return None
    zero_point = source.quantization.zero_points[0] if source.quantization else 0
    # More elements come out than went in: the rest is padding.
    if zero_point == 0 or output.n_elements <= source.n_elements:
        return None
    return {"zero_point": zero_point}


def _sum_of_three_axes(use: Use) -> Words | None:
    axes = use.input(1)
    if axes is None or axes.n_elements < 3:
        return None
    return {"count": axes.n_elements}


def _int8_of_rank_above_four(use: Use) -> Words | None:
    output = use.output
    if output is None or output.dtype != "int8" or len(output.shape) <= 4:
        return None
    return {"op": use.op, "rank": len(output.shape)}


def _int16_without_bias(use: Use) -> Words | None:
    source = use.input(0)
    has_bias = use.input(2) is not None
    return None if source is None or source.dtype != "int16" or has_bias else {"op": use.op}


def _int8_logistic_with_other_scale(use: Use) -> Words | None:
    output = use.output
    if output is None or output.dtype != "int8" or output.quantization is None:
        return None
    scale = output.quantization.scales[0]
    return None if abs(scale - 1 / 256) < 1e-6 else {"scale": f"{scale:.6g}"}


def _int8_dense_with_misaligned_rows(use: Use) -> Words | None:
    """The first row is as aligned as its tensor; those behind it only if a row is."""
    data, weights = use.input(0), use.input(1)
    if data is None or weights is None or weights.dtype != "int8" or len(weights.shape) < 2:
        return None
    depth = weights.shape[-1]
    rows = math.prod(data.shape) // depth if depth > 0 else 0
    return {"rows": rows, "depth": depth} if rows > 1 and depth % 16 else None


def _per_channel_dense(use: Use) -> Words | None:
    return {"op": use.op} if is_per_channel(use.input(1)) else None


def _dilated(use: Use) -> Words | None:
    factors = (use.option("dilation_h_factor", 1), use.option("dilation_w_factor", 1))
    return None if max(factors) <= 1 else {"dilation": f"{factors[0]} x {factors[1]}"}


def _quantized_input(use: Use) -> Words | None:
    source = use.input(0)
    return {"op": use.op} if source is not None and source.dtype in ("int8", "int16") else None


MATCHERS: Mapping[str, Callable[[Use], Words | None]] = MappingProxyType(
    {
        "any": _any,
        "strided_row_with_right_padding": _strided_row_with_right_padding,
        "int8_space_to_batch_with_padding": _int8_space_to_batch_with_padding,
        "sum_of_three_axes": _sum_of_three_axes,
        "int8_of_rank_above_four": _int8_of_rank_above_four,
        "int16_without_bias": _int16_without_bias,
        "int8_logistic_with_other_scale": _int8_logistic_with_other_scale,
        "int8_dense_with_misaligned_rows": _int8_dense_with_misaligned_rows,
        "per_channel_dense": _per_channel_dense,
        "dilated": _dilated,
        "quantized_input": _quantized_input,
    }
)
