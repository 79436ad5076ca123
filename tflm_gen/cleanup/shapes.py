"""Shapes and constants that follow from a subgraph's inputs, operator by operator.

Converters store a shape for every tensor; with an open batch dimension some of them are wrong.
TFLite computes shapes again before it runs, TFLM trusts the file. Here they are computed as
TFLite does. An operator without a rule keeps its stored shapes, unless one of its inputs turns
out to be of another shape than stored: then nothing is known, and :class:`UnknownShapeError` says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.cleanup.constants import fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tflm_gen.cleanup.draft import Draft
    from tflm_gen.model.graph import GraphOperator

Shape = tuple[int, ...]


class UnknownShapeError(Exception):
    """The shape of a tensor does not follow from what is known."""


@dataclass(slots=True)
class Facts:
    """What is known: the shape of every tensor, and the numbers of the constant ones."""

    shapes: dict[int, Shape] = field(default_factory=dict)
    values: dict[int, NDArray[np.generic]] = field(default_factory=dict)

    def ints(self, tensor: int) -> tuple[int, ...]:
        """Numbers of a constant integer tensor.

        Raises:
            UnknownShapeError: If it is not constant.
        """
        if tensor not in self.values:
            raise UnknownShapeError(f"tensor {tensor} is not constant")
        return tuple(int(value) for value in self.values[tensor].reshape(-1))


def derive_facts(draft: Draft) -> Facts:
    """Shapes and constants of all tensors.

    Raises:
        UnknownShapeError: If a shape differs from the stored one before an operator without a rule.
    """
    facts = Facts(shapes={i: tensor.shape for i, tensor in enumerate(draft.tensors)})
    for index in range(len(draft.tensors)):
        values = draft.values(index)
        if values is not None:
            facts.values[index] = values
    stored = dict(facts.shapes)
    for operator in draft.operators:
        derived = _derive(draft, operator, facts)
        if derived is None:
            if any(facts.shapes[i] != stored[i] for i in operator.inputs if i >= 0):
                raise UnknownShapeError(f"{operator.op} has no rule")
            continue
        facts.shapes.update(zip(operator.outputs, derived, strict=True))
        value = _fold(operator, draft, facts)
        if value is not None:
            facts.values[operator.outputs[0]] = value
    return facts


def _derive(draft: Draft, operator: GraphOperator, facts: Facts) -> tuple[Shape, ...] | None:
    rule = _RULES.get(operator.op)
    if rule is None:
        return None
    try:
        shapes = rule(operator, facts)
    except (ArithmeticError, LookupError, ValueError) as error:
        raise UnknownShapeError(f"{operator.op}: {error}") from error
    if shapes is not None and len(shapes) != len(operator.outputs):
        raise UnknownShapeError(f"{operator.op} has {len(operator.outputs)} outputs")
    return shapes


def _fold(operator: GraphOperator, draft: Draft, facts: Facts) -> NDArray[np.generic] | None:
    try:
        return fold(operator, draft, facts.shapes, facts.values)
    except (ArithmeticError, LookupError, ValueError) as error:
        raise UnknownShapeError(f"{operator.op}: {error}") from error


# --- rules ----------------------------------------------------------------------------------------

_Rule = Callable[["GraphOperator", Facts], "tuple[Shape, ...] | None"]


def _x(operator: GraphOperator, facts: Facts, at: int = 0) -> Shape:
    return facts.shapes[operator.inputs[at]]


def _same(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    return (_x(operator, facts),)


def _broadcast(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    return (np.broadcast_shapes(*(facts.shapes[i] for i in operator.inputs if i >= 0)),)


def window_size(size: int, reach: int, step: int, padding: int) -> int:
    """Output length of a convolution or pool along one dimension; padding 0 is SAME."""
    return -(-size // step) if padding == 0 else -(-(size - reach + 1) // step)


def _spatial(operator: GraphOperator, shape: Shape, kernel: tuple[int, int]) -> tuple[int, int]:
    sizes = []
    for axis, letter in enumerate("hw"):
        dilation = max(1, operator.option(f"dilation_{letter}_factor")) if _dilates(operator) else 1
        reach = (kernel[axis] - 1) * dilation + 1
        step = operator.option(f"stride_{letter}")
        size = window_size(shape[1 + axis], reach, step, operator.option("padding"))
        if size < 1:
            raise ValueError(f"nothing is left of {shape}")
        sizes.append(size)
    return sizes[0], sizes[1]


def _dilates(operator: GraphOperator) -> bool:
    return operator.op in ("CONV_2D", "DEPTHWISE_CONV_2D")


def _conv(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape, weights = _x(operator, facts), _x(operator, facts, 1)
    if len(shape) != 4:
        raise ValueError(f"input {shape}")
    channels = weights[0] if operator.op == "CONV_2D" else weights[3]
    return ((shape[0], *_spatial(operator, shape, (weights[1], weights[2])), channels),)


def _pool(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    kernel = (operator.option("filter_height"), operator.option("filter_width"))
    return ((shape[0], *_spatial(operator, shape, kernel), shape[3]),)


def _fully_connected(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape, weights = _x(operator, facts), _x(operator, facts, 1)
    if operator.option("keep_num_dims"):
        return ((*shape[:-1], weights[0]),)
    rows, rest = divmod(math.prod(shape), weights[1])
    if rest:
        raise ValueError(f"{shape} by {weights}")
    return ((rows, weights[0]),)


def _reshape(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    source = _x(operator, facts)
    if len(operator.inputs) > 1:
        wanted = list(facts.ints(operator.inputs[1]))
    elif operator.options is not None:
        wanted = list(operator.options.integers("new_shape"))
    else:
        raise ValueError("no shape")
    n_elements = math.prod(source)
    if wanted.count(-1) == 1:
        rest = math.prod(size for size in wanted if size != -1)
        wanted[wanted.index(-1)] = n_elements // rest
    if math.prod(wanted) != n_elements:
        raise ValueError(f"{source} to {wanted}")
    return (tuple(wanted),)


def _expand_dims(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    axis = facts.ints(operator.inputs[1])[0] % (len(shape) + 1)
    return ((*shape[:axis], 1, *shape[axis:]),)


def _squeeze(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    named = operator.options.integers("squeeze_dims") if operator.options else ()
    axes = {axis % len(shape) for axis in named} or {i for i, n in enumerate(shape) if n == 1}
    return (tuple(size for axis, size in enumerate(shape) if axis not in axes),)


def _pad(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape, pads = _x(operator, facts), facts.ints(operator.inputs[1])
    return (tuple(n + pads[2 * i] + pads[2 * i + 1] for i, n in enumerate(shape)),)


def _space_to_batch(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    block, pads = facts.ints(operator.inputs[1]), facts.ints(operator.inputs[2])
    padded = [shape[1 + i] + pads[2 * i] + pads[2 * i + 1] for i in range(len(block))]
    if any(size % step for size, step in zip(padded, block, strict=True)):
        raise ValueError(f"{padded} by {block}")
    spatial = [size // step for size, step in zip(padded, block, strict=True)]
    return ((shape[0] * math.prod(block), *spatial, *shape[1 + len(block) :]),)


def _batch_to_space(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    block, crops = facts.ints(operator.inputs[1]), facts.ints(operator.inputs[2])
    batch, rest = divmod(shape[0], math.prod(block))
    if rest or not batch:
        raise ValueError(f"batch {shape[0]} by {block}")
    spatial = [n * shape[1 + i] - crops[2 * i] - crops[2 * i + 1] for i, n in enumerate(block)]
    return ((batch, *spatial, *shape[1 + len(block) :]),)


def _concatenation(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shapes = [facts.shapes[i] for i in operator.inputs]
    axis = operator.option("axis") % len(shapes[0])
    total = sum(shape[axis] for shape in shapes)
    return ((*shapes[0][:axis], total, *shapes[0][axis + 1 :]),)


def _pack(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    axis = operator.option("axis") % (len(shape) + 1)
    return ((*shape[:axis], len(operator.inputs), *shape[axis:]),)


def _unpack(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    axis = operator.option("axis") % len(shape)
    return ((*shape[:axis], *shape[axis + 1 :]),) * len(operator.outputs)


def _split(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts, 1)
    axis = facts.ints(operator.inputs[0])[0] % len(shape)
    n = len(operator.outputs)
    return ((*shape[:axis], shape[axis] // n, *shape[axis + 1 :]),) * n


def slice_ranges(operator: GraphOperator, facts: Facts) -> list[range | int]:
    """What a STRIDED_SLICE takes of every dimension; an int is a dimension that goes.

    Raises:
        UnknownShapeError: If it inserts dimensions, or its limits are not constant.
    """
    shape = _x(operator, facts)
    begin, end, step = (facts.ints(i) for i in operator.inputs[1:4])
    if operator.option("ellipsis_mask") or operator.option("new_axis_mask"):
        raise UnknownShapeError("STRIDED_SLICE inserts dimensions")
    taken: list[range | int] = []
    for axis, size in enumerate(shape):
        if axis >= len(begin):
            taken.append(range(size))
            continue
        first = None if operator.option("begin_mask") >> axis & 1 else begin[axis]
        last = None if operator.option("end_mask") >> axis & 1 else end[axis]
        if operator.option("shrink_axis_mask") >> axis & 1:
            taken.append(begin[axis] % size)
        else:
            taken.append(range(*slice(first, last, step[axis]).indices(size)))
    return taken


def _strided_slice(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    return (tuple(len(r) for r in slice_ranges(operator, facts) if isinstance(r, range)),)


def _slice(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    begin, size = facts.ints(operator.inputs[1]), facts.ints(operator.inputs[2])
    return (
        tuple(
            n - b if s == -1 else s
            for n, b, s in zip(_x(operator, facts), begin, size, strict=True)
        ),
    )


def _gather(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...] | None:
    if operator.option("batch_dims"):
        return None
    shape, indices = _x(operator, facts), _x(operator, facts, 1)
    axis = operator.option("axis") % len(shape)
    return ((*shape[:axis], *indices, *shape[axis + 1 :]),)


def _transpose(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    return (tuple(shape[axis] for axis in facts.ints(operator.inputs[1])),)


def _reduce(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    axes = {axis % len(shape) for axis in facts.ints(operator.inputs[1])}
    keeps = operator.option("keep_dims")
    return (tuple(1 if i in axes else n for i, n in enumerate(shape) if keeps or i not in axes),)


def _tile(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    counts = facts.ints(operator.inputs[1])
    return (tuple(n * k for n, k in zip(_x(operator, facts), counts, strict=True)),)


def _resize(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    shape = _x(operator, facts)
    return ((shape[0], *facts.ints(operator.inputs[1]), shape[3]),)


def _given(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    """The shape is the operator's constant input."""
    position = {"BROADCAST_TO": 1}.get(operator.op, 0)
    return (facts.ints(operator.inputs[position]),)


def _batch_matmul(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    left, right = _x(operator, facts), _x(operator, facts, 1)
    rows = left[-1] if operator.option("adj_x") else left[-2]
    columns = right[-2] if operator.option("adj_y") else right[-1]
    return ((*np.broadcast_shapes(left[:-2], right[:-2]), rows, columns),)


def _rank(operator: GraphOperator, facts: Facts) -> tuple[Shape, ...]:
    return ((),) if operator.op == "RANK" else ((len(_x(operator, facts)),),)


def _table(rules: Sequence[tuple[_Rule, str]]) -> dict[str, _Rule]:
    return {op: rule for rule, ops in rules for op in ops.split()}


_RULES = _table(
    (
        (
            _same,
            "RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LEAKY_RELU ELU LOGISTIC TANH HARD_SWISH GELU "
            "SOFTMAX LOG_SOFTMAX QUANTIZE DEQUANTIZE CAST ABS NEG EXP LOG SQRT RSQRT SQUARE SIN "
            "COS FLOOR CEIL ROUND LOGICAL_NOT ZEROS_LIKE L2_NORMALIZATION REVERSE_V2 CUMSUM SIGN",
        ),
        (
            _broadcast,
            "ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE POW FLOOR_DIV FLOOR_MOD EQUAL "
            "NOT_EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_OR PRELU "
            "SELECT_V2 ADD_N",
        ),
        (_conv, "CONV_2D DEPTHWISE_CONV_2D"),
        (_pool, "MAX_POOL_2D AVERAGE_POOL_2D"),
        (_fully_connected, "FULLY_CONNECTED"),
        (_reshape, "RESHAPE"),
        (_expand_dims, "EXPAND_DIMS"),
        (_squeeze, "SQUEEZE"),
        (_pad, "PAD PADV2"),
        (_space_to_batch, "SPACE_TO_BATCH_ND"),
        (_batch_to_space, "BATCH_TO_SPACE_ND"),
        (_concatenation, "CONCATENATION"),
        (_pack, "PACK"),
        (_unpack, "UNPACK"),
        (_split, "SPLIT"),
        (_strided_slice, "STRIDED_SLICE"),
        (_slice, "SLICE"),
        (_gather, "GATHER"),
        (_transpose, "TRANSPOSE"),
        (_reduce, "MEAN SUM REDUCE_PROD REDUCE_MAX REDUCE_MIN REDUCE_ANY REDUCE_ALL"),
        (_tile, "TILE"),
        (_resize, "RESIZE_NEAREST_NEIGHBOR RESIZE_BILINEAR"),
        (_given, "TRANSPOSE_CONV FILL BROADCAST_TO"),
        (_batch_matmul, "BATCH_MATMUL"),
        (_rank, "SHAPE RANK"),
    )
)
