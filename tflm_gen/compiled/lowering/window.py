"""Sliding windows: geometry of convolutions and poolings, checked against the stored shapes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from tflm_gen.compiled.ir import Struct

if TYPE_CHECKING:
    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.model.records import OperatorSpec, TensorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The members of ``tgk_window``; same names, same meaning."""

    batches: int
    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    dilation_h: int = 1
    dilation_w: int = 1
    pad_h: int = 0
    pad_w: int = 0

    def struct(self) -> Struct:
        """As a C initializer."""
        return Struct(members={f.name: getattr(self, f.name) for f in fields(self)})

    @property
    def is_signal(self) -> bool:
        """One row, no gaps between taps: windows overlap in one contiguous run."""
        return self.in_h == self.kernel_h == self.out_h == 1 and self.dilation_w == 1

    def as_row(self) -> Window:
        """A signal that runs along the height, turned to run along the width.

        The bytes of [time][1][channel] and [1][time][channel] are the same.
        """
        if self.in_w != 1 or self.kernel_w != 1 or self.out_w != 1 or self.pad_w != 0:
            return self
        return replace(
            self,
            in_h=1,
            in_w=self.in_h,
            out_h=1,
            out_w=self.out_h,
            kernel_h=1,
            kernel_w=self.kernel_h,
            stride_h=1,
            stride_w=self.stride_h,
            dilation_h=1,
            dilation_w=self.dilation_h,
            pad_h=0,
            pad_w=self.pad_h,
        )


def columns_elements(window: Window, window_elements: int, tile: int) -> int:
    """Numbers that a tile of windows takes, each padded to window_elements.

    Windows of a signal overlap; only the last one's padding counts.
    """
    if window.is_signal:
        return (tile - 1) * window.stride_w * window.in_c + window_elements
    return tile * window_elements


def _axis(size: int, kernel: int, *, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    """Output size and padding in front, by TFLite's rules."""
    reach = (kernel - 1) * dilation + 1
    out = -(-size // stride) if padding == "SAME" else -(-(size - reach + 1) // stride)
    total = max(0, (out - 1) * stride + reach - size)
    return out, total // 2


def read_window(
    graph: Graph,
    op: OperatorSpec,
    tensors: tuple[TensorSpec, TensorSpec],
    *,
    kernel: tuple[int, int],
    out_c: int,
) -> Window:
    """The window of an operator from its options and shapes.

    Args:
        graph: The model.
        op: The operator.
        tensors: Its input and output.
        kernel: Height and width.
        out_c: Output channels.
    """
    source, out = tensors
    graph.require(len(source.shape) == 4, op, f"its input has {len(source.shape)} dimensions")
    batches, in_h, in_w, in_c = source.shape
    padding = str(op.options.get("padding", "VALID"))
    stride_h = graph.integer(op, "stride_h", 1)
    stride_w = graph.integer(op, "stride_w", 1)
    dilation_h = graph.integer(op, "dilation_h_factor", 1)
    dilation_w = graph.integer(op, "dilation_w_factor", 1)
    graph.require(
        min(stride_h, stride_w, dilation_h, dilation_w, *kernel, *source.shape) > 0,
        op,
        "a stride, dilation or size is not positive",
    )
    out_h, pad_h = _axis(in_h, kernel[0], stride=stride_h, dilation=dilation_h, padding=padding)
    out_w, pad_w = _axis(in_w, kernel[1], stride=stride_w, dilation=dilation_w, padding=padding)
    expected = (batches, out_h, out_w, out_c)
    graph.require(
        out.shape == expected,
        op,
        f"its output has shape {list(out.shape)}, its options give {list(expected)}",
    )
    return Window(
        batches=batches,
        in_h=in_h,
        in_w=in_w,
        in_c=in_c,
        out_h=out_h,
        out_w=out_w,
        out_c=out_c,
        kernel_h=kernel[0],
        kernel_w=kernel[1],
        stride_h=stride_h,
        stride_w=stride_w,
        dilation_h=dilation_h,
        dilation_w=dilation_w,
        pad_h=pad_h,
        pad_w=pad_w,
    )
