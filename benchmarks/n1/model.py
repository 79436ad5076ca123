"""Reference net N1: a small ECG beat classifier with seeded weights (not trained).

int8, input 360 x 1; Conv1D 8/7, 16/5, 32/3, each with ReLU and MaxPool 2; Flatten; Dense 16 with
ReLU; Dense 5: 296,720 multiply-accumulates.
"""

from __future__ import annotations

from tests.support.model_builder import ModelBuilder

SEED = 1


def build_n1(seed: int = SEED) -> bytes:
    """The .tflite bytes, in the form a converter gives Conv1D with batch 1."""
    net = ModelBuilder(seed=seed)
    x = net.input((1, 360, 1))
    x = net.reshape(x, (1, 1, 360, 1))
    for filters, kernel in ((8, 7), (16, 5), (32, 3)):
        x = net.conv_2d(x, filters, (1, kernel), activation="RELU")
        x = net.pool_2d(x, "MAX_POOL_2D", (1, 2))
    x = net.reshape(x, (1, 1440))
    x = net.fully_connected(x, 16, activation="RELU")
    return net.finish([net.fully_connected(x, 5)])
