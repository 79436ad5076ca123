"""Clipping and choosing operators that TFLM lacks, rewritten exactly."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graph_builder import FB, per_tensor
from tests.support.model_builder import ModelBuilder
from tests.support.passes import claims_hold, leaves_alone, ops, run_pass
from tflm_gen.cleanup.passes.clipping import CLIPPING, SELECTIONS
from tflm_gen.model.graph import write_document
from tflm_gen.oracle.client import run_oracle
from tflm_gen.oracle.tflite import run_tflite
from tflm_gen.vectors import Vector

pytestmark = pytest.mark.oracle

# Scale and zero point of an int8 operator's input and output.
SAME = ((0.02, -10), (0.02, -10))
NARROWED = ((0.03, 5), (1 / 127.5, -1))
OFTEN = ((0.011, -3), (0.009, 4))


def clipping(op: str, encodings=None) -> bytes:
    net = ModelBuilder(dtype="float32", seed=1)
    dtype = "int8" if encodings else "float32"
    one, other = (per_tensor(*e) for e in encodings) if encodings else (None, None)
    x = net.tensor((1, 256), dtype, quant=one, name="x")
    net.graph.inputs.append(x)
    out = net.tensor((1, 256), dtype, quant=other, name="y")
    net.operator(op, [x], [out])
    return net.finish([out])


def all_values(dtype: type) -> Vector:
    numbers = np.arange(-128, 128)
    values = numbers.astype(np.int8) if dtype is np.int8 else (numbers / 50).astype(np.float32)
    return Vector(name="all", inputs=(values.tobytes(),))


@pytest.mark.tensorflow
@pytest.mark.parametrize("op", ["RELU_N1_TO_1", "RELU_0_TO_1"])
@pytest.mark.parametrize("encodings", [SAME, NARROWED, OFTEN, None])
def test_every_value_is_clipped_as_tflite_does(op: str, encodings) -> None:
    data = clipping(op, encodings)
    result, change = run_pass(CLIPPING, data)
    assert set(ops(result)) <= {"QUANTIZE", "MAXIMUM", "MINIMUM"}
    assert ("QUANTIZE" in ops(result)) == (encodings in (NARROWED, OFTEN))
    vector = all_values(np.int8 if encodings else np.float32)
    expected = run_tflite(data, [vector])
    assert expected is not None
    assert run_oracle(write_document(result), [vector]).outputs == expected.outputs
    assert claims_hold(change)


def test_values_beyond_int8_need_no_limit() -> None:
    """-1 and 1 are at the ends of int8, or beyond."""
    result, _ = run_pass(CLIPPING, clipping("RELU_N1_TO_1", ((0.03, 5), (0.0078, 0))))
    assert ops(result) == ["QUANTIZE"]


def test_scales_whose_rounding_differs_stay() -> None:
    """5 becomes 5.5, which the quotient of floats rounds down and that of doubles up."""
    scales = ((0.05000000074505806, 0), (0.04545454680919647, 0))
    assert leaves_alone(CLIPPING, clipping("RELU_N1_TO_1", scales))


def test_rounding_that_clipping_hides_does_not_matter() -> None:
    """Only 58 differs, and is beyond 1 in either rounding."""
    scales = ((0.04363888129591942, 0), (0.028599493205547333, 0))
    result, _ = run_pass(CLIPPING, clipping("RELU_N1_TO_1", scales))
    assert ops(result) == ["QUANTIZE", "MAXIMUM", "MINIMUM"]


def choosing(shape_of_condition: tuple[int, ...]) -> bytes:
    net = ModelBuilder(seed=1)
    condition = net.input(shape_of_condition, dtype="bool")
    x = net.input((2, 8))
    y = net.like(x, (2, 8))
    net.graph.inputs.append(y)
    out = net.like(x, (2, 8))
    net.operator("SELECT", [condition, x, y], [out], FB.SelectOptionsT())
    return net.finish([out])


def test_select_of_equal_shapes_is_the_newer_one() -> None:
    result, change = run_pass(SELECTIONS, choosing((2, 8)))
    assert ops(result) == ["SELECT_V2"]
    assert claims_hold(change)


def test_select_by_rows_stays() -> None:
    """Its condition picks whole rows, which SELECT_V2 would broadcast otherwise."""
    assert leaves_alone(SELECTIONS, choosing((2,)))
