"""A small model that tests break: a convolution and a dense layer, signature and metadata."""

from __future__ import annotations

from typing import Any

from tests.support.graph_builder import pack
from tests.support.model_builder import ModelBuilder


def small_object() -> Any:
    """A convolution and a dense layer, with signature and metadata, as a mutable object."""
    net = ModelBuilder(seed=3)
    x = net.input((1, 1, 12, 2), name="x")
    y = net.conv_2d(x, 3, (1, 3), activation="RELU")
    out = net.fully_connected(net.mean(y, (1, 2)), 2)
    net.signature("serving_default", {"x": x}, {"y": out})
    net.metadata("min_runtime_version", b"1.14.0")
    return net.to_object([out])


SMALL = pack(small_object())
