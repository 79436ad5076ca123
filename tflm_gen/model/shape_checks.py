"""Checks that an operator's shapes agree with each other, for the operators most models use.

Kernels take ranks and channel counts for granted: a wrong one divides by zero or walks out of a
tensor. An operator with a dimension left open by the converter is not checked, since its stored
shapes may be place holders.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.model.flatbuffer import fail_malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.model.records import OperatorSpec, OptionValue, SubgraphSpec, TensorSpec

_QUANTIZED = frozenset({"int8", "uint8", "int16", "int4"})


class _Operands:
    """An operator's tensors with the path for messages."""

    def __init__(self, operator: OperatorSpec, subgraph: SubgraphSpec, path: str) -> None:
        self.path = path
        self.options = operator.options
        self.has_every_input = -1 not in operator.inputs
        self.inputs = [subgraph.tensors[index] for index in operator.inputs if index >= 0]
        self.outputs = [subgraph.tensors[index] for index in operator.outputs]

    def option(self, name: str) -> int:
        """An integer option, 0 if it is absent."""
        value: OptionValue = self.options.get(name, 0)
        return value if isinstance(value, int) else 0

    def require(self, is_right: bool, what: str) -> None:
        """Refuse the file if a condition does not hold."""
        if not is_right:
            shapes = ", ".join(str(list(tensor.shape)) for tensor in self.inputs)
            results = ", ".join(str(list(tensor.shape)) for tensor in self.outputs)
            fail_malformed(f"{self.path}: {what} (inputs {shapes}; outputs {results})")

    def require_rank(self, rank: int, *tensors: TensorSpec) -> None:
        """Refuse tensors of another rank, or without elements."""
        for tensor in tensors:
            self.require(len(tensor.shape) == rank, f"tensor {tensor.index} is not {rank}-D")
            self.require(tensor.n_elements > 0, f"tensor {tensor.index} has no elements")

    def require_scale(self, *tensors: TensorSpec) -> None:
        """Refuse quantized tensors without quantization."""
        for tensor in tensors:
            is_right = tensor.dtype not in _QUANTIZED or tensor.quantization is not None
            self.require(is_right, f"tensor {tensor.index} ({tensor.dtype}) has no scale")


def check_shapes(
    operator: OperatorSpec, subgraph: SubgraphSpec, path: str, *, skips_open: bool = True
) -> None:
    """Check one operator; the caller has checked its indices, counts and options.

    Args:
        operator: The operator.
        subgraph: Where it is.
        path: For messages.
        skips_open: Believe nothing of tensors with an open dimension.

    Raises:
        MalformedModelError: If the shapes contradict each other.
    """
    check = _CHECKS.get(operator.op)
    if check is None:
        return
    operands = _Operands(operator, subgraph, path)
    tensors = (*operands.inputs, *operands.outputs)
    if skips_open and any(tensor.is_open for tensor in tensors):
        return
    check(operands)


def _window_fits(size: int, reach: int, stride: int, padding: OptionValue) -> int:
    """Output positions of a sliding window along one dimension."""
    if padding == "SAME":
        return -(-size // stride)
    return max(0, (size - reach) // stride + 1)


def _check_window(
    operands: _Operands, source: TensorSpec, result: TensorSpec, kernel: tuple[int, int]
) -> None:
    """Height and width of the output are what the window makes of the input's."""
    for axis, size, letter in ((1, kernel[0], "h"), (2, kernel[1], "w")):
        dilation = max(1, operands.option(f"dilation_{letter}_factor"))
        positions = _window_fits(
            source.shape[axis],
            (size - 1) * dilation + 1,
            operands.option(f"stride_{letter}"),
            operands.options.get("padding"),
        )
        operands.require(
            result.shape[axis] == positions,
            f"output dimension {axis} is {result.shape[axis]}, but the window has {positions} "
            "positions",
        )
    operands.require(result.shape[0] == source.shape[0], "the batch changes")


def _check_bias(operands: _Operands, channels: int) -> None:
    if len(operands.inputs) > 2:
        bias = operands.inputs[2]
        operands.require(bias.n_elements == channels, f"the bias is not of {channels} channels")


def _conv_2d(operands: _Operands) -> None:
    (source, weights, *_), result = operands.inputs, operands.outputs[0]
    operands.require_rank(4, source, weights, result)
    operands.require_scale(source, weights, result)
    filters, height, width, channels = weights.shape
    operands.require(source.shape[3] % channels == 0, "input channels are no multiple of the group")
    groups = source.shape[3] // channels
    operands.require(filters % groups == 0, f"{filters} filters do not divide into {groups} groups")
    operands.require(result.shape[3] == filters, f"the output has not {filters} channels")
    _check_window(operands, source, result, (height, width))
    _check_bias(operands, filters)


def _depthwise_conv_2d(operands: _Operands) -> None:
    (source, weights, *_), result = operands.inputs, operands.outputs[0]
    operands.require_rank(4, source, weights, result)
    operands.require_scale(source, weights, result)
    _, height, width, channels = weights.shape
    is_multiple = channels % source.shape[3] == 0 and result.shape[3] == channels
    operands.require(is_multiple, "output channels are no multiple of the input's")
    # Without a bias the operator has two inputs; kernels do not expect a third that is left out.
    operands.require(operands.has_every_input, "its bias is listed, and left out")
    _check_window(operands, source, result, (height, width))
    _check_bias(operands, channels)


def _pool_2d(operands: _Operands) -> None:
    source, result = operands.inputs[0], operands.outputs[0]
    operands.require_rank(4, source, result)
    operands.require(source.shape[3] == result.shape[3], "the channels change")
    kernel = (operands.option("filter_height"), operands.option("filter_width"))
    _check_window(operands, source, result, kernel)


def _transpose_conv(operands: _Operands) -> None:
    (_, weights, source, *_), result = operands.inputs, operands.outputs[0]
    operands.require_rank(4, source, weights, result)
    operands.require_scale(source, weights, result)
    operands.require(source.shape[3] == weights.shape[3], "input channels are not the weights'")
    operands.require(result.shape[3] == weights.shape[0], "output channels are not the weights'")
    operands.require(source.shape[0] == result.shape[0], "the batch changes")


def _fully_connected(operands: _Operands) -> None:
    (source, weights, *_), result = operands.inputs, operands.outputs[0]
    operands.require_rank(2, weights)
    operands.require_scale(source, weights, result)
    units, depth = weights.shape
    operands.require(source.n_elements % depth == 0, f"the input is no multiple of {depth}")
    rows = source.n_elements // depth
    operands.require(result.n_elements == rows * units, f"the output is not {rows} x {units}")
    _check_bias(operands, units)


def _batch_matmul(operands: _Operands) -> None:
    (left, right, *_), result = operands.inputs, operands.outputs[0]
    shapes = []
    for tensor, flag in ((left, "adj_x"), (right, "adj_y")):
        operands.require(len(tensor.shape) >= 2, f"tensor {tensor.index} is no matrix")
        rows, columns = tensor.shape[-2:]
        shapes.append((columns, rows) if operands.options.get(flag) else (rows, columns))
    (rows, inner), (other, columns) = shapes
    operands.require(inner == other, f"inner dimensions {inner} and {other} differ")
    operands.require(result.shape[-2:] == (rows, columns), f"the output is not {rows} x {columns}")
    operands.require_scale(left, right, result)


def _same_shape(operands: _Operands) -> None:
    source, result = operands.inputs[0], operands.outputs[0]
    operands.require(source.shape == result.shape, "the shape changes")
    operands.require_scale(source, result)


def _same_elements(operands: _Operands) -> None:
    source, result = operands.inputs[0], operands.outputs[0]
    operands.require(source.n_elements == result.n_elements, "the number of elements changes")


def _all_same_elements(operands: _Operands) -> None:
    sizes = {tensor.n_elements for tensor in (*operands.inputs, operands.outputs[0])}
    operands.require(len(sizes) == 1, "the number of elements changes")


def _shape(operands: _Operands) -> None:
    rank = len(operands.inputs[0].shape)
    operands.require(operands.outputs[0].n_elements == rank, f"the output is not of {rank}")


def _joint_shape(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...] | None:
    """What two shapes broadcast to; None if they do not."""
    rank = max(len(left), len(right))
    left, right = ((1,) * (rank - len(shape)) + shape for shape in (left, right))
    pairs = list(zip(left, right, strict=True))
    if not all(a == b or 1 in (a, b) for a, b in pairs):
        return None
    return tuple(b if a == 1 else a for a, b in pairs)


def _broadcast(operands: _Operands) -> None:
    shape = _joint_shape(operands.inputs[0].shape, operands.inputs[1].shape)
    operands.require(operands.outputs[0].shape == shape, "the shapes do not broadcast")


def _select(operands: _Operands) -> None:
    choice, *values = operands.inputs[:3]
    shape = _joint_shape(values[0].shape, values[1].shape)
    shape = None if shape is None else _joint_shape(choice.shape, shape)
    operands.require(operands.outputs[0].shape == shape, "the shapes do not broadcast")


def _compare(operands: _Operands) -> None:
    """Kernels bring both sides to one scale, and divide by it."""
    _broadcast(operands)
    operands.require_scale(*operands.inputs[:2])
    for tensor in operands.inputs[:2]:
        scales = tensor.quantization.scales if tensor.quantization else ()
        operands.require(0.0 not in scales, f"tensor {tensor.index} has scale 0")


def _axis(operands: _Operands, rank: int) -> int:
    axis = operands.option("axis")
    operands.require(-rank <= axis < rank, f"axis is {axis}")
    return axis % rank


def _concatenation(operands: _Operands) -> None:
    result = operands.outputs[0]
    operands.require(bool(result.shape), "the output is a scalar")
    axis = _axis(operands, len(result.shape))
    total = 0
    for tensor in operands.inputs:
        operands.require(len(tensor.shape) == len(result.shape), "the ranks differ")
        total += tensor.shape[axis]
        rest = tensor.shape[:axis] + tensor.shape[axis + 1 :]
        operands.require(
            rest == result.shape[:axis] + result.shape[axis + 1 :], "the other dimensions differ"
        )
    operands.require(total == result.shape[axis], f"dimension {axis} is not {total}")


def _check_stack(
    operands: _Operands, parts: list[TensorSpec], whole: TensorSpec, count_option: str
) -> None:
    """PACK, or UNPACK the other way round: equal parts along a dimension of their own."""
    count = operands.option(count_option)
    operands.require(count == len(parts), f"{count_option} is {count}, not {len(parts)}")
    operands.require(bool(whole.shape), "there is nothing to divide")
    axis = _axis(operands, len(whole.shape))
    operands.require(whole.shape[axis] == count, f"dimension {axis} is not {count}")
    rest = whole.shape[:axis] + whole.shape[axis + 1 :]
    operands.require(all(part.shape == rest for part in parts), "the parts do not fit")


def _pack(operands: _Operands) -> None:
    _check_stack(operands, operands.inputs, operands.outputs[0], "values_count")


def _unpack(operands: _Operands) -> None:
    _check_stack(operands, operands.outputs, operands.inputs[0], "num")


def _split(operands: _Operands) -> None:
    count = operands.option("num_splits")
    operands.require(count == len(operands.outputs), f"num_splits is {count}")
    total = sum(tensor.n_elements for tensor in operands.outputs)
    operands.require(total == operands.inputs[1].n_elements, "the parts do not add up")


def _slice(operands: _Operands) -> None:
    rank = len(operands.inputs[0].shape)
    operands.require(rank <= 5, f"{rank} dimensions, and TFLite's kernel has 5")


_CHECKS_BY_NAMES: tuple[tuple[Callable[[_Operands], None], str], ...] = (
    (_conv_2d, "CONV_2D"),
    (_depthwise_conv_2d, "DEPTHWISE_CONV_2D"),
    (_pool_2d, "MAX_POOL_2D AVERAGE_POOL_2D L2_POOL_2D"),
    (_transpose_conv, "TRANSPOSE_CONV"),
    (_fully_connected, "FULLY_CONNECTED"),
    (_batch_matmul, "BATCH_MATMUL"),
    (_same_shape, "SOFTMAX LOG_SOFTMAX LOGISTIC TANH RELU RELU6 LEAKY_RELU HARD_SWISH ELU"),
    (
        _same_elements,
        "RESHAPE SQUEEZE EXPAND_DIMS QUANTIZE DEQUANTIZE TRANSPOSE ABS CAST CEIL COS EXP FLOOR LOG "
        "LOGICAL_NOT NEG RELU_N1_TO_1 ROUND RSQRT SIN SQRT SQUARE ZEROS_LIKE L2_NORMALIZATION",
    ),
    (_all_same_elements, "ADD_N"),
    (_select, "SELECT_V2"),
    (_shape, "SHAPE"),
    (
        _broadcast,
        "ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE PRELU POW FLOOR_DIV FLOOR_MOD "
        "LOGICAL_AND LOGICAL_OR",
    ),
    (_compare, "EQUAL NOT_EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL"),
    (_concatenation, "CONCATENATION"),
    (_pack, "PACK"),
    (_unpack, "UNPACK"),
    (_split, "SPLIT"),
    (_slice, "SLICE"),
)
_CHECKS = MappingProxyType({op: check for check, names in _CHECKS_BY_NAMES for op in names.split()})
