"""Scratch sizes that CMSIS-NN's kernels ask for, by instruction set.

Facts of the buffer size functions in ``Source/*/arm_*_get_buffer_sizes_*.c`` of CMSIS-NN (the
state that Arm's ML evaluation kit of 2026 links; its image confirms the Helium numbers, the
others come from those files). ``simd`` is "mve" (Helium), "dsp" or "none".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_HELIUM_CHANNELS = 124
"""Channels that one pass of the Helium depthwise kernel takes."""
_REVERSE_CHANNELS = 16
"""Above so many channels a transposed convolution is computed as a convolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A convolution's geometry.

    Attributes:
        batch: Batches of the input.
        in_h: Height of the input.
        in_w: Width of the input.
        in_c: Channels of the input.
        out_w: Width of the output.
        out_c: Channels of the output.
        filter_h: Height of the filter.
        filter_w: Width of the filter.
        filter_c: Channels of the filter; fewer than the input's in a grouped convolution.
        stride_h: Vertical stride.
        stride_w: Horizontal stride.
        dilation_h: Vertical dilation.
        dilation_w: Horizontal dilation.
        pad_h: Rows of padding above.
        pad_w: Columns of padding on the left.
    """

    batch: int
    in_h: int
    in_w: int
    in_c: int
    out_w: int
    out_c: int
    filter_h: int
    filter_w: int
    filter_c: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_h: int
    pad_w: int

    @property
    def is_dilated(self) -> bool:
        """Either dilation is not one."""
        return (self.dilation_h, self.dilation_w) != (1, 1)

    @property
    def is_1x1(self) -> bool:
        """A filter of one element without padding."""
        plain = not self.is_dilated and (self.pad_h, self.pad_w) == (0, 0)
        return plain and (self.filter_h, self.filter_w) == (1, 1) and self.filter_c == self.in_c

    @property
    def is_row(self) -> bool:
        """One row, in the shape that CMSIS-NN has a kernel of its own for."""
        one_row = self.in_h == 1 and self.filter_h == 1 and self.dilation_w == 1
        return one_row and self.stride_w * self.in_c % 4 == 0 and self.filter_c == self.in_c


def convolve_s8(window: Window, simd: str) -> int:
    """Scratch of an int8 convolution."""
    if window.is_1x1:
        return 0
    if simd == "mve":
        row = _helium_row(window) if window.is_row else None
        columns = window.filter_w * window.filter_h * window.in_c
        return 4 * 16 * -(-columns // 16) if row is None else row
    return _columns_s8(window)


def _columns_s8(window: Window) -> int:
    columns = window.filter_w * window.filter_h * window.in_c
    return 2 * 2 * (-(-columns // 4) * 4)


def _helium_row(window: Window) -> int | None:
    """Scratch of the one-row kernel, or None where padding leaves it nothing to do."""
    pad, stride = window.pad_w, window.stride_w
    total_pad = (window.out_w - 1) * stride + window.filter_w - window.in_w
    odd = int(total_pad - 2 * int(total_pad / 2))  # C's remainder keeps the sign.
    right = max(1, int((pad + odd + stride - 1) / stride)) if pad + odd else 0
    left = max(1, int((pad + stride - 1) / stride)) if pad else 0
    if right + max(window.out_w - right - left, 0) + left != window.out_w:
        return None
    channels = window.in_c
    pad_left = pad * channels
    pad_right = right * channels if odd else pad_left
    elements = window.filter_w * channels
    return max(elements + pad_left, elements - channels + pad_right)


def convolve_s16(window: Window, simd: str) -> int:
    """Scratch of an int16 convolution."""
    columns = window.filter_w * window.filter_h * window.in_c
    if simd == "mve":
        return 4 * 2 * 8 * -(-columns // 8)
    return 2 * 2 * columns


def depthwise_s8(window: Window, simd: str) -> int:
    """Scratch of an int8 depthwise convolution.

    Helium computes the one of a single input channel as a convolution with turned filters.
    """
    if simd == "mve" and window.in_c == 1 and window.out_c > 1:
        area = window.filter_w * window.filter_h
        is_plain = replace(window, filter_c=1).is_1x1
        return (0 if is_plain else 4 * 16 * -(-area // 16)) + window.out_c * area
    if window.in_c != window.out_c or window.batch != 1 or window.is_dilated:
        return 0
    area = window.filter_w * window.filter_h
    if simd == "mve":
        return 4 * _HELIUM_CHANNELS * area
    is_3x3 = (window.filter_w, window.filter_h) == (3, 3)
    if simd == "none" or (is_3x3 and window.pad_h <= 1 and window.pad_w <= 1):
        return 0
    return 2 * window.in_c * area


def depthwise_s16(window: Window, simd: str) -> int:
    """Scratch of an int16 depthwise convolution."""
    area = window.filter_w * window.filter_h
    if window.in_c != window.out_c or window.is_dilated or area >= 512 or simd == "none":
        return 0
    if simd == "mve":
        return 4 * 2 * window.in_c * area + 8
    return 2 * window.in_c * area


def is_reversed(window: Window) -> bool:
    """A transposed convolution is computed as a convolution over a stretched input."""
    return window.stride_w <= 2 and window.stride_h <= 2 and window.in_c > _REVERSE_CHANNELS


def transpose_conv_s8(window: Window, simd: str) -> int:
    """First scratch buffer of an int8 transposed convolution."""
    if is_reversed(window):
        columns = window.filter_w * window.filter_h * window.in_c
        return 4 * 16 * -(-columns // 16) if simd == "mve" else 2 * 2 * (-(-columns // 4) * 4)
    width = (window.in_w - 1) * window.stride_w + max(window.filter_w, window.stride_h)
    return 4 * width * window.out_c * max(window.filter_h, window.stride_h)


def transpose_conv_s8_reverse(window: Window) -> int:
    """Second one: the filter, turned round."""
    if not is_reversed(window):
        return 0
    return window.in_c * window.filter_w * window.filter_h * window.out_c


def average_pool(channels: int, simd: str) -> int:
    """Scratch of an average pooling."""
    return 4 * channels if simd == "dsp" else 0
