"""Weights in the order the fast kernels read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.compiled.ir import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHANNEL_BLOCK = 4
_CHANNEL_PAIR = 2
_VECTOR = 16


def _padded(weights: NDArray[np.int64], rows: int, columns: int) -> NDArray[np.int64]:
    """The weights with zeros behind, up to multiples of rows and columns."""
    height, width = weights.shape
    return np.pad(weights, ((0, -height % rows), (0, -width % columns)))


def _signed_words(words: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(word) - (1 << 32 if word >= 1 << 31 else 0) for word in words.reshape(-1))


def pack_conv_dsp(weights: NDArray[np.int64]) -> Table:
    """Pairs of 16-bit weights, four channels side by side."""
    return _halfword_pairs(_padded(weights, _CHANNEL_BLOCK, 4))


def _halfword_pairs(padded: NDArray[np.int64]) -> Table:
    low, high = padded[:, 0::2] & 0xFFFF, padded[:, 1::2] & 0xFFFF
    words = low | (high << 16)
    blocks = words.reshape(-1, _CHANNEL_BLOCK, words.shape[1]).transpose(0, 2, 1)
    return Table(role="weights", c_type="int32_t", rows=_signed_words(blocks))


def pack_conv_mve(weights: NDArray[np.int64]) -> Table:
    """Vectors of 16 weights, two channels in turn."""
    padded = _padded(weights, _CHANNEL_PAIR, _VECTOR)
    vectors = padded.reshape(-1, _CHANNEL_PAIR, padded.shape[1] // _VECTOR, _VECTOR)
    rows = vectors.transpose(0, 2, 1, 3).reshape(-1)
    return Table(role="weights", c_type="int8_t", rows=tuple(int(w) for w in rows))


def pack_dense_dsp(weights: NDArray[np.int64]) -> Table:
    """Words of four weights, four outputs side by side; weights 0 and 2 with the sign flipped."""
    padded = _padded(weights, _CHANNEL_BLOCK, 4)
    stored = padded & 0xFF
    stored[:, 0::2] ^= 0x80
    quads = stored.reshape(padded.shape[0], -1, 4)
    words = quads[..., 0] | quads[..., 1] << 8 | quads[..., 2] << 16 | quads[..., 3] << 24
    blocks = words.reshape(-1, _CHANNEL_BLOCK, words.shape[1]).transpose(0, 2, 1)
    return Table(role="weights", c_type="uint32_t", rows=tuple(int(w) for w in blocks.reshape(-1)))


def dense_dsp_bias(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the packing of :func:`pack_dense_dsp` adds to a sum, negated.

    The halfword of weights 0 and 1 is 256 * w1 + w0 + 128, and its partner takes
    256 * x0 - x1 + 128 off again; what stays is 128 * (x0 - w1) per pair, of which the kernel
    removes the part with x.
    """
    return np.asarray(128 * weights[:, 1::2].sum(axis=1))


def plain_weights(weights: NDArray[np.int64], *, extra: int = 0) -> Table:
    """Weights as they are in the file, with so many zeros behind them."""
    rows = tuple(int(w) for w in weights.reshape(-1))
    return Table(role="weights", c_type="int8_t", rows=rows + (0,) * extra)


def pack_depthwise_dsp(weights: NDArray[np.int64]) -> Table:
    """Pairs of 16-bit weights of two taps, four channels side by side; rows are channels."""
    return _halfword_pairs(_padded(weights, _CHANNEL_BLOCK, 2))


# The word of :mod:`conv_pairs_dsp.c`: two taps, the second one so many bits up.
_PAIR_BITS = 22
# Fields start from these offsets and must stay positive.
_ODD_LIMIT, _EVEN_LIMIT = 1 << 20, 1 << 19


def _tap_pairs(weights: NDArray[np.int64], taps: int) -> NDArray[np.int64]:
    """Weights as [channel][input channel][word][even tap, odd tap], a zero in front if odd."""
    by_tap = weights.reshape(weights.shape[0], taps, -1)
    padded = np.pad(by_tap, ((0, 0), (taps % 2, 0), (0, 0)))
    pairs = padded.reshape(weights.shape[0], -1, 2, by_tap.shape[2])
    return np.asarray(pairs.transpose(0, 3, 1, 2))


def fits_pairs(weights: NDArray[np.int64], taps: int) -> bool:
    """No field of a pair's sum can overflow, whatever the input; rows are channels."""
    reach = 128 * np.abs(_tap_pairs(weights, taps)).sum(axis=(1, 2))
    even, odd = reach[:, 0], reach[:, 1]
    both = bool((even + odd < _ODD_LIMIT + _EVEN_LIMIT).all())
    return both and bool((even < _EVEN_LIMIT).all() and (odd < _ODD_LIMIT).all())


def pack_pairs(weights: NDArray[np.int64], taps: int) -> Table:
    """Two taps to a word: the odd one, plus the even one 22 bits up."""
    pairs = _tap_pairs(weights, taps)
    words = pairs[..., 1] + (pairs[..., 0] << _PAIR_BITS)
    rows = tuple(int(word) for word in words.reshape(-1))
    return Table(role="weights", c_type="int32_t", rows=rows)


def pairs_bias(n_channels: int) -> NDArray[np.int64]:
    """Takes the fields' offset off a sum."""
    return np.full(n_channels, -(_ODD_LIMIT + _EVEN_LIMIT), dtype=np.int64)
