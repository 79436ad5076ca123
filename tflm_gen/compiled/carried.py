"""What the lowerings rely on and a valid file need not have: refused before anything is lowered.

A converter writes none of this; an edited or hostile file may. The interpreter reads such a file in
one way or another, and C made from it would compute something else, or read past its constants.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.errors import NotCompilableError
from tflm_gen.model.dtypes import DTYPE_BITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tflm_gen.model.records import Model, OperatorSpec, TensorSpec

_HINT = "Convert the model again; or TFLM's interpreter carries it: build with --engine tflm."
_COMPRESSION_METADATA = "COMPRESSION_METADATA"
# Operators whose options count, and that run with defaults if they have another's.
_OWN_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "ADD": "AddOptions",
        "SUB": "SubOptions",
        "MUL": "MulOptions",
        "MEAN": "ReducerOptions",
        "LEAKY_RELU": "LeakyReluOptions",
        "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    }
)
_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
_PRODUCTS = frozenset({"MUL", "PRELU"})
# They bring both operands to a common scale first, and the reader checks that one.
_SUMS = frozenset({"ADD", "SUB"})
_SCALE_LIMIT = 2.0**30
# TFLM shifts by the exponent of the input's scale times 2^27, which then is negative.
_LEAST_SQUASHED_SCALE = 2.0**-28
_SQUASHING = frozenset({"LOGISTIC", "TANH"})
_ACCUMULATOR_BITS = 31
_STRIDE_LIMIT = 1 << 24
# Beyond these, the places that a window covers leave 32 bits.
_WINDOW_LIMIT = 1 << 16
_WINDOW_OPTIONS = (
    *("filter_height", "filter_width", "stride_h", "stride_w"),
    *("dilation_h_factor", "dilation_w_factor"),
)


def require_carried(model: Model) -> None:
    """Refuse a model that the lowerings would misread.

    Raises:
        NotCompilableError: Naming the first operator or tensor that is at fault.
    """
    if _COMPRESSION_METADATA in model.metadata:
        raise NotCompilableError("its constants are stored compressed", hint=_HINT)
    for index in model.main.outputs:
        if model.main.tensors[index].is_constant:
            raise NotCompilableError(f"output tensor {index} is a constant", hint=_HINT)
    for operator in model.main.operators:
        reason = next(_reasons(operator, model), None)
        if reason:
            raise NotCompilableError(
                f"operator {operator.index} ({operator.op}): {reason}", hint=_HINT
            )


def _reasons(operator: OperatorSpec, model: Model) -> Iterator[str]:
    tensors = model.main.tensors
    inputs = [tensors[index] for index in operator.inputs if index >= 0]
    yield from _odd_tensors(inputs)
    own = _OWN_OPTIONS.get(operator.op)
    if own is not None and operator.options_type not in ("", own):
        yield f"its options are {operator.options_type}, not {own}"
    for name in _WINDOW_OPTIONS:
        value = operator.options.get(name, 0)
        if isinstance(value, int) and value > _WINDOW_LIMIT:
            yield f"its {name} is {value:,}"
    if operator.op == "RESIZE_NEAREST_NEIGHBOR" and not inputs[-1].is_constant:
        yield "its size is computed at run time"
    if operator.op == "STRIDED_SLICE":
        yield from _odd_slices(operator, inputs, model)
    outputs = [tensors[index] for index in operator.outputs]
    yield from _odd_scales(operator, inputs, outputs)


def _odd_tensors(inputs: list[TensorSpec]) -> Iterator[str]:
    """Operands that are not what their shape says, or that no operator writes."""
    for tensor in inputs:
        if tensor.is_variable:
            yield f"tensor {tensor.index} is state that lives between runs"
        if tensor.is_sparse:
            yield f"tensor {tensor.index} is stored sparse"
        element_bytes = DTYPE_BITS.get(tensor.dtype, 8) // 8 or 1
        if tensor.is_constant and tensor.data_bytes % element_bytes:
            yield f"tensor {tensor.index} has {tensor.data_bytes:,} bytes of {tensor.dtype} data"


def _odd_slices(operator: OperatorSpec, inputs: list[TensorSpec], model: Model) -> Iterator[str]:
    """A dimension that begins by its mask and is reduced to one index; strides that overflow."""
    begin, shrink = (operator.options.get(f"{name}_mask", 0) for name in ("begin", "shrink_axis"))
    if isinstance(begin, int) and isinstance(shrink, int) and begin & shrink:
        yield "begin_mask and shrink_axis_mask have a dimension in common"
    if len(inputs) > 3 and inputs[3].is_constant:
        data = model.constant_data(inputs[3])
        size = 8 if inputs[3].dtype == "int64" else 4
        strides = [
            int.from_bytes(data[at : at + size], "little", signed=True)
            for at in range(0, len(data) - size + 1, size)
        ]
        if any(abs(stride) > _STRIDE_LIMIT for stride in strides):
            yield f"strides {strides[:8]}"


def _odd_scales(
    operator: OperatorSpec, inputs: list[TensorSpec], outputs: list[TensorSpec]
) -> Iterator[str]:
    """Scales by which a sum is shifted out of its 32 bits."""
    factors = inputs[1:3] if operator.op == "TRANSPOSE_CONV" else inputs[:2]
    quantized = [tensor for tensor in (*factors, *outputs[:1]) if tensor.dtype == "int8"]
    scales = [max(tensor.quantization.scales) for tensor in quantized if tensor.quantization]
    if len(scales) < 2 or len(scales) != len(quantized) or outputs[0].dtype != "int8":
        return
    *before, after = scales
    if max(scales) >= _SCALE_LIMIT:
        yield f"scale {max(scales):.3g}"
    if operator.op in _SQUASHING and before[0] < _LEAST_SQUASHED_SCALE:
        yield f"scale {before[0]:.3g}"
    if not after or operator.op in _SUMS:
        return
    alpha = operator.options.get("alpha", 1.0)
    factor = max(1.0, abs(alpha)) if isinstance(alpha, int | float) else 1.0
    is_product = operator.op in _WEIGHTED or operator.op in _PRODUCTS
    ratio = factor * (math.prod(before) if is_product else max(before)) / after
    n_bits = math.log2(255 * (255 if is_product else 1) * _terms(operator, inputs, outputs))
    exponent = math.frexp(ratio)[1]
    if exponent > 0 and n_bits + exponent > _ACCUMULATOR_BITS:
        yield f"a sum times {ratio:.3g}, the ratio of its scales, does not fit 32 bits"


def _terms(operator: OperatorSpec, inputs: list[TensorSpec], outputs: list[TensorSpec]) -> int:
    """How many numbers make one of the output's."""
    if operator.op == "MEAN":
        return max(1, inputs[0].n_elements // max(1, outputs[0].n_elements))
    if operator.op in _WEIGHTED and len(inputs) > 1:
        is_depthwise = operator.op == "DEPTHWISE_CONV_2D"
        filters = inputs[1].shape[-1] if is_depthwise else inputs[1].shape[0]
        return max(1, inputs[1].n_elements // max(1, filters))
    return 1
