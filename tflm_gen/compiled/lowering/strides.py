"""Dimensions and strides of boxes that kernels walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DIMS = 6


def contiguous_strides(shape: Sequence[int]) -> list[int]:
    """Distance, in elements, between neighbours along each dimension."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return strides


def pad_front(numbers: Sequence[int], filler: int) -> tuple[int, ...]:
    """The numbers as the last of MAX_DIMS."""
    return (filler,) * (MAX_DIMS - len(numbers)) + tuple(numbers)


def merge_axes(dims: Sequence[int], *all_strides: Sequence[int]) -> tuple[list[int], ...]:
    """The same walk with fewer dimensions, where neighbours continue each other.

    Returns:
        Dimensions, then one list of strides for each given; at least one dimension.
    """
    kept: list[tuple[int, tuple[int, ...]]] = []
    for dim, strides in zip(dims, zip(*all_strides, strict=True), strict=True):
        if dim == 1:
            continue
        if kept and all(
            outer == inner * dim for outer, inner in zip(kept[-1][1], strides, strict=True)
        ):
            kept[-1] = (kept[-1][0] * dim, strides)
        else:
            kept.append((dim, strides))
    if not kept:
        kept = [(1, tuple(1 for _ in all_strides))]
    merged = [[dim for dim, _ in kept]]
    merged += [[strides[i] for _, strides in kept] for i in range(len(all_strides))]
    return tuple(merged)
