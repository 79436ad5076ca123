"""Convolutions between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.graph_builder import Ref
from tests.support.model_builder import ModelBuilder
from tests.support.passes import claims_hold, leaves_alone, ops, run_pass
from tests.support.rough_models import dilated_conv_1d
from tflm_gen.cleanup.batches import batch_to_space, space_to_batch
from tflm_gen.cleanup.passes.dilation import DILATION, SPLIT_PADDING
from tflm_gen.model.graph import Document


def conv_options(result: Document) -> dict[str, object]:
    conv = next(o for o in result.main.operators if "CONV" in o.op)
    assert conv.options is not None
    names = ("padding", "dilation_h_factor", "dilation_w_factor")
    return {name: conv.options.get(name) for name in names}


SAME, VALID = 0, 1


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("length", "dilation", "pads", "crops", "kinds", "padding"),
    [
        # The padding is what SAME would add.
        (16, 2, (2, 2), (0, 0), ["RESHAPE", "CONV_2D", "RESHAPE"], SAME),
        (16, 4, (4, 4), (0, 0), ["RESHAPE", "CONV_2D", "RESHAPE"], SAME),
        # A remainder is added and cut off again.
        (25, 3, (3, 5), (0, 2), ["RESHAPE", "CONV_2D", "RESHAPE"], SAME),
        (16, 2, (0, 0), (0, 0), ["RESHAPE", "CONV_2D", "RESHAPE"], VALID),
        (17, 2, (0, 1), (0, 1), ["RESHAPE", "CONV_2D", "RESHAPE"], VALID),
        (16, 2, (4, 0), (0, 0), ["RESHAPE", "PAD", "CONV_2D", "RESHAPE"], VALID),
        (16, 2, (1, 3), (0, 0), ["RESHAPE", "PAD", "CONV_2D", "RESHAPE"], VALID),
    ],
)
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_three_dimensional_moves_become_dilation(
    length: int,
    dilation: int,
    pads: tuple[int, int],
    crops: tuple[int, int],
    kinds: list[str],
    padding: int,
    dtype: str,
) -> None:
    net = ModelBuilder(seed=2, dtype=dtype)
    data = net.finish([dilated_conv_1d(net, net.input((1, length, 3)), dilation, pads, crops)])
    result, change = run_pass(DILATION, data)
    assert ops(result) == kinds
    assert conv_options(result) == {
        "padding": padding,
        "dilation_h_factor": 1,
        "dilation_w_factor": dilation,
    }
    assert claims_hold(change)


@pytest.mark.oracle
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("block", [(2, 3), (1, 2), (4, 1)])
def test_four_dimensional_moves_become_dilation(depthwise: bool, block: tuple[int, int]) -> None:
    net = ModelBuilder(seed=3)
    height, width = block
    x = net.input((1, 12, 12, 2))
    x = net.space_to_batch_nd(x, block, ((height, height), (width, width)))
    if depthwise:
        x = net.depthwise_conv_2d(x, (3, 3), padding="VALID")
    else:
        x = net.conv_2d(x, 4, (3, 3), padding="VALID")
    data = net.finish([net.batch_to_space_nd(x, block, ((0, 0), (0, 0)))])
    result, change = run_pass(DILATION, data)
    assert len(ops(result)) == 1
    assert conv_options(result) == {
        "padding": SAME,
        "dilation_h_factor": height,
        "dilation_w_factor": width,
    }
    assert claims_hold(change)


@pytest.mark.oracle
def test_a_pad_in_front_is_taken_in() -> None:
    net = ModelBuilder(seed=4)
    x = net.pad(net.input((1, 20, 2)), ((0, 0), (4, 0), (0, 0)))
    result, change = run_pass(DILATION, net.finish([dilated_conv_1d(net, x, 2, (0, 0))]))
    assert ops(result) == ["RESHAPE", "PAD", "CONV_2D", "RESHAPE"]
    assert claims_hold(change)


def moves_around(net: ModelBuilder, x: Ref, crops: tuple[int, int], **conv: object) -> bytes:
    opened = net.space_to_batch_nd(x, (1, 2), ((0, 0), (2, 2)))
    y = net.conv_2d(opened, 4, (1, 3), **{"padding": "VALID", **conv})
    return net.finish([net.batch_to_space_nd(y, (1, 2), ((0, 0), crops))])


@pytest.mark.parametrize(
    ("crops", "conv"),
    [
        ((0, 0), {"stride": (1, 2)}),
        ((0, 0), {"padding": "SAME"}),
        ((0, 0), {"dilation": (1, 2)}),
        ((4, 0), {}),  # More is cut off than was added: that is no padding.
    ],
)
def test_what_is_no_dilation_stays(crops: tuple[int, int], conv: dict[str, object]) -> None:
    net = ModelBuilder(seed=5)
    assert leaves_alone(DILATION, moves_around(net, net.input((1, 1, 24, 2)), crops, **conv))


def test_a_window_that_somebody_else_reads_stays() -> None:
    net = ModelBuilder(seed=6)
    opened = net.space_to_batch_nd(net.input((1, 1, 16, 2)), (1, 2), ((0, 0), (2, 2)))
    conv = net.conv_2d(opened, 4, (1, 3), padding="VALID")
    closed = net.batch_to_space_nd(conv, (1, 2), ((0, 0), (0, 0)))
    assert leaves_alone(DILATION, net.finish([closed, net.activation(conv, "RELU")]))


@pytest.mark.oracle
def test_padding_that_is_left_is_done_by_pad() -> None:
    net = ModelBuilder(seed=7)
    x = net.space_to_batch_nd(net.input((1, 1, 12, 2)), (1, 2), ((0, 0), (2, 2)))
    result, change = run_pass(SPLIT_PADDING, net.finish([x]))
    assert ops(result) == ["PAD", "SPACE_TO_BATCH_ND"]
    assert "zero point" in change.trap
    assert claims_hold(change)


def test_padding_of_floats_is_left_alone() -> None:
    net = ModelBuilder(seed=7, dtype="float32")
    x = net.space_to_batch_nd(net.input((1, 1, 12, 2)), (1, 2), ((0, 0), (2, 2)))
    assert leaves_alone(SPLIT_PADDING, net.finish([x]))


@given(
    blocks=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    sizes=st.lists(st.integers(1, 3), min_size=2, max_size=2),
    channels=st.integers(1, 3),
    batch=st.integers(1, 2),
)
def test_the_moves_are_inverse(
    blocks: list[int], sizes: list[int], channels: int, batch: int
) -> None:
    spatial = [block * size for block, size in zip(blocks, sizes, strict=False)]
    shape = (batch, *spatial, channels)
    values = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    none = [0] * (2 * len(blocks))
    opened = space_to_batch(values, blocks, none, 0)
    assert opened.shape[0] == batch * np.prod(blocks)
    # Batch 0 has every block-th position, beginning with the first.
    steps = tuple(slice(None, None, block) for block in blocks)
    assert np.array_equal(opened[0], values[(0, *steps)])
    assert np.array_equal(batch_to_space(opened, blocks, none, 0), values)
