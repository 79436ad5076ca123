"""Operators that treat every element alike: tables, ADD, SUB, MUL, PRELU, SOFTMAX, QUANTIZE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.compiled import tables
from tflm_gen.compiled.fixed_point import quantize_multiplier
from tflm_gen.compiled.ir import Call, Operand, Step, Struct, Table
from tflm_gen.compiled.lowering.strides import (
    MAX_DIMS,
    contiguous_strides,
    merge_axes,
    pad_front,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.compiled.ir import Field
    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.compiled.tables import Affine
    from tflm_gen.model.records import OperatorSpec

# ADD and SUB shift their operands left by so many bits first.
_GUARD_BITS = 20


def _unary_step(
    graph: Graph, op: OperatorSpec, call: tuple[str, str, str], params: Struct, types: Sequence[str]
) -> Step:
    kernel, source, params_type = call
    return Step(
        operators=(op.index,),
        op=op.op,
        inputs=graph.runtime_inputs(op, 0),
        outputs=op.outputs,
        calls=(
            Call(
                kernel=kernel,
                source=source,
                params_type=params_type,
                params=params,
                operands=(
                    Operand(value_id=op.inputs[0], c_type=types[0]),
                    Operand(value_id=op.outputs[0], c_type=types[1], is_output=True),
                ),
            ),
        ),
        in_place=graph.runtime_inputs(op, 0) if types[0] == types[1] else (),
    )


def lower_lookup(graph: Graph, op: OperatorSpec) -> Step:
    """Any int8 function of one variable."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source, out)
    graph.require(source.n_elements == out.n_elements, op, "input and output differ in size")
    table = _table_of(graph, op, graph.affine(op, source), graph.affine(op, out))
    if table is None:
        graph.refuse(op, "TFLM refuses these scales")
    params = Struct(
        members={
            "count": source.n_elements,
            "table": Table(role="table", c_type="int8_t", rows=table),
        }
    )
    return _unary_step(
        graph,
        op,
        ("tgk_lookup_s8", "lookup.c", "tgk_lookup"),
        params,
        ("int8_t", "int8_t"),
    )


def _table_of(
    graph: Graph, op: OperatorSpec, source: Affine, out: Affine
) -> tuple[int, ...] | None:
    match op.op:
        case "LOGISTIC":
            _require_affine(graph, op, out, 1 / 256, -128)
            return tables.logistic_table(source)
        case "TANH":
            _require_affine(graph, op, out, 1 / 128, 0)
            return tables.tanh_table(source)
        case "HARD_SWISH":
            return tables.hard_swish_table(source, out)
        case "RELU":
            return tables.relu_table(source, out)
        case "RELU_N1_TO_1":
            return tables.relu_table(source, out, -1.0, 1.0)
        case "RELU_0_TO_1":
            return tables.relu_table(source, out, 0.0, 1.0)
        case "RELU6":
            return tables.relu6_table(source)
        case "LEAKY_RELU":
            alpha = op.options.get("alpha", 0.0)
            return tables.leaky_relu_table(
                source, out, float(alpha) if isinstance(alpha, int | float) else 0.0
            )
        case _:
            return tables.requantize_table(source, out)


def _require_affine(
    graph: Graph, op: OperatorSpec, out: Affine, scale: float, zero_point: int
) -> None:
    graph.require(
        out.scale == scale and out.zero_point == zero_point,
        op,
        f"its output needs scale {scale:g} and zero point {zero_point}, "
        f"not {out.scale:g} and {out.zero_point}",
    )


def lower_quantize(graph: Graph, op: OperatorSpec) -> Step:
    """QUANTIZE from float32, or from int8 to another int8."""
    source, out = graph.input(op, 0), graph.output(op)
    if source.dtype == "int8":
        return lower_lookup(graph, op)
    graph.require(source.dtype == "float32", op, f"its input is {source.dtype}")
    graph.require_int8(op, out)
    return _float_step(graph, op, graph.affine(op, out), "tgk_quantize_f32_s8")


def lower_dequantize(graph: Graph, op: OperatorSpec) -> Step:
    """DEQUANTIZE to float32."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source)
    graph.require(out.dtype == "float32", op, f"its output is {out.dtype}")
    return _float_step(graph, op, graph.affine(op, source), "tgk_dequantize_s8_f32")


def _float_step(graph: Graph, op: OperatorSpec, affine: Affine, kernel: str) -> Step:
    source, out = graph.input(op, 0), graph.output(op)
    graph.require(source.n_elements == out.n_elements, op, "input and output differ in size")
    params = Struct(
        members={
            "count": source.n_elements,
            "zero_point": affine.zero_point,
            "scale": float(affine.scale),
        }
    )
    types = ("float", "int8_t") if source.dtype == "float32" else ("int8_t", "float")
    return _unary_step(graph, op, (kernel, "quantize.c", "tgk_quantize"), params, types)


def lower_softmax(graph: Graph, op: OperatorSpec) -> Step:
    """SOFTMAX over the last dimension."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require_int8(op, source, out)
    graph.require(source.shape == out.shape and len(source.shape) > 0, op, "shapes differ")
    _require_affine(graph, op, graph.affine(op, out), 1 / 256, -128)
    beta = op.options.get("beta", 1.0)
    depth = source.shape[-1]
    # The sum of exponentials has 12 integer bits, one of them the sign.
    graph.require(0 < depth < 2048, op, f"rows of {depth} do not fit the sum of exponentials")
    exponentials = tables.softmax_exponentials(
        graph.affine(op, source), float(beta) if isinstance(beta, int | float) else 1.0
    )
    params = Struct(
        members={
            "rows": source.n_elements // depth,
            "depth": depth,
            "exponential_count": len(exponentials),
            "exponentials": Table(role="exponentials", c_type="int32_t", rows=exponentials),
        }
    )
    return _unary_step(
        graph,
        op,
        ("tgk_softmax_s8", "softmax.c", "tgk_softmax"),
        params,
        ("int8_t", "int8_t"),
    )


# --- ADD, SUB, MUL, PRELU ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operands:
    a: Affine
    b: Affine
    out: Affine


def _sum_factors(o: _Operands) -> dict[str, Field]:
    """Both operands scaled to twice the larger scale, then the sum to the output's."""
    twice_max = 2.0 * max(o.a.scale, o.b.scale)
    a = quantize_multiplier(o.a.scale / twice_max)
    b = quantize_multiplier(o.b.scale / twice_max)
    out = quantize_multiplier(twice_max / (2.0**_GUARD_BITS * o.out.scale))
    return {
        "a_multiplier": a.mantissa,
        "a_shift": a.shift,
        "b_multiplier": b.mantissa,
        "b_shift": b.shift,
        "out_multiplier": out.mantissa,
        "out_shift": out.shift,
    }


def _product_factors(o: _Operands) -> dict[str, Field]:
    out = quantize_multiplier(o.a.scale * o.b.scale / o.out.scale)
    return {
        "a_multiplier": 0,
        "a_shift": 0,
        "b_multiplier": 0,
        "b_shift": 0,
        "out_multiplier": out.mantissa,
        "out_shift": out.shift,
    }


def _prelu_factors(o: _Operands) -> dict[str, Field]:
    positive = quantize_multiplier(o.a.scale / o.out.scale)
    return {
        **_product_factors(o),
        "a_multiplier": positive.mantissa,
        "a_shift": positive.shift,
    }


_FACTORS = {
    "ADD": _sum_factors,
    "SUB": _sum_factors,
    "MUL": _product_factors,
    "PRELU": _prelu_factors,
}


def _broadcast_strides(shape: Sequence[int], out_shape: Sequence[int]) -> list[int] | None:
    """Strides with 0 where the operand repeats; None if the shapes do not fit."""
    padded = [1] * (len(out_shape) - len(shape)) + list(shape)
    if len(shape) > len(out_shape):
        return None
    if any(size not in (1, out) for size, out in zip(padded, out_shape, strict=True)):
        return None
    strides = contiguous_strides(padded)
    return [0 if size == 1 else stride for size, stride in zip(padded, strides, strict=True)]


def lower_binary(graph: Graph, op: OperatorSpec) -> Step:
    """ADD, SUB, MUL or PRELU with broadcasting."""
    a, b, out = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    graph.require_int8(op, a, b, out)
    graph.require(len(out.shape) <= MAX_DIMS, op, f"it has {len(out.shape)} dimensions")
    a_strides = _broadcast_strides(a.shape, out.shape)
    b_strides = _broadcast_strides(b.shape, out.shape)
    if a_strides is None or b_strides is None:
        graph.refuse(op, f"shapes {list(a.shape)} and {list(b.shape)} give {list(out.shape)}")
    operands = _Operands(a=graph.affine(op, a), b=graph.affine(op, b), out=graph.affine(op, out))
    factors = _FACTORS[op.op](operands)
    out_shift = factors["out_shift"]
    graph.require(
        op.op not in ("ADD", "SUB") or (isinstance(out_shift, int) and out_shift <= 0),
        op,
        "TFLM refuses an output scale this small",
    )
    dims, a_merged, b_merged = merge_axes(out.shape, a_strides, b_strides)
    act_min, act_max = graph.activation(op, operands.out)
    name = op.op.lower()
    return Step(
        operators=(op.index,),
        op=op.op,
        inputs=graph.runtime_inputs(op, 0, 1),
        outputs=op.outputs,
        calls=(
            Call(
                kernel=f"tgk_{name}_s8",
                source="prelu.c" if op.op == "PRELU" else "binary.c",
                params_type="tgk_binary",
                params=Struct(
                    members={
                        "dims": pad_front(dims, 1),
                        "a_strides": pad_front(a_merged, 0),
                        "b_strides": pad_front(b_merged, 0),
                        "a_zero": operands.a.zero_point,
                        "b_zero": operands.b.zero_point,
                        "out_zero": operands.out.zero_point,
                        "act_min": act_min,
                        "act_max": act_max,
                        **factors,
                    }
                ),
                operands=(
                    Operand(value_id=op.inputs[0]),
                    Operand(value_id=op.inputs[1]),
                    Operand(value_id=op.outputs[0], is_output=True),
                ),
            ),
        ),
        # An operand that is not repeated is read where the output is written.
        in_place=tuple(
            tensor.index
            for tensor in (a, b)
            if tensor.shape == out.shape and not tensor.is_constant
        ),
    )
