"""Checks that an operator's data types agree with each other where TFLite itself demands it.

Kernels read one operand with the type of another: unequal types make them read past a tensor, and
some abort the program. Which types a kernel has is no matter of the file: see ``check``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.model.flatbuffer import fail_malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.model.records import OperatorSpec, SubgraphSpec

# Inputs that have the type of the first output, by position; "*" stands for all.
_FIRST = (
    "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LEAKY_RELU LOG LOGICAL_NOT LOGISTIC LOG_SOFTMAX NEG "
    "RELU RELU6 RELU_N1_TO_1 ROUND RSQRT SIN SQRT SQUARE TANH ZEROS_LIKE L2_NORMALIZATION MEAN SUM "
    "REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ALL REDUCE_ANY RESHAPE SQUEEZE EXPAND_DIMS PAD "
    "MIRROR_PAD TRANSPOSE SLICE STRIDED_SLICE GATHER GATHER_ND SPACE_TO_BATCH_ND "
    "BATCH_TO_SPACE_ND SPACE_TO_DEPTH DEPTH_TO_SPACE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR "
    "BROADCAST_TO CUMSUM REVERSE_V2 REVERSE_SEQUENCE TILE AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D "
    "UNPACK SPLIT_V"
)
_BOTH = "ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE FLOOR_DIV FLOOR_MOD POW PRELU"
_LIKE_OUTPUT: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        **dict.fromkeys(_FIRST.split(), (0,)),
        **dict.fromkeys(_BOTH.split(), (0, 1)),
        "DYNAMIC_UPDATE_SLICE": (0, 1),
        "SPLIT": (1,),
        "SELECT_V2": (1, 2),
        "SELECT": (1, 2),
        "FILL": (1,),
        "PADV2": (0, 2),
    }
)
# Operands that count or index: whole numbers.
_INDEX_TYPES = frozenset({"int32", "int64"})
_INDICES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        **dict.fromkeys(
            [
                "MEAN",
                "SUM",
                "REDUCE_MAX",
                "REDUCE_MIN",
                "REDUCE_PROD",
                "REDUCE_ALL",
                "REDUCE_ANY",
                "ARG_MAX",
                "ARG_MIN",
                "RESHAPE",
                "EXPAND_DIMS",
                "PAD",
                "PADV2",
                "MIRROR_PAD",
                "TRANSPOSE",
                "BROADCAST_TO",
                "RESIZE_BILINEAR",
                "RESIZE_NEAREST_NEIGHBOR",
                "CUMSUM",
                "REVERSE_V2",
                "TILE",
            ],
            (1,),
        ),
        **dict.fromkeys(["SLICE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "SPLIT_V"], (1, 2)),
        "STRIDED_SLICE": (1, 2, 3),
        "BROADCAST_ARGS": (0, 1),
        "SPLIT": (0,),
        "FILL": (0,),
        "TRANSPOSE_CONV": (0,),
        "EMBEDDING_LOOKUP": (0,),
        "DYNAMIC_UPDATE_SLICE": (2,),
    }
)
_ALL_LIKE_OUTPUT = frozenset({"CONCATENATION", "PACK", "ADD_N"})
# Two operands of one type, and a truth value.
_COMPARISONS = frozenset(["EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"])
_LOGIC = frozenset({"LOGICAL_AND", "LOGICAL_OR"})
# Operators with a bias: the positions of data and bias. The output has the data's type.
_WEIGHTED: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"CONV_2D": (0, 2), "DEPTHWISE_CONV_2D": (0, 2), "FULLY_CONNECTED": (0, 2)}
    | {"TRANSPOSE_CONV": (2, 3)}
)
_BIAS_TYPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "float32": frozenset({"float32"}),
        "int8": frozenset({"int32"}),
        "uint8": frozenset({"int32"}),
        "int16": frozenset({"int32", "int64"}),
    }
)


def _is_weighted_right(op: str, dtypes: list[str], result: str) -> bool:
    at_data, at_bias = _WEIGHTED[op]
    data = dtypes[at_data]
    bias = dtypes[at_bias] if at_bias < len(dtypes) else ""
    # A uint8 dense layer may give int16: TFLite's shuffled form.
    fits = result == data or (op == "FULLY_CONNECTED" and (data, result) == ("uint8", "int16"))
    return fits and (not bias or bias in _BIAS_TYPES.get(data, {bias}))


def check_types(operator: OperatorSpec, subgraph: SubgraphSpec, path: str) -> None:
    """Check one operator; the caller has checked its indices and counts.

    Raises:
        MalformedModelError: If its data types contradict each other.
    """
    if not operator.outputs:
        return
    result = subgraph.tensors[operator.outputs[0]].dtype
    is_right = True
    dtypes = [subgraph.tensors[index].dtype if index >= 0 else "" for index in operator.inputs]
    if operator.op in _COMPARISONS:
        is_right = result == "bool" and len(set(dtypes[:2])) == 1
    elif operator.op in _LOGIC:
        is_right = {result, *dtypes} == {"bool"}
    elif operator.op in _WEIGHTED:
        is_right = _is_weighted_right(operator.op, dtypes, result)
    elif operator.op in _ALL_LIKE_OUTPUT:
        is_right = set(dtypes) == {result}
    elif operator.op in _LIKE_OUTPUT:
        wanted = _LIKE_OUTPUT[operator.op]
        is_right = all(dtypes[at] == result for at in wanted if at < len(dtypes))
    indices = [dtypes[at] for at in _INDICES.get(operator.op, ()) if at < len(dtypes)]
    if not is_right or not _INDEX_TYPES.issuperset(indices):
        fail_malformed(
            f"{path}: the data types contradict each other (inputs {', '.join(dtypes)}; "
            f"output {result})"
        )
