"""MAX_POOL_2D, AVERAGE_POOL_2D and MEAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.compiled.fixed_point import quantize_multiplier
from tflm_gen.compiled.ir import Call, Operand, Step, Struct, Target
from tflm_gen.compiled.lowering.strides import MAX_DIMS, contiguous_strides, pad_front
from tflm_gen.compiled.lowering.window import Window, read_window

if TYPE_CHECKING:
    from tflm_gen.compiled.ir import Field
    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.model.records import OperatorSpec

_KERNELS = {
    ("MAX_POOL_2D", Target.DSP): ("tgk_max_pool_s8_dsp", "max_pool_dsp.c"),
    ("MAX_POOL_2D", Target.MVE): ("tgk_max_pool_s8_mve", "max_pool_mve.c"),
    ("MAX_POOL_2D", Target.PORTABLE): ("tgk_max_pool_s8", "pool.c"),
}
_AVERAGE = ("tgk_average_pool_s8", "pool.c")


def read_pool_window(graph: Graph, op: OperatorSpec) -> Window:
    """The window of a pooling."""
    source, out = graph.input(op, 0), graph.output(op)
    kernel = (graph.integer(op, "filter_height", 0), graph.integer(op, "filter_width", 0))
    graph.require(len(source.shape) == 4, op, f"its input has {len(source.shape)} dimensions")
    return read_window(graph, op, (source, out), kernel=kernel, out_c=source.shape[3])


def lower_pool(graph: Graph, op: OperatorSpec) -> Step:
    """MAX_POOL_2D or AVERAGE_POOL_2D."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source, out)
    graph.same_quantization(op, source, out)
    window = read_pool_window(graph, op)
    act_min, act_max = graph.activation(op, graph.affine(op, out))
    kernel, source_file = _KERNELS.get((op.op, graph.target), _AVERAGE)
    # Without padding, an output never lies behind the inputs that are still to be read.
    may_overwrite = window.pad_h == window.pad_w == 0
    return Step(
        operators=(op.index,),
        op=op.op,
        inputs=graph.runtime_inputs(op, 0),
        outputs=op.outputs,
        calls=(
            Call(
                kernel=kernel,
                source=source_file,
                params_type="tgk_pool",
                params=Struct(
                    members={
                        "window": window.as_row().struct(),
                        "act_min": act_min,
                        "act_max": act_max,
                    }
                ),
                operands=(
                    Operand(value_id=op.inputs[0]),
                    Operand(value_id=op.outputs[0], is_output=True),
                ),
            ),
        ),
        in_place=graph.runtime_inputs(op, 0) if may_overwrite else (),
    )


def lower_mean(graph: Graph, op: OperatorSpec) -> Step:
    """MEAN over constant axes."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source, out)
    rank = len(source.shape)
    graph.require(0 < rank <= MAX_DIMS, op, f"its input has {rank} dimensions")
    axes = {int(a) for a in graph.constant(op, graph.input(op, 1), "axes").reshape(-1)}
    graph.require(all(-rank <= a < rank for a in axes), op, f"axes {sorted(axes)} of {rank}")
    reduced = {a % rank for a in axes}
    count = 1
    for axis in reduced:
        count *= source.shape[axis]
    graph.require(
        count > 0 and source.n_elements == count * out.n_elements,
        op,
        f"its output has shape {list(out.shape)}",
    )
    members = _mean_arithmetic(graph, op, count)
    strides = contiguous_strides(source.shape)
    kept = [i for i in range(rank) if i not in reduced]
    gone = sorted(reduced)
    return Step(
        operators=(op.index,),
        op=op.op,
        inputs=graph.runtime_inputs(op, 0),
        outputs=op.outputs,
        calls=(
            Call(
                kernel="tgk_mean_s8",
                source="mean.c",
                params_type="tgk_reduce",
                params=Struct(
                    members={
                        "kept_dims": pad_front([source.shape[i] for i in kept], 1),
                        "kept_strides": pad_front([strides[i] for i in kept], 0),
                        "reduced_dims": pad_front([source.shape[i] for i in gone], 1),
                        "reduced_strides": pad_front([strides[i] for i in gone], 0),
                        **members,
                    }
                ),
                operands=(
                    Operand(value_id=op.inputs[0]),
                    Operand(value_id=op.outputs[0], is_output=True),
                ),
            ),
        ),
    )


def _mean_arithmetic(graph: Graph, op: OperatorSpec, count: int) -> dict[str, Field]:
    """The scales' ratio and 1 / count in one multiplier, with TFLM's precision."""
    source = graph.affine(op, graph.input(op, 0))
    out = graph.affine(op, graph.output(op))
    members: dict[str, Field] = {
        "count": count,
        "in_zero": source.zero_point,
        "out_zero": out.zero_point,
    }
    factor = quantize_multiplier(source.scale / out.scale)
    # 1 / count joins the multiplier, as far to the left as the mantissa's bits allow.
    shift = min(count.bit_length() - 1, 32, 31 + factor.shift)
    mantissa = (factor.mantissa << shift) // count
    graph.require(255 * count < 2**31, op, f"{count} inputs per mean may not fit 32 bits")
    members |= {"multiplier": mantissa, "shift": factor.shift - shift}
    return members
