"""A streaming model: each inference also depends on the ones before."""

from __future__ import annotations

import numpy as np

from tests.support.graph_builder import FB, GraphBuilder, per_tensor

SAMPLES, FILTERS, MEMORY = 16, 4, 8


def streaming_svdf(seed: int = 3) -> bytes:
    """One int8 SVDF operator, whose state is a variable tensor."""
    random = np.random.default_rng(seed)
    net = GraphBuilder(description="SVDF with a variable tensor")
    x = net.tensor((1, SAMPLES), "int8", quant=per_tensor(0.05), name="samples")
    net.graph.inputs.append(x)
    feature = net.constant(
        random.integers(-127, 128, (FILTERS, SAMPLES)), "int8", quant=per_tensor(0.01)
    )
    time = net.constant(
        random.integers(-3000, 3000, (FILTERS, MEMORY)), "int16", quant=per_tensor(0.0003)
    )
    bias = net.constant(np.zeros(FILTERS, int), "int32", quant=per_tensor(0.0003 * 0.005))
    state = net.tensor(
        (1, FILTERS * MEMORY), "int16", quant=per_tensor(0.005), name="state", is_variable=True
    )
    y = net.tensor((1, FILTERS), "int8", quant=per_tensor(0.3), name="y")
    options = FB.SVDFOptionsT()
    options.rank = 1
    net.operator("SVDF", [x, feature, time, bias, state], [y], options, version=3)
    return net.finish([y])
