"""Small models that carry a preprocessing specification."""

from __future__ import annotations

from tests.support.model_builder import ModelBuilder

AVERAGE = """[average]
history = 8
from = -10
to = 15
likeness = 0.9
unlike_divisor = 8
"""


def model_with_spec(
    text: str | None, *, samples: int = 128, channels: int = 1, n_rr: int = 5
) -> bytes:
    """Convolution on the window, dense layers with the intervals, three classes."""
    net = ModelBuilder(seed=3)
    rr = net.input((1, n_rr), name="rr")
    beat = net.input((1, samples, channels), name="beat")
    x = net.mean(net.conv_1d(beat, 8, 5, activation="RELU"), (1,))
    both = net.binary("ADD", net.fully_connected(x, 6), net.fully_connected(rr, 6))
    if text is not None:
        net.metadata("TFLM_GEN_PREPROCESS", text.encode())
    return net.finish([net.softmax(net.fully_connected(both, 3))])
