"""What a valid file may hold and TFLM's interpreter still must not be given: it would crash.

A file with open dimensions is valid with stored shapes that are place holders, and TFLM runs it by
those; positions may be computed at run time, and TFLM's kernels read memory by them unchecked.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.errors import MalformedModelError
from tflm_gen.model.operand_checks import check_operands
from tflm_gen.model.shape_checks import check_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec

# Operands that are positions or counts, and that a kernel uses as they are.
_POSITIONS_BY_OPS = (
    ((0,), "SPLIT EMBEDDING_LOOKUP"),
    # GATHER looks at its indices itself; a WHILE of Keras' LSTM counts with them.
    (
        (1,),
        "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL ARG_MAX ARG_MIN CUMSUM "
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


def reason_not_to_run(model: Model) -> str:
    """Why TFLM's interpreter must not be given a valid model; empty if it may be."""
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            reason = _reason(operator, subgraph, model)
            if reason:
                return reason
    return ""


def _reason(operator: OperatorSpec, subgraph: SubgraphSpec, model: Model) -> str:
    path = f"operator {operator.index} ({operator.op})"
    has_options = operator.op == "CUSTOM:CIRCULAR_BUFFER" and operator.custom_options
    if has_options or operator.op.startswith(_UNCHECKED_PREFIXES):
        return f"{path} reads its options unchecked"
    if operator.op in _SCALES_BELOW_ONE:
        reason = _scale_reason(operator, subgraph, path)
        if reason:
            return reason
    places = [at for at in _POSITIONS.get(operator.op, ()) if at < len(operator.inputs)]
    operands = [subgraph.tensors[operator.inputs[at]] for at in places if operator.inputs[at] >= 0]
    for tensor in operands:
        if not tensor.is_constant:
            return f"{path} reads memory by tensor {tensor.index}, which only a run computes"
    try:
        check_shapes(operator, subgraph, path, skips_open=False)
        check_operands(operator, subgraph, model, path, skips_open=False)
    except MalformedModelError as error:
        return f"by its stored shapes, {error.message}"
    return ""


def _scale_reason(operator: OperatorSpec, subgraph: SubgraphSpec, path: str) -> str:
    for tensor in (subgraph.tensors[index] for index in operator.inputs[:2]):
        scale = tensor.quantization.scales[0] if tensor.quantization else 0.0
        if scale >= 1.0 and tensor.dtype in ("int8", "uint8", "int16"):
            return f"{path} aborts at scale {scale:.3g} of tensor {tensor.index}"
    return ""
