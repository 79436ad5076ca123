"""Work per operator: multiply-accumulates and bytes, counted from shapes, never guessed.

Only operators whose inner loop is a sum of products have a count. Everything else has ``None``:
its cost is real, but it is not a number of multiply-accumulates.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.model.dtypes import tensor_bytes
from tflm_gen.model.op_facts import FREE_FORM_PREFIXES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.model.records import OperatorSpec, SubgraphSpec, TensorSpec

# Operators that run other code, so their own shapes say nothing of their work.
_OPAQUE_OPS = frozenset({"WHILE", "IF", "CALL", "CALL_ONCE", "DELEGATE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCost:
    """Work of one operator, for the shapes stored in the file.

    Attributes:
        macs: Multiply-accumulates of one run, or None if the operator has no such count.
        is_opaque: The work cannot be told from the shapes (custom operators, control flow).
        constant_bytes: Constant inputs (weights, bias, shapes).
        input_bytes: Inputs computed at run time.
        output_bytes: Outputs.
    """

    macs: int | None
    is_opaque: bool
    constant_bytes: int
    input_bytes: int
    output_bytes: int


def operator_cost(operator: OperatorSpec, subgraph: SubgraphSpec) -> OperatorCost:
    """Count the work of one operator."""
    inputs = [subgraph.tensors[index] for index in operator.inputs if index >= 0]
    outputs = [subgraph.tensors[index] for index in operator.outputs]
    macs = operator_macs(operator, subgraph)
    return OperatorCost(
        macs=macs,
        is_opaque=operator.op in _OPAQUE_OPS
        or operator.op.startswith(FREE_FORM_PREFIXES)
        or (macs is None and operator.op in _COUNTERS),
        constant_bytes=sum(tensor.data_bytes for tensor in inputs if tensor.is_constant),
        input_bytes=sum(tensor_bytes(tensor) or 0 for tensor in inputs if not tensor.is_constant),
        output_bytes=sum(tensor_bytes(tensor) or 0 for tensor in outputs),
    )


def operator_macs(operator: OperatorSpec, subgraph: SubgraphSpec) -> int | None:
    """Multiply-accumulates of one run, or None where that is not defined."""
    counter = _COUNTERS.get(operator.op)
    if counter is None:
        return None
    return counter(_Operands(operator, subgraph))


class _Operands:
    """An operator's tensors by position; an absent one is None."""

    def __init__(self, operator: OperatorSpec, subgraph: SubgraphSpec) -> None:
        self.operator = operator
        self._subgraph = subgraph

    def input(self, position: int, rank: int | None = None) -> TensorSpec | None:
        """Input tensor, or None if it is absent or of another rank."""
        return self._tensor(self.operator.inputs, position, rank)

    def output(self, rank: int | None = None) -> TensorSpec | None:
        """First output tensor, or None if it is of another rank."""
        return self._tensor(self.operator.outputs, 0, rank)

    def elements(self, first: int, last: int) -> int:
        """Elements of all inputs at positions first..last that are there."""
        found = (self.input(position) for position in range(first, last + 1))
        return sum(tensor.n_elements for tensor in found if tensor is not None)

    def _tensor(
        self, indices: tuple[int, ...], position: int, rank: int | None
    ) -> TensorSpec | None:
        if position >= len(indices) or indices[position] < 0:
            return None
        tensor = self._subgraph.tensors[indices[position]]
        return tensor if rank is None or len(tensor.shape) == rank else None


def _conv_2d(operands: _Operands) -> int | None:
    # Weights are [out, height, width, in]; with groups, "in" is already that of one group.
    weights, output = operands.input(1, 4), operands.output(4)
    if weights is None or output is None:
        return None
    _, height, width, channels = weights.shape
    return output.n_elements * height * width * channels


def _depthwise_conv_2d(operands: _Operands) -> int | None:
    # Weights are [1, height, width, channels]: one plane for each output channel.
    weights, output = operands.input(1, 4), operands.output(4)
    if weights is None or output is None:
        return None
    return output.n_elements * weights.shape[1] * weights.shape[2]


def _transpose_conv(operands: _Operands) -> int | None:
    # Every input element meets every weight of its channel: weights are [out, height, width, in].
    weights, data = operands.input(1, 4), operands.input(2, 4)
    if weights is None or data is None:
        return None
    out_channels, height, width, _ = weights.shape
    return data.n_elements * height * width * out_channels


def _conv_3d(operands: _Operands) -> int | None:
    # Weights are [depth, height, width, in, out].
    weights, output = operands.input(1, 5), operands.output(5)
    if weights is None or output is None:
        return None
    depth, height, width, channels, _ = weights.shape
    return output.n_elements * depth * height * width * channels


def _conv_3d_transpose(operands: _Operands) -> int | None:
    # Weights are [depth, height, width, out, in].
    weights, data = operands.input(1, 5), operands.input(2, 5)
    if weights is None or data is None:
        return None
    depth, height, width, out_channels, _ = weights.shape
    return data.n_elements * depth * height * width * out_channels


def _fully_connected(operands: _Operands) -> int | None:
    # Weights are [out, in], and the output's last dimension is "out".
    weights, output = operands.input(1, 2), operands.output()
    if weights is None or output is None:
        return None
    return output.n_elements * weights.shape[1]


def _batch_matmul(operands: _Operands) -> int | None:
    left, output = operands.input(0), operands.output()
    if left is None or output is None or len(left.shape) < 2:
        return None
    inner = left.shape[-2] if operands.operator.options.get("adj_x") else left.shape[-1]
    return output.n_elements * inner


def _steps(operands: _Operands) -> int | None:
    """Vectors in a recurrent operator's input: batch times time."""
    data = operands.input(0)
    if data is None or not data.shape or data.shape[-1] == 0:
        return None
    return data.n_elements // data.shape[-1]


def _lstm(operands: _Operands) -> int | None:
    steps = _steps(operands)
    if steps is None:
        return None
    if operands.operator.options.get("kernel_type") == "BASIC":
        return steps * operands.elements(2, 2)
    # Inputs 1-8 are the gates' input and recurrent weights, 9-11 peepholes, 16 the projection.
    return steps * (operands.elements(1, 11) + operands.elements(16, 16))


def _bidirectional_lstm(operands: _Operands) -> int | None:
    steps = _steps(operands)
    if steps is None:
        return None
    # Forward weights lie as in _lstm; backward ones at 18-28, their projection at 33.
    forward = operands.elements(1, 11) + operands.elements(16, 16)
    # With an auxiliary input, its weights are at 40-47.
    backward = operands.elements(18, 28) + operands.elements(33, 33) + operands.elements(40, 47)
    return steps * (forward + backward)


def _rnn(operands: _Operands) -> int | None:
    steps = _steps(operands)
    return None if steps is None else steps * operands.elements(1, 2)


def _bidirectional_rnn(operands: _Operands) -> int | None:
    steps = _steps(operands)
    if steps is None:
        return None
    # Forward weights are at 1-2, backward ones at 5-6, those of an auxiliary input at 10-11.
    return steps * sum(operands.elements(first, first + 1) for first in (1, 5, 10))


_COUNTERS: MappingProxyType[str, Callable[[_Operands], int | None]] = MappingProxyType(
    {
        "CONV_2D": _conv_2d,
        "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
        "TRANSPOSE_CONV": _transpose_conv,
        "CONV_3D": _conv_3d,
        "CONV_3D_TRANSPOSE": _conv_3d_transpose,
        "FULLY_CONNECTED": _fully_connected,
        "BATCH_MATMUL": _batch_matmul,
        "LSTM": _lstm,
        "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
        "BIDIRECTIONAL_SEQUENCE_LSTM": _bidirectional_lstm,
        "RNN": _rnn,
        "UNIDIRECTIONAL_SEQUENCE_RNN": _rnn,
        "BIDIRECTIONAL_SEQUENCE_RNN": _bidirectional_rnn,
        # SVDF's feature and time weights are each used once a step, like a recurrent cell's.
        "SVDF": _rnn,
    }
)
