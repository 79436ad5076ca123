"""What an operator really computes in, and what that makes of the whole file.

The type of a model's inputs and outputs proves nothing: a converter quietly leaves operators in
float between a DEQUANTIZE and a QUANTIZE. So the file is judged by its operators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.inspection.records import FloatIsland

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec

CONVERSION = "conversion"
NOT_COMPUTE = ""
QUANTIZED = frozenset({"int8", "int16x8", "uint8"})
FLOATING = frozenset({"float32", "float16", "float64", "bfloat16", "hybrid"})

# Integers that count and index; no signal is computed in them.
_INDEX_DTYPES = frozenset(
    {"int32", "int64", "uint32", "uint64", "bool", "string", "resource", "variant"}
)
_SHAPE_OPS = frozenset({"SHAPE", "RANK", "VAR_HANDLE", "CALL_ONCE"})
_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE", "CAST"})
_SMALL_WEIGHTS = frozenset({"int8", "uint8", "int4", "uint4", "int2"})
_SIGNAL_NAMES = {"int16": "int16x8"}


def operator_precision(operator: OperatorSpec, subgraph: SubgraphSpec) -> str:
    """Type an operator computes in.

    A float operator with integer weights is "hybrid". Two types at once are "mixed", unless the
    operator's purpose is the change: then it is a "conversion".
    """
    if operator.op in _SHAPE_OPS:
        return NOT_COMPUTE
    inputs = [subgraph.tensors[index] for index in operator.inputs if index >= 0]
    # State inside an operator may be wider than what goes through it (an LSTM's cell).
    signals = {tensor.dtype for tensor in inputs if not (tensor.is_constant or tensor.is_variable)}
    signals |= {subgraph.tensors[index].dtype for index in operator.outputs}
    if operator.op in _CONVERSIONS:
        constants = {tensor.dtype for tensor in inputs if tensor.is_constant}
        if len(signals | constants) > 1:
            return CONVERSION
    signals -= _INDEX_DTYPES
    if len(signals) > 1:
        return "mixed"
    if not signals:
        return NOT_COMPUTE
    dtype = signals.pop()
    weights = {tensor.dtype for tensor in inputs if tensor.is_constant and len(tensor.shape) > 1}
    if dtype == "float32" and weights & _SMALL_WEIGHTS:
        return "hybrid"
    return _SIGNAL_NAMES.get(dtype, dtype)


def file_precision(model: Model, precisions: Iterable[str]) -> str:
    """One word for the whole file, from the precisions of its operators."""
    found = set(precisions) - {CONVERSION, NOT_COMPUTE}
    if not found:
        return " and ".join(sorted({tensor.dtype for tensor in model.inputs})) or "no compute"
    if len(found) == 1:
        only = found.pop()
        return "float16" if only == "float32" and _has_float16_weights(model) else only
    if "hybrid" in found and found <= FLOATING:
        return "hybrid"
    return "mixed"


def model_precision(model: Model) -> str:
    """:func:`file_precision` where no operator's own precision is at hand."""
    return file_precision(
        model,
        (
            operator_precision(operator, subgraph)
            for subgraph in model.subgraphs
            for operator in subgraph.operators
        ),
    )


def _has_float16_weights(model: Model) -> bool:
    return any(
        tensor.dtype == "float16" and tensor.is_constant
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
    )


def find_islands(subgraph: SubgraphSpec, precisions: dict[int, str]) -> tuple[FloatIsland, ...]:
    """Groups of float operators that hang together, in a subgraph that also computes quantized.

    Args:
        subgraph: The subgraph.
        precisions: Precision by operator index.
    """
    if not any(precision in QUANTIZED for precision in precisions.values()):
        return ()
    floating = sorted(i for i, precision in precisions.items() if precision in FLOATING)
    # Operators that share a run-time tensor belong together: a union-find over operator indices.
    parent = {index: index for index in floating}

    def root_of(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    first_user: dict[int, int] = {}
    for index in floating:
        operator = subgraph.operators[index]
        for tensor in (*operator.inputs, *operator.outputs):
            if tensor >= 0 and not subgraph.tensors[tensor].is_constant:
                parent[root_of(index)] = root_of(first_user.setdefault(tensor, index))
    groups: dict[int, list[int]] = {}
    for index in floating:
        groups.setdefault(root_of(index), []).append(index)
    sources = {
        tensor: operator.index
        for operator in subgraph.operators
        if operator.op == "DEQUANTIZE"
        for tensor in operator.outputs
    }
    sinks: dict[int, list[int]] = {}
    for operator in subgraph.operators:
        if operator.op == "QUANTIZE":
            sinks.setdefault(operator.inputs[0], []).append(operator.index)
    return tuple(_island(subgraph, members, sources, sinks) for members in groups.values())


def _island(
    subgraph: SubgraphSpec,
    members: list[int],
    sources: dict[int, int],
    sinks: dict[int, list[int]],
) -> FloatIsland:
    operators = [subgraph.operators[index] for index in members]
    read = {tensor for operator in operators for tensor in operator.inputs}
    written = {tensor for operator in operators for tensor in operator.outputs}
    return FloatIsland(
        subgraph_index=subgraph.index,
        operators=tuple(members),
        ops=tuple(dict.fromkeys(operator.op for operator in operators)),
        entries=tuple(sorted({sources[tensor] for tensor in read & sources.keys()})),
        exits=tuple(sorted({i for tensor in written & sinks.keys() for i in sinks[tensor]})),
    )
