"""Checks what a model's tables say about each other: indices, shapes, data lengths, order."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.model.call_checks import check_call
from tflm_gen.model.dtypes import tensor_bytes
from tflm_gen.model.flatbuffer import fail_malformed
from tflm_gen.model.op_facts import (
    FREE_FORM_PREFIXES,
    MIN_INPUTS,
    NO_OUTPUT_OPS,
    OPTIONS_OF_OP,
    POSITIVE_OPTIONS,
)
from tflm_gen.model.operand_checks import check_operands
from tflm_gen.model.recurrent_checks import check_recurrent
from tflm_gen.model.shape_checks import check_shapes
from tflm_gen.model.type_checks import check_types

if TYPE_CHECKING:
    from tflm_gen.model.records import Model, OperatorSpec, SignatureSpec, SubgraphSpec, TensorSpec

# TFLite counts elements and bytes of a tensor in a signed 32-bit integer.
MAX_TENSOR_BYTES = 2**31 - 1
# TFLite's kernels stop at 8 dimensions; beyond twice that the file is no model.
MAX_RANK = 16
_LEAST_SCALE = 2.0**-126
_ZERO_POINT_RANGES = MappingProxyType(
    {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
)
COMPRESSION_METADATA = "COMPRESSION_METADATA"


def check_model(model: Model) -> None:
    """Check a parsed model's inner references.

    Raises:
        MalformedModelError: At the first contradiction.
    """
    if not model.subgraphs:
        fail_malformed("the model has no subgraph, so there is nothing to run")
    is_compressed = COMPRESSION_METADATA in model.metadata
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            _check_tensor(tensor, _tensor_path(subgraph, tensor.index), is_compressed)
        for operator in subgraph.operators:
            _check_operator(operator, subgraph)
        _check_indices(subgraph.inputs, subgraph, "input")
        _check_indices(subgraph.outputs, subgraph, "output")
        _check_inputs(subgraph)
        _check_order(subgraph)
        for operator in subgraph.operators:
            path = _operator_path(subgraph, operator)
            check_types(operator, subgraph, path)
            check_shapes(operator, subgraph, path)
            check_operands(operator, subgraph, model, path)
            check_recurrent(operator, subgraph, path)
    for signature in model.signatures:
        _check_signature(signature, model)
    _check_calls(model)
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            check_call(operator, subgraph, model, _operator_path(subgraph, operator))


def _tensor_path(subgraph: SubgraphSpec, index: int) -> str:
    return f"subgraph {subgraph.index}, tensor {index}"


def _operator_path(subgraph: SubgraphSpec, operator: OperatorSpec) -> str:
    return f"subgraph {subgraph.index}, operator {operator.index} ({operator.op})"


def _check_tensor(tensor: TensorSpec, path: str, is_compressed: bool) -> None:
    if len(tensor.shape) > MAX_RANK:
        fail_malformed(f"{path}: {len(tensor.shape):,} dimensions, and {MAX_RANK} are the limit")
    for dimension in tensor.shape:
        if dimension < 0:
            fail_malformed(f"{path}: dimension {dimension} in shape {list(tensor.shape)}")
    if tensor.shape_signature and len(tensor.shape_signature) != len(tensor.shape):
        fail_malformed(
            f"{path}: shape has {len(tensor.shape)} dimensions, "
            f"but its signature {len(tensor.shape_signature)}"
        )
    needed_bytes = tensor_bytes(tensor)
    if max(needed_bytes or 0, tensor.n_elements) > MAX_TENSOR_BYTES:
        fail_malformed(
            f"{path}: shape {list(tensor.shape)} of {tensor.dtype} is larger than the "
            f"{MAX_TENSOR_BYTES:,} bytes a tensor can have"
        )
    # Sparse and compressed constants are shorter than their shape.
    packed = tensor.is_sparse or is_compressed
    if tensor.is_constant and not packed and tensor.data_bytes < (needed_bytes or 0):
        fail_malformed(
            f"{path}: shape {list(tensor.shape)} of {tensor.dtype} needs {needed_bytes:,} bytes, "
            f"but buffer {tensor.buffer_index} has {tensor.data_bytes:,}"
        )
    _check_quantization(tensor, path)


def _check_quantization(tensor: TensorSpec, path: str) -> None:
    quantization = tensor.quantization
    if quantization is None:
        return
    for scale in quantization.scales:
        # Subnormal scales overflow the fixed-point multipliers that kernels derive from them.
        if not math.isfinite(scale) or scale < 0 or 0 < scale < _LEAST_SCALE:
            fail_malformed(f"{path}: quantization scale {scale}")
    lowest, highest = _ZERO_POINT_RANGES.get(tensor.dtype, (-(2**31), 2**31 - 1))
    for zero_point in quantization.zero_points:
        if not lowest <= zero_point <= highest:
            fail_malformed(f"{path}: zero point {zero_point} of {tensor.dtype}")
    n_scales = len(quantization.scales)
    if n_scales == 1:
        return
    axis = quantization.axis
    if not 0 <= axis < len(tensor.shape) or tensor.shape[axis] != n_scales:
        fail_malformed(
            f"{path}: {n_scales} scales along dimension {axis} of shape {list(tensor.shape)}"
        )


def _check_operator(operator: OperatorSpec, subgraph: SubgraphSpec) -> None:
    path = _operator_path(subgraph, operator)
    n_tensors = len(subgraph.tensors)
    for kind, indices, lowest in (
        # -1 marks an input that is left out, for example a convolution without bias.
        ("input", operator.inputs, -1),
        ("output", operator.outputs, 0),
        ("intermediate", operator.intermediates, -1),
    ):
        for index in indices:
            if not lowest <= index < n_tensors:
                fail_malformed(f"{path}: {kind} is tensor {index} of {n_tensors}")
    for index in operator.outputs:
        if subgraph.tensors[index].is_constant:
            fail_malformed(f"{path}: writes tensor {index}, which holds constant data")
    _check_operand_counts(operator, path)
    _check_options(operator, path)


def _check_operand_counts(operator: OperatorSpec, path: str) -> None:
    """Kernels fetch their first inputs and their output without a look at the count."""
    if operator.op.startswith(FREE_FORM_PREFIXES):
        return
    needed = MIN_INPUTS.get(operator.op, 1)
    present = operator.inputs[:needed]
    if len(present) < needed or -1 in present:
        fail_malformed(f"{path}: needs {needed} inputs, and has {list(operator.inputs)}")
    if not operator.outputs and operator.op not in NO_OUTPUT_OPS:
        fail_malformed(f"{path}: has no output")


def _check_options(operator: OperatorSpec, path: str) -> None:
    """Interpreters cast the options without a look at their type, and divide by strides."""
    wanted = OPTIONS_OF_OP.get(operator.op)
    if wanted is not None and operator.options_type not in wanted:
        fail_malformed(
            f"{path}: its options are {operator.options_type or 'missing'}, not {wanted[0]}"
        )
    for name in POSITIVE_OPTIONS.intersection(operator.options):
        value = operator.options[name]
        if isinstance(value, int) and value < 1:
            fail_malformed(f"{path}: {name} is {value}")


def _check_indices(indices: tuple[int, ...], subgraph: SubgraphSpec, kind: str) -> None:
    for index in indices:
        if not 0 <= index < len(subgraph.tensors):
            fail_malformed(
                f"subgraph {subgraph.index}: {kind} is tensor {index} of {len(subgraph.tensors)}"
            )


def _check_inputs(subgraph: SubgraphSpec) -> None:
    """An input is written before every run: it is no constant."""
    for index in subgraph.inputs:
        if subgraph.tensors[index].is_constant:
            fail_malformed(
                f"subgraph {subgraph.index}: its input, tensor {index}, holds constant data"
            )


def _check_order(subgraph: SubgraphSpec) -> None:
    """Every tensor is written once, and before it is read; TFLM checks neither."""
    known = {
        tensor.index
        for tensor in subgraph.tensors
        if tensor.is_constant or tensor.is_variable or tensor.n_elements == 0
    }
    known.update(subgraph.inputs)
    written = set(subgraph.inputs)
    for operator in subgraph.operators:
        path = _operator_path(subgraph, operator)
        # A custom operator may take scratch memory as an input (Vela's do).
        has_scratch = operator.op.startswith(FREE_FORM_PREFIXES)
        for index in operator.inputs:
            if index >= 0 and index not in known and not has_scratch:
                fail_malformed(
                    f"{path}: reads tensor {index}, which no constant, input or earlier operator "
                    "fills"
                )
        for index in operator.outputs:
            if index in written:
                fail_malformed(f"{path}: writes tensor {index}, which already has a source")
            written.add(index)
        known.update(operator.outputs)
    for index in subgraph.outputs:
        if index not in known:
            fail_malformed(f"subgraph {subgraph.index}: nothing fills its output, tensor {index}")


def _check_signature(signature: SignatureSpec, model: Model) -> None:
    path = f"signature {signature.key!r}"
    if signature.subgraph_index >= len(model.subgraphs):
        fail_malformed(f"{path}: subgraph {signature.subgraph_index} of {len(model.subgraphs)}")
    subgraph = model.subgraphs[signature.subgraph_index]
    for kind, entries, allowed in (
        ("input", signature.inputs, frozenset(subgraph.inputs)),
        ("output", signature.outputs, frozenset(subgraph.outputs)),
    ):
        for name, index in entries:
            if index not in allowed:
                fail_malformed(
                    f"{path}: {kind} {name!r} is tensor {index}, which is no {kind} of "
                    f"subgraph {subgraph.index}"
                )


def _called_subgraphs(operator: OperatorSpec) -> tuple[int, ...]:
    """Subgraphs that control-flow operators run."""
    called: list[int] = []
    for name, value in operator.options.items():
        if "subgraph" not in name and name != "called_computations":
            continue
        if isinstance(value, tuple):
            called.extend(int(index) for index in value)
        elif isinstance(value, int):
            called.append(value)
    return tuple(called)


def _check_calls(model: Model) -> None:
    """Called subgraphs exist, and none calls itself in a circle (an endless loop on a device)."""
    callers: dict[int, set[int]] = {subgraph.index: set() for subgraph in model.subgraphs}
    n_callees = dict.fromkeys(callers, 0)
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            for index in _called_subgraphs(operator):
                if index not in callers:
                    fail_malformed(
                        f"{_operator_path(subgraph, operator)}: runs subgraph {index} "
                        f"of {len(model.subgraphs)}"
                    )
                if subgraph.index not in callers[index]:
                    callers[index].add(subgraph.index)
                    n_callees[subgraph.index] += 1
    # Take away subgraphs that call nothing left; what stays is in a circle, or leads to one.
    leaves = [index for index, count in n_callees.items() if count == 0]
    while leaves:
        leaf = leaves.pop()
        del n_callees[leaf]
        for caller in callers[leaf]:
            n_callees[caller] -= 1
            if n_callees[caller] == 0:
                leaves.append(caller)
    if n_callees:
        fail_malformed(f"subgraphs {sorted(n_callees)[:8]} call each other in a circle")
