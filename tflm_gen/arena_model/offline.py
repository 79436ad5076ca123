"""The offline memory plan a model may carry, as TFLM reads it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tflm_gen.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.model.records import Model

METADATA_NAME = "OfflineMemoryAllocation"
_VERSION = 1
_HEADER_WORDS = 3


def offline_offsets(model: Model) -> tuple[int, ...] | None:
    """Offset of every tensor, all subgraphs in one row; -1 where the planner may choose.

    Raises:
        UnsupportedModelError: If the plan is of other length than the model's tensors, which
            TFLM refuses.
    """
    data = model.metadata.get(METADATA_NAME)
    if data is None:
        return None
    n_tensors = sum(len(graph.tensors) for graph in model.subgraphs)
    words = len(data) // 4
    numbers = struct.unpack_from(f"<{words}i", data)
    if words < _HEADER_WORDS + n_tensors or numbers[2] != n_tensors:
        raise UnsupportedModelError(
            f"the offline memory plan is for {numbers[2] if words > 2 else 0} tensors, "
            f"but the model has {n_tensors}",
            hint="Convert the model again, or take its offline plan out.",
        )
    return numbers[_HEADER_WORDS : _HEADER_WORDS + n_tensors]


def pack_offline_plan(offsets: Sequence[int]) -> bytes:
    """The metadata buffer of a plan for one subgraph."""
    return struct.pack(f"<3i{len(offsets)}i", _VERSION, 0, len(offsets), *offsets)


def reason_not_to_place(model: Model) -> str:
    """Why TFLM must not place the tensors as the model's own memory plan says; else empty."""
    try:
        lowest = min(offline_offsets(model) or (0,))
    except UnsupportedModelError as error:
        return error.message
    return f"its offline memory plan has offset {lowest}" if lowest < -1 else ""
