"""Operands that hold positions, once as int32 and once as int64: refused, or computed alike.

A kernel that reads int64 numbers as int32 sees a zero behind each. What such a kernel makes of
them is asked of the runtime; ``check`` must refuse it, and what it lets pass must be right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.graph_builder import FB, pack
from tests.support.kernel_case import with_options
from tests.support.model_builder import ModelBuilder
from tests.support.wheel_bench import run_on_wheel
from tests.unit.check.test_check import choice
from tflm_gen.check import check_model
from tflm_gen.model.reader import parse_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.wheel_bench import Outcome
    from tflm_gen.check.records import CheckReport
    from tflm_gen.model.records import Model

pytestmark = pytest.mark.oracle

_SQUARE = (1, 4, 4, 2)
_INDEX = FB.TensorType.INT32


def moving(op: str, shape, outs, *operands, options=None, at: int = 0, dtype: str = "int8"):
    """A function of the operands' type that makes a model of one operator.

    Args:
        op: The operator.
        shape: Of its data.
        outs: Shapes of its outputs.
        operands: Numbers of the others; a pair keeps its own type.
        options: Its options.
        at: Position of the data among its inputs.
        dtype: Type of the outputs.
    """

    def make(index: str) -> Model:
        net = ModelBuilder(seed=3)
        data = net.input(shape)
        typed = [item if isinstance(item, tuple) else (index, item) for item in operands]
        inputs = [net.constant(values, kind) for kind, values in typed]
        inputs.insert(at, data)
        results = [net.tensor(out, dtype, quant=data.quant) for out in outs]
        net.operator(op, inputs, results, options)
        return parse_model(net.finish(results), "model.tflite")

    return make


def padv2(index: str, *, is_alike: bool = True) -> Model:
    """A value of its own; the kernel wants it quantized like the output."""
    net = ModelBuilder(seed=3)
    data = net.input((1, 1, 2, 6))
    pads = net.constant([[0, 0], [0, 0], [1, 1], [1, 1]], index)
    value = net.constant([5], "int8", quant=data.quant if is_alike else None)
    out = net.tensor((1, 1, 4, 8), "int8", quant=data.quant)
    net.operator("PADV2", [data, pads, value], [out])
    return parse_model(net.finish([out]), "model.tflite")


def transpose_conv(index: str) -> Model:
    """The layer with the shape of its output in that type."""
    net = ModelBuilder(seed=3)
    out = net.transpose_conv(net.input((1, 3, 3, 2)), 2, (2, 2), stride=(2, 2))
    model = net.to_object([out])
    shape = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[0]]
    shape.type = getattr(FB.TensorType, index.upper())
    model.buffers[shape.buffer].data = np.array(out.shape, index).tobytes()
    return parse_model(pack(model), "model.tflite")


_REDUCE = with_options("Reducer")
_ARG = with_options("ArgMax", outputType=_INDEX)
CASES: dict[str, Callable[[str], Model]] = {
    "transpose": moving("TRANSPOSE", (2, 3, 4), [(2, 4, 3)], [0, 2, 1]),
    "transpose_other": moving("TRANSPOSE", (2, 3, 4), [(4, 2, 3)], [2, 0, 1]),
    "transpose_by_luck": moving("TRANSPOSE", (2, 3), [(3, 2)], [1, 0]),
    "pad": moving("PAD", (1, 1, 2, 6), [(1, 1, 4, 8)], [[0, 0], [0, 0], [1, 1], [1, 1]]),
    "padv2": padv2,
    "mirror_pad": moving(
        "MIRROR_PAD", (3, 6), [(5, 9)], [[1, 1], [2, 1]], options=with_options("MirrorPad")
    ),
    "reshape": moving("RESHAPE", (2, 3, 4), [(4, 6)], [4, 6]),
    "strided_slice": moving(
        "STRIDED_SLICE",
        (4, 6),
        [(2, 3)],
        [1, 0],
        [3, 6],
        [1, 2],
        options=with_options("StridedSlice"),
    ),
    "slice": moving("SLICE", (4, 6), [(2, 3)], [1, 2], [2, 3]),
    "mean": moving("MEAN", _SQUARE, [(1, 2)], [1, 2], options=_REDUCE),
    "sum": moving("SUM", _SQUARE, [(1, 2)], [1, 2], options=_REDUCE),
    "reduce_max": moving("REDUCE_MAX", _SQUARE, [(1, 2)], [1, 2], options=_REDUCE),
    "broadcast_to": moving("BROADCAST_TO", (1, 6), [(2, 3, 6)], [2, 3, 6]),
    "expand_dims": moving("EXPAND_DIMS", (2, 6), [(2, 6, 1)], -1),
    "split": moving(
        "SPLIT", (2, 6), [(2, 3)] * 2, -1, options=with_options("Split", numSplits=2), at=1
    ),
    "split_v": moving(
        "SPLIT_V",
        (2, 6),
        [(2, 2), (2, 4)],
        [2, 4],
        ("int32", 1),
        options=with_options("SplitV", numSplits=2),
    ),
    "gather": moving("GATHER", (3, 6), [(3, 2)], [3, 1], options=with_options("Gather", axis=1)),
    "gather_nd": moving("GATHER_ND", (3, 2), [(2, 2)], [[2], [0]]),
    "space_to_batch_nd": moving("SPACE_TO_BATCH_ND", _SQUARE, [(4, 2, 2, 2)], [2, 2], [[0, 0]] * 2),
    "batch_to_space_nd": moving("BATCH_TO_SPACE_ND", (4, 2, 2, 2), [_SQUARE], [2, 2], [[0, 0]] * 2),
    "resize_nearest": moving(
        "RESIZE_NEAREST_NEIGHBOR",
        _SQUARE,
        [(1, 8, 8, 2)],
        [8, 8],
        options=with_options("ResizeNearestNeighbor"),
    ),
    "resize_bilinear": moving(
        "RESIZE_BILINEAR", _SQUARE, [(1, 8, 8, 2)], [8, 8], options=with_options("ResizeBilinear")
    ),
    "cumsum": moving("CUMSUM", (2, 6), [(2, 6)], 1, options=with_options("Cumsum")),
    "reverse_v2": moving("REVERSE_V2", (2, 6), [(2, 6)], [1]),
    "arg_max": moving("ARG_MAX", (2, 6), [(2,)], 1, options=_ARG, dtype="int32"),
    "dynamic_update_slice": moving(
        "DYNAMIC_UPDATE_SLICE", (4, 6), [(4, 6)], ("int8", [[7, 8, 9]] * 2), [1, 2]
    ),
    "fill": moving("FILL", (), [(2, 3)], [2, 3], at=1),
    # The identity, too, is none when it is read as int32.
    "transpose_identity": moving("TRANSPOSE", (2, 3, 4), [(2, 3, 4)], [0, 1, 2]),
    "transpose_conv": transpose_conv,
}


def verdict(model: Model, source: str = "wheel") -> CheckReport:
    board = {"wheel": "host", "corstone300_image": "corstone300"}[source]
    return check_model(model, choice(source), board_id=board)


def run(model: Model) -> Outcome:
    rng = np.random.default_rng(1)
    sizes = [tensor.n_elements for tensor in model.inputs]
    return run_on_wheel(model, [rng.bytes(size) for size in sizes])


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_passes_with_int64_computes_as_with_int32(name: str) -> None:
    usual, wide = CASES[name]("int32"), CASES[name]("int64")
    assert verdict(usual).runs
    outcome = run(usual)
    assert outcome.ran, outcome.said
    if verdict(wide).runs:
        assert run(wide).outputs == outcome.outputs


@pytest.mark.parametrize("source", ["wheel", "corstone300_image"])
def test_a_wide_permutation_is_refused_with_what_the_kernel_reads(source: str) -> None:
    (finding,) = verdict(CASES["transpose"]("int64"), source).errors
    assert "(TRANSPOSE) reads its permutation as int32" in finding.message
    assert "int64 [0, 2, 1] becomes [0, 0, 2]" in finding.message
    assert "int32" in finding.remedy


def test_the_kernel_computes_garbage_of_a_wide_permutation() -> None:
    usual, wide = run(CASES["transpose"]("int32")), run(CASES["transpose"]("int64"))
    assert usual.ran
    assert wide.ran
    assert usual.outputs != wide.outputs


def test_a_permutation_that_both_widths_read_alike_passes() -> None:
    assert verdict(CASES["transpose_by_luck"]("int64")).runs


def test_a_padding_value_of_another_scale_is_refused_as_the_runtime_does() -> None:
    model = padv2("int32", is_alike=False)
    (finding,) = verdict(model).errors
    assert finding.code == "unequal-scales"
    assert run(model).verdict == "refused (allocate)"


@pytest.mark.parametrize(
    ("shape", "dims", "out"),
    [
        ((1, 6, 1), [0], (6, 1)),
        ((1, 6, 1), [], (6,)),
        ((1, 6, 1), [-1], (1, 6)),
        ((1, 6, 1), [0, 2], (6, 1)),
        ((1, 6, 1), [0], (6,)),
        ((1, 6, 1), [0], (1, 6)),
        ((1, 6, 1), [1], (6,)),
        ((1, 6, 1), [0, 2], (1, 6, 1)),
        ((2, 3), [], (3, 2)),
        ((1, 6), [], (1, 1, 6)),
    ],
)
def test_a_squeezed_shape_is_judged_as_the_runtime_does(shape, dims, out) -> None:
    make = moving("SQUEEZE", shape, [out], options=with_options("Squeeze", squeezeDims=dims))
    model = make("int32")
    assert verdict(model).runs == run(model).ran
