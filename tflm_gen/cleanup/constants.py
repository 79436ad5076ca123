"""Computes what constant integer operators would compute; shape arithmetic, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from tflm_gen.cleanup.draft import Draft
    from tflm_gen.model.graph import GraphOperator

    Values = NDArray[np.generic]

# Shape arithmetic is short; a long constant would cost flash where an operator costs none.
MAX_FOLDED_ELEMENTS = 64


def fold(
    operator: GraphOperator,
    draft: Draft,
    shapes: Mapping[int, tuple[int, ...]],
    values: Mapping[int, Values],
) -> Values | None:
    """The operator's output if it follows from constants, else None.

    Args:
        operator: One whose output shapes are in ``shapes`` already.
        draft: Where its tensors are.
        shapes: True shapes of its tensors.
        values: Numbers of constant tensors.
    """
    rule = _RULES.get(operator.op)
    if rule is None or len(operator.outputs) != 1 or operator.option("fused_activation_function"):
        return None
    output = operator.outputs[0]
    if draft.tensors[output].dtype not in ("int32", "int64"):
        return None
    if np.prod(shapes[output], dtype=np.int64) > MAX_FOLDED_ELEMENTS:
        return None
    kind = np.dtype("<i4" if draft.tensors[output].dtype == "int32" else "<i8")
    if operator.op in ("SHAPE", "RANK"):
        result: Values = np.asarray(rule(operator, [], shapes[operator.inputs[0]]))
    else:
        known = [values.get(index) for index in operator.inputs]
        present = [value for value in known if value is not None]
        if len(present) != len(known) or any(v.dtype.kind not in "iu" for v in present):
            return None
        result = np.asarray(rule(operator, present, shapes[output]))
    return result.astype(kind).reshape(shapes[output])


def _shape(_: GraphOperator, __: list[Values], shape: tuple[int, ...]) -> object:
    return np.array(shape, np.int64)


def _rank(_: GraphOperator, __: list[Values], shape: tuple[int, ...]) -> object:
    return len(shape)


def _strided_slice(operator: GraphOperator, inputs: list[Values], _: tuple[int, ...]) -> object:
    begin, end, step = (value.reshape(-1).tolist() for value in inputs[1:4])
    picks: list[slice | int] = []
    for axis in range(len(begin)):
        if operator.option("shrink_axis_mask") >> axis & 1:
            picks.append(begin[axis])
            continue
        first = None if operator.option("begin_mask") >> axis & 1 else begin[axis]
        last = None if operator.option("end_mask") >> axis & 1 else end[axis]
        picks.append(slice(first, last, step[axis]))
    return inputs[0][tuple(picks)]


def _pack(operator: GraphOperator, inputs: list[Values], _: tuple[int, ...]) -> object:
    return np.stack(inputs, axis=operator.option("axis"))


def _concatenation(operator: GraphOperator, inputs: list[Values], _: tuple[int, ...]) -> object:
    return np.concatenate(inputs, axis=operator.option("axis"))


def _gather(operator: GraphOperator, inputs: list[Values], _: tuple[int, ...]) -> object:
    return np.take(inputs[0], inputs[1].astype(np.int64), axis=operator.option("axis"))


def _reshaped(_: GraphOperator, inputs: list[Values], shape: tuple[int, ...]) -> object:
    return inputs[0].reshape(shape)


def _product(_: GraphOperator, inputs: list[Values], shape: tuple[int, ...]) -> object:
    axes = tuple(int(axis) for axis in inputs[1].reshape(-1))
    return np.prod(inputs[0].astype(np.int64), axis=axes).reshape(shape)


def _cast(_: GraphOperator, inputs: list[Values], __: tuple[int, ...]) -> object:
    return inputs[0]


def _binary(operator: GraphOperator, inputs: list[Values], _: tuple[int, ...]) -> object:
    left, right = (value.astype(np.int64) for value in inputs)
    compute: dict[str, Callable[..., object]] = {
        "ADD": np.add,
        "SUB": np.subtract,
        "MUL": np.multiply,
        "MAXIMUM": np.maximum,
        "MINIMUM": np.minimum,
    }
    return compute[operator.op](left, right)


_RULES: Mapping[str, Callable[[GraphOperator, list[Values], tuple[int, ...]], object]] = {
    "SHAPE": _shape,
    "RANK": _rank,
    "STRIDED_SLICE": _strided_slice,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "GATHER": _gather,
    "RESHAPE": _reshaped,
    "SQUEEZE": _reshaped,
    "EXPAND_DIMS": _reshaped,
    "REDUCE_PROD": _product,
    "CAST": _cast,
    "ADD": _binary,
    "SUB": _binary,
    "MUL": _binary,
    "MAXIMUM": _binary,
    "MINIMUM": _binary,
}
