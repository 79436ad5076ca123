"""What a valid file may hold and TFLM's interpreter still must not be given: it would crash.

A file with open dimensions is valid with stored shapes that are place holders, and TFLM runs it by
those; positions may be computed at run time, and TFLM's kernels read memory by them unchecked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.errors import MalformedModelError
from tflm_gen.model.operand_checks import check_operands
from tflm_gen.model.operand_values import OperandValues
from tflm_gen.model.shape_checks import check_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec

# Operands that are positions or counts, and that a kernel uses as they are.
_POSITIONS_BY_OPS = (
    ((0,), "SPLIT EMBEDDING_LOOKUP"),
    # GATHER and CUMSUM look at theirs themselves; a WHILE of Keras' LSTM counts with GATHER's.
    (
        (1,),
        "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL ARG_MAX ARG_MIN "
        "GATHER_ND REVERSE_V2 REVERSE_SEQUENCE TILE MIRROR_PAD",
    ),
    ((1, 2), "SLICE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND SPLIT_V"),
    ((2,), "DYNAMIC_UPDATE_SLICE"),
    ((0, 1), "BROADCAST_ARGS"),
)
_POSITIONS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {op: places for places, ops in _POSITIONS_BY_OPS for op in ops.split()}
)
# Kernels that abort the program if an operand's scale is 1 or more.
_SCALES_BELOW_ONE = frozenset(
    {"EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"}
)
# TFLM's own custom operators read their options as if they were always there and right.
_UNCHECKED_PREFIXES = ("CUSTOM:Signal", "CUSTOM:TFLite_Detection_PostProcess", "CUSTOM:TFLM_DECODE")


# Kernels that read these operands as int32 whatever their type.
_INT32_ONLY = frozenset({"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"})
_CONSTANTS = "Convert with a fixed batch of 1, and with axes and indices that are constants."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """An operator that TFLM's interpreter may crash on.

    Attributes:
        subgraph_index: Where the operator is.
        operator_index: Position of the operator there.
        text: What is wrong, with the operator's index and name.
        remedy: What to do about it.
        is_of_file: The file contradicts itself, whatever runs it; else TFLM's kernels are at fault.
    """

    subgraph_index: int
    operator_index: int
    text: str
    remedy: str
    is_of_file: bool = False


def find_hazards(model: Model) -> Iterator[Hazard]:
    """Everything in a valid model that TFLM's interpreter must not be given, in order."""
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            text, remedy = _kernel_reason(operator, subgraph, model)
            is_of_file = not text
            if is_of_file:
                text, remedy = _file_reason(operator, subgraph, model), _shapes_remedy(model)
            if text:
                yield Hazard(
                    subgraph_index=subgraph.index,
                    operator_index=operator.index,
                    text=text,
                    remedy=remedy,
                    is_of_file=is_of_file,
                )


def _shapes_remedy(model: Model) -> str:
    """What to do about stored shapes that cannot be: where the length is open, fix it."""
    for position, tensor in enumerate(model.inputs):
        signature = tensor.shape_signature or ()
        if -1 in signature[1:]:
            return (
                f"Give input {position} a fixed length and convert again: its signature is "
                f"{list(signature)}, and TFLM runs the stored {list(tensor.shape)}."
            )
    return _CONSTANTS


def reason_not_to_run(model: Model) -> str:
    """Why TFLM's interpreter must not be given a valid model; empty if it may be."""
    first = next(find_hazards(model), None)
    return first.text if first else ""


def _file_reason(operator: OperatorSpec, subgraph: SubgraphSpec, model: Model) -> str:
    """Where an operator's stored shapes contradict each other."""
    path = f"operator {operator.index} ({operator.op})"
    try:
        check_shapes(operator, subgraph, path, skips_open=False)
        check_operands(operator, subgraph, model, path, skips_open=False)
    except MalformedModelError as error:
        return f"by its stored shapes, {error.message}"
    return ""


def _kernel_reason(operator: OperatorSpec, subgraph: SubgraphSpec, model: Model) -> tuple[str, str]:
    """What TFLM's kernels do not survive in an operator, and the remedy."""
    path = f"operator {operator.index} ({operator.op})"
    has_options = operator.op == "CUSTOM:CIRCULAR_BUFFER" and operator.custom_options
    if has_options or operator.op.startswith(_UNCHECKED_PREFIXES):
        return (
            f"{path} reads its options unchecked",
            "Do what the operator does in the firmware, before or after the model.",
        )
    if operator.op in _SCALES_BELOW_ONE:
        reason = _scale_reason(operator, subgraph, path)
        if reason:
            return (
                reason,
                "Calibrate again with inputs of smaller range, so that scales are below 1.",
            )
    values = OperandValues(operator, subgraph, model)
    reason = _type_reason(operator, subgraph, path) or _order_reason(values, path)
    if reason:
        return reason, "Store these operands as int32, as TensorFlow's converter does."
    reason = _channels_reason(values, path)
    if reason:
        return reason, "Write the right depth_multiplier into the file, or convert again."
    places = [at for at in _POSITIONS.get(operator.op, ()) if at < len(operator.inputs)]
    operands = [subgraph.tensors[operator.inputs[at]] for at in places if operator.inputs[at] >= 0]
    for tensor in operands:
        if not tensor.is_constant:
            reason = f"{path} reads memory by tensor {tensor.index}, which only a run computes"
            return reason, _CONSTANTS
    return "", ""


def _type_reason(operator: OperatorSpec, subgraph: SubgraphSpec, path: str) -> str:
    """Numbers that the kernel reads with another width than they have."""
    if operator.op not in (*_INT32_ONLY, "SLICE"):
        return ""
    dtypes = [subgraph.tensors[index].dtype for index in operator.inputs[1:3] if index >= 0]
    if operator.op in _INT32_ONLY and set(dtypes) - {"int32"}:
        return (
            f"{path} reads its block and its paddings or crops as int32, not {' and '.join(dtypes)}"
        )
    if operator.op == "SLICE" and len(set(dtypes)) > 1:
        return f"{path} reads begin and size with one type, not {' and '.join(dtypes)}"
    return ""


def _order_reason(values: OperandValues, path: str) -> str:
    """An order of dimensions that the kernel reads as int32, whatever its type.

    The first words of int64 numbers are all of them only by luck: [1, 0] stays [1, 0], and
    [0, 2, 1] becomes [0, 0, 2], by which the kernel also reads behind its input.
    """
    order = values.numbers(1) if values.operator.op == "TRANSPOSE" else None
    operand = values.inputs[1] if order else None
    if order is None or operand is None or operand.dtype != "int64":
        return ""
    packed = struct.pack(f"<{len(order)}q", *order)
    read = struct.unpack_from(f"<{len(order)}i", packed)
    if read == order:
        return ""
    return f"{path} reads its permutation as int32: int64 {list(order)} becomes {list(read)}"


def _channels_reason(values: OperandValues, path: str) -> str:
    """A number of channels that the kernel counts to, whatever the tensors have.

    TFLite computes it from the tensors; TFLM's kernels write past their output by it.
    """
    if values.operator.op != "DEPTHWISE_CONV_2D" or not values.source.shape:
        return ""
    n_channels = values.option("depth_multiplier") * values.source.shape[-1]
    if not values.result or n_channels == values.result[-1]:
        return ""
    return (
        f"{path} writes {n_channels:,} channels, and its output has {values.result[-1]:,}: its "
        f"depth_multiplier is {values.option('depth_multiplier')}"
    )


def _scale_reason(operator: OperatorSpec, subgraph: SubgraphSpec, path: str) -> str:
    for tensor in (subgraph.tensors[index] for index in operator.inputs[:2]):
        scale = tensor.quantization.scales[0] if tensor.quantization else 0.0
        if scale >= 1.0 and tensor.dtype in ("int8", "uint8", "int16"):
            return f"{path} aborts at scale {scale:.3g} of tensor {tensor.index}"
    return ""
