"""Checks of constant operands: axes, permutations, paddings, slices, and the shapes they make.

A kernel walks the tensors by these numbers without a look at the tensors' sizes. As with other
shapes, an operator with a dimension left open by the converter is not checked.
"""

from __future__ import annotations

import itertools
import math
from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.model.flatbuffer import fail_malformed
from tflm_gen.model.operand_values import OperandValues

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec


def check_operands(
    operator: OperatorSpec,
    subgraph: SubgraphSpec,
    model: Model,
    path: str,
    *,
    skips_open: bool = True,
) -> None:
    """Check one operator; the caller has checked indices, counts, types and options.

    Args:
        operator: The operator.
        subgraph: Where it is.
        model: For the constants.
        path: For messages.
        skips_open: Believe nothing of tensors with an open dimension.

    Raises:
        MalformedModelError: If a constant operand does not fit the tensors.
    """
    for name, value in operator.options.items():
        if isinstance(value, float) and not math.isfinite(value):
            fail_malformed(f"{path}: {name} is {value}")
    check = _CHECKS.get(operator.op)
    if check is None:
        return
    values = OperandValues(operator, subgraph, model)
    tensors = [tensor for tensor in (*values.inputs, *values.outputs) if tensor is not None]
    if skips_open and any(tensor.is_open for tensor in tensors):
        return
    # A scalar is filled by an empty list of dimensions.
    is_empty = values.source.n_elements == 0 and operator.op != "FILL"
    problem = "there are no elements" if is_empty else check(values)
    if problem:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in tensors)
        fail_malformed(f"{path}: {problem} (tensors {shapes})")


def _axes_in_range(axes: tuple[int, ...] | None, rank: int) -> str:
    wrong = [axis for axis in axes or () if not -max(1, rank) <= axis < max(1, rank)]
    return f"axis {wrong[0]} of {rank} dimensions" if wrong else ""


def _one_axis(values: OperandValues, position: int, rank: int) -> str:
    """A kernel takes the first number of the operand, whether it is there or not."""
    axes = values.numbers(position)
    return "its axis is missing" if axes == () else _axes_in_range(axes, rank)


def _same_shape_axis(values: OperandValues) -> str:
    if values.source.shape != values.result:
        return "the shape changes"
    if values.operator.op == "CUMSUM" and values.source.dtype != "float32":
        problem = _sum_scales(values)
        if problem:
            return problem
    return _one_axis(values, 1, len(values.source.shape))


def _expand_dims(values: OperandValues) -> str:
    return _one_axis(values, 1, len(values.source.shape) + 1)


def _split_axis(values: OperandValues) -> str:
    tensor = values.inputs[1]
    axes = values.numbers(0)
    if tensor is None or axes is None:
        return ""
    problem = _one_axis(values, 0, len(tensor.shape))
    if problem or not tensor.shape:
        return problem or "a scalar cannot be split"
    axis = axes[0] % len(tensor.shape)
    rest = tensor.shape[:axis] + tensor.shape[axis + 1 :]
    for output in values.outputs:
        if output.shape[:axis] + output.shape[axis + 1 :] != rest:
            return "the parts do not fit"
    return ""


def _split_v(values: OperandValues) -> str:
    axes, shape = values.numbers(2), values.source.shape
    problem = _one_axis(values, 2, len(shape))
    if problem or not axes:
        return problem
    axis = axes[0] % len(shape) if shape else 0
    total = sum(output.n_elements for output in values.outputs)
    if not shape or total != values.source.n_elements:
        return "the parts do not add up"
    rest = shape[:axis] + shape[axis + 1 :]
    fits = all(o.shape[:axis] + o.shape[axis + 1 :] == rest for o in values.outputs)
    return "" if fits else "the parts do not fit"


def _reduce(values: OperandValues) -> str:
    axes, shape = values.numbers(1), values.source.shape
    problem = _axes_in_range(axes, len(shape))
    if problem or axes is None:
        return problem
    reduced = {axis % max(1, len(shape)) for axis in axes}
    kept = math.prod(size for axis, size in enumerate(shape) if axis not in reduced)
    return "" if values.outputs[0].n_elements == kept else f"the output is not of {kept} elements"


def _arg(values: OperandValues) -> str:
    axes, shape = values.numbers(1), values.source.shape
    problem = _one_axis(values, 1, len(shape))
    if problem or not axes or not shape:
        return problem
    axis = axes[0] % len(shape)
    kept = values.source.n_elements // max(1, shape[axis])
    return "" if values.outputs[0].n_elements == kept else f"the output is not of {kept} elements"


def _transpose(values: OperandValues) -> str:
    order, shape = values.numbers(1), values.source.shape
    if order is None:
        return "" if len(shape) == len(values.result) else "the rank changes"
    axes = [axis + len(shape) if axis < 0 else axis for axis in order]
    if sorted(axes) != list(range(len(shape))):
        return f"{list(order)[:16]} is no order of {len(shape)} dimensions"
    wanted = tuple(shape[axis] for axis in axes)
    return "" if values.result == wanted else f"the output is not {list(wanted)}"


def _pad(values: OperandValues) -> str:
    pads, shape = values.numbers(1), values.source.shape
    if pads is None:
        return ""
    if len(pads) != 2 * len(shape) or min(pads, default=0) < 0:
        return f"paddings {list(pads)[:16]} of {len(shape)} dimensions"
    wanted = tuple(
        size + before + after
        for size, before, after in zip(shape, pads[::2], pads[1::2], strict=True)
    )
    return "" if values.result == wanted else f"the output is not {list(wanted)}"


def _mirror_pad(values: OperandValues) -> str:
    pads, shape = values.numbers(1), values.source.shape
    problem = _pad(values)
    if problem or pads is None:
        return problem
    shift = 0 if values.operator.options.get("mode") == "SYMMETRIC" else 1
    longest = zip(shape, pads[::2], pads[1::2], strict=True)
    fits = all(max(before, after) <= size - shift for size, before, after in longest)
    return "" if fits else "there is less to mirror than the padding takes"


def _slice(values: OperandValues) -> str:
    begin, size, shape = values.numbers(1), values.numbers(2), values.source.shape
    if begin is None or size is None:
        return "" if len(values.result) == len(shape) else "the rank changes"
    if not len(begin) == len(size) == len(shape) == len(values.result):
        return "begin and size are not of the input's dimensions"
    for axis, (first, count) in enumerate(zip(begin, size, strict=True)):
        taken = shape[axis] - first if count == -1 else count
        if first < 0 or taken < 0 or first + taken > shape[axis] or values.result[axis] != taken:
            return f"dimension {axis}: {count} from {first} on"
    return ""


def _strided_slice(values: OperandValues) -> str:
    operands = [values.numbers(position) for position in (1, 2, 3)]
    steps = operands[2]
    if steps is not None and 0 in steps:
        return "a stride is 0"
    counts = {len(numbers) for numbers in operands if numbers is not None}
    if counts - {len(values.source.shape)} and values.option("new_axis_mask") == 0:
        return "begin, end and strides are not of the input's dimensions"
    if values.outputs[0].n_elements > values.source.n_elements:
        return "more comes out than goes in"
    return ""


def _gather(values: OperandValues) -> str:
    axis, shape = values.option("axis"), values.source.shape
    problem = _axes_in_range((axis,), len(shape))
    indices = values.inputs[1]
    if problem or indices is None or not shape:
        return problem or "there is nothing to gather from"
    axis %= len(shape)
    lead = values.option("batch_dims")
    if not 0 <= lead <= min(axis, len(indices.shape)):
        return f"batch_dims is {lead}"
    wanted = shape[:axis] + indices.shape[lead:] + shape[axis + 1 :]
    numbers = values.numbers(1)
    if numbers and not 0 <= min(numbers) <= max(numbers) < shape[axis]:
        return f"index {min(numbers)} or {max(numbers)} of {shape[axis]}"
    n_wanted = math.prod(wanted)
    return "" if values.outputs[0].n_elements == n_wanted else f"the output is not {list(wanted)}"


def _gather_nd(values: OperandValues) -> str:
    indices, shape = values.inputs[1], values.source.shape
    if indices is None or not indices.shape:
        return "its indices are a scalar"
    depth = indices.shape[-1]
    if not 1 <= depth <= len(shape):
        return f"indices of {depth} numbers for {len(shape)} dimensions"
    wanted = math.prod(indices.shape[:-1]) * math.prod(shape[depth:])
    if values.outputs[0].n_elements != wanted:
        return f"the output is not of {wanted} elements"
    for at, number in enumerate(values.numbers(1) or ()):
        if not 0 <= number < shape[at % depth]:
            return f"index {number} of {shape[at % depth]}"
    return ""


def _update_slice(values: OperandValues) -> str:
    update, starts, shape = values.inputs[1], values.inputs[2], values.source.shape
    if update is None or starts is None or len(update.shape) != len(shape):
        return "the update is not of the input's dimensions"
    fits = all(small <= large for small, large in zip(update.shape, shape, strict=True))
    is_right = fits and starts.n_elements == len(shape) and values.result == shape
    return "" if is_right else "the update does not fit"


def _broadcast_args(values: OperandValues) -> str:
    pairs = list(itertools.zip_longest(*(reversed(values.numbers(at) or ()) for at in (0, 1))))
    fits = all(one == other or None in (one, other) or 1 in (one, other) for one, other in pairs)
    return "" if fits else "the shapes do not broadcast"


def _lookup(values: OperandValues) -> str:
    table = values.inputs[1]
    if table is None or not table.shape or 0 in table.shape:
        return "there is no table"
    wanted = values.source.n_elements * math.prod(table.shape[1:])
    if values.outputs[0].n_elements != wanted:
        return f"the output is not of {wanted} elements"
    rows = values.numbers(0) or (0,)
    fits = 0 <= min(rows) <= max(rows) < table.shape[0]
    return "" if fits else f"row {min(rows)} or {max(rows)} of {table.shape[0]}"


def _fill(values: OperandValues) -> str:
    wanted = values.numbers(0)
    fits = wanted is None or tuple(wanted) == values.result
    return "" if fits else f"the output is not {list(wanted or ())[:16]}"


def _broadcast_to(values: OperandValues) -> str:
    wanted, shape = values.numbers(1), values.source.shape
    if wanted is not None and tuple(wanted) != values.result:
        return f"the output is not {list(wanted)[:16]}"
    if len(shape) > len(values.result):
        return "the output has fewer dimensions"
    pairs = zip(shape, values.result[len(values.result) - len(shape) :], strict=True)
    return "" if all(old in (1, new) for old, new in pairs) else "the shapes do not broadcast"


def _resize(values: OperandValues) -> str:
    size, shape = values.numbers(1), values.source.shape
    if len(shape) != 4 or len(values.result) != 4 or values.source.n_elements == 0:
        return "not 4-D"
    if size is not None and tuple(size) != values.result[1:3]:
        return f"the output is not of {list(size)[:4]}"
    same = shape[0] == values.result[0] and shape[3] == values.result[3]
    return "" if same else "batch or channels change"


def _block_size(values: OperandValues) -> str:
    shape, result, block = values.source.shape, values.result, values.option("block_size")
    if len(shape) != 4 or len(result) != 4:
        return "not 4-D"
    small, large = (result, shape) if values.operator.op == "SPACE_TO_DEPTH" else (shape, result)
    wanted = (small[0], small[1] * block, small[2] * block)
    fits = large[:3] == wanted and small[3] == large[3] * block * block
    return "" if fits else f"the shapes do not fit block size {block}"


def _blocks(values: OperandValues) -> str:
    """SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND; stored batches are wrong in many files."""
    shape, result, block = values.source.shape, values.result, values.numbers(1)
    if len(shape) != len(result) or len(shape) not in (3, 4):
        return "not 3-D or 4-D"
    if block is None:
        return ""
    if len(block) != len(shape) - 2 or min(block, default=1) < 1:
        return f"block {list(block)[:4]} of {len(shape)} dimensions"
    margins = values.numbers(2)
    if margins is None or len(margins) != 2 * len(block) or min(margins) < 0:
        return "" if margins is None else f"paddings or crops {list(margins)[:8]}"
    wide, narrow = (shape, result) if values.operator.op.startswith("SPACE") else (result, shape)
    for axis, step in enumerate(block):
        margin = margins[2 * axis] + margins[2 * axis + 1]
        if wide[1 + axis] + margin != narrow[1 + axis] * step:
            return f"dimension {1 + axis} does not fit block {step}"
    return "" if shape[-1] == result[-1] else "the channels change"


def _softmax_scale(values: OperandValues) -> str:
    """The scaled logits become a fixed-point number with 26 fractional bits, and not zero."""
    quantization = values.source.quantization
    if quantization is None or values.source.dtype == "float32":
        return ""
    beta = values.operator.options.get("beta", 1.0)
    factor = quantization.scales[0] * (beta if isinstance(beta, float) else 1.0) * 2.0**26
    return "" if 1.0 < factor < 2.0**57 else f"input scale {quantization.scales[0]:.3g}"


def _sum_scales(values: OperandValues) -> str:
    """ADD and SUB bring both operands to twice the larger scale, 20 bits up (15 for int16)."""
    operands = values.inputs[:1] if values.operator.op == "CUMSUM" else values.inputs[:2]
    tensors = [*operands, values.outputs[0]]
    if values.source.dtype not in ("int8", "uint8", "int16"):
        return ""
    scales = [t.quantization.scales[0] for t in tensors if t is not None and t.quantization]
    if len(scales) < len(tensors) or 0.0 in scales:
        return "a scale is missing"
    bits = 15 if values.source.dtype == "int16" else 20
    *before, after = scales
    is_right = 2 * max(before) < after * 2.0**bits
    return "" if is_right else f"output scale {after:.3g} for input scale {max(before):.3g}"


def _transpose_conv(values: OperandValues) -> str:
    wanted = values.numbers(0)
    if wanted is not None and tuple(wanted) != values.result:
        return f"the output is not {list(wanted)[:8]}"
    return ""


_CHECKS_BY_NAMES: tuple[tuple[Callable[[OperandValues], str], str], ...] = (
    (_same_shape_axis, "CUMSUM REVERSE_V2"),
    (_expand_dims, "EXPAND_DIMS"),
    (_split_axis, "SPLIT"),
    (_split_v, "SPLIT_V"),
    (_reduce, "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL"),
    (_arg, "ARG_MAX ARG_MIN"),
    (_transpose, "TRANSPOSE"),
    (_pad, "PAD PADV2"),
    (_mirror_pad, "MIRROR_PAD"),
    (_slice, "SLICE"),
    (_strided_slice, "STRIDED_SLICE"),
    (_gather, "GATHER"),
    (_gather_nd, "GATHER_ND"),
    (_update_slice, "DYNAMIC_UPDATE_SLICE"),
    (_lookup, "EMBEDDING_LOOKUP"),
    (_fill, "FILL"),
    (_broadcast_args, "BROADCAST_ARGS"),
    (_broadcast_to, "BROADCAST_TO"),
    (_resize, "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR"),
    (_block_size, "SPACE_TO_DEPTH DEPTH_TO_SPACE"),
    (_blocks, "SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND"),
    (_transpose_conv, "TRANSPOSE_CONV"),
    (_softmax_scale, "SOFTMAX LOG_SOFTMAX"),
    (_sum_scales, "ADD SUB SQUARED_DIFFERENCE"),
)
_CHECKS = MappingProxyType({op: check for check, names in _CHECKS_BY_NAMES for op in names.split()})
