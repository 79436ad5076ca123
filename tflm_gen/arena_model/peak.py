"""Which tensors set the height of the memory plan, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.model.text import printable

if TYPE_CHECKING:
    from tflm_gen.arena_model.records import ArenaEstimate, PlannedBuffer

_SHOWN = 3


def step_name(estimate: ArenaEstimate, step: int) -> str:
    """The operator of a step ("operator 3 CONV_2D"), or what a step without one stands for."""
    label = estimate.step_labels.get(step)
    return f"operator {label}" if label else "the start of a graph"


def buffer_name(buffer: PlannedBuffer) -> str:
    """Name of a tensor, or whose scratch memory it is."""
    if not buffer.name:
        return f"tensor {buffer.tensor}"
    # Converters join the names of what they fused; the first one says enough.
    return printable(buffer.name.split(";")[0])


def peak_words(estimate: ArenaEstimate) -> str:
    """Where the most memory is in use, and by what."""
    buffers = estimate.peak_buffers
    largest = ", ".join(
        f"{buffer_name(item.buffer)} {item.buffer.n_bytes:,} B" for item in buffers[:_SHOWN]
    )
    more = f" and {len(buffers) - _SHOWN} smaller" if len(buffers) > _SHOWN else ""
    return f"most is in use at {step_name(estimate, estimate.peak_step)}: {largest}{more}"
