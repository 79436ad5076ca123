"""Checks of the recurrent operators, whose many operands have to fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.model.flatbuffer import fail_malformed

if TYPE_CHECKING:
    from tflm_gen.model.records import OperatorSpec, SubgraphSpec, TensorSpec

_LSTM_INPUTS = 24
_LSTM_WEIGHTS = (range(1, 5), range(5, 9))
_LSTM_BIASES = range(12, 16)
_LSTM_STATES = (18, 19)


def check_recurrent(operator: OperatorSpec, subgraph: SubgraphSpec, path: str) -> None:
    """Check UNIDIRECTIONAL_SEQUENCE_LSTM and SVDF; nothing for other operators.

    Raises:
        MalformedModelError: If the operands contradict each other.
    """
    inputs = [subgraph.tensors[i] if i >= 0 else None for i in operator.inputs]
    result = subgraph.tensors[operator.outputs[0]] if operator.outputs else None
    if result is None:
        return
    problem = ""
    if operator.op == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        is_time_major = bool(operator.options.get("time_major"))
        problem = _lstm_problem(inputs, result, is_time_major=is_time_major)
    elif operator.op == "SVDF":
        problem = _svdf_problem(inputs, result, operator.options.get("rank"))
    if problem:
        fail_malformed(f"{path}: {problem}")


def _lstm_problem(
    inputs: list[TensorSpec | None], result: TensorSpec, *, is_time_major: bool
) -> str:
    if len(inputs) < _LSTM_INPUTS:
        return f"{len(inputs)} inputs, and an LSTM has {_LSTM_INPUTS}"
    source = inputs[0]
    if source is None or len(source.shape) != 3 or len(result.shape) != 3:
        return "its input or output is not 3-D"
    if source.dtype != result.dtype or source.shape[:2] != result.shape[:2]:
        return "its input and output do not fit"
    units, batch = result.shape[2], source.shape[1 if is_time_major else 0]
    for positions, columns in zip(_LSTM_WEIGHTS, (source.shape[2], units), strict=True):
        if _are_odd([inputs[at] for at in positions], (units, columns)):
            return f"its weights are not all {units} x {columns} of one type"
    if _are_odd([inputs[at] for at in _LSTM_BIASES], (units,)):
        return f"its biases are not all of {units} units and one type"
    for at in _LSTM_STATES:
        state = inputs[at]
        if state is None or not state.is_variable or state.n_elements != batch * units:
            return f"its state (input {at}) is no variable of {batch} x {units}"
    return ""


def _are_odd(tensors: list[TensorSpec | None], shape: tuple[int, ...]) -> bool:
    """One of the tensors is left out, or they differ in type or from the shape.

    The first may be left out: then input and forget gate are coupled.
    """
    present = [tensor for tensor in tensors if tensor is not None]
    is_complete = None not in tensors[1:]
    dtypes = {tensor.dtype for tensor in present}
    return not is_complete or len(dtypes) > 1 or any(t.shape != shape for t in present)


def _svdf_problem(inputs: list[TensorSpec | None], result: TensorSpec, rank: object) -> str:
    if len(inputs) < 5:
        return f"{len(inputs)} inputs, and an SVDF has 5"
    source, features, time, bias, state = inputs[:5]
    if source is None or features is None or time is None or state is None:
        return "an operand is left out"
    shapes = (source.shape, features.shape, time.shape, result.shape)
    if any(len(shape) != 2 for shape in shapes) or not isinstance(rank, int) or rank < 1:
        return "its operands are not 2-D"
    filters, memory, batch = features.shape[0], time.shape[1], source.shape[0]
    fits = (
        features.shape[1] == source.shape[1]
        and time.shape[0] == filters
        and filters % rank == 0
        and result.shape == (batch, filters // rank)
        and state.n_elements == batch * filters * memory
        and state.is_variable
        and (bias.n_elements == filters // rank if bias else source.dtype == "float32")
        and features.dtype == source.dtype == result.dtype
        and min(filters, memory, batch, source.shape[1]) > 0
    )
    return "" if fits else "its operands do not fit each other"
