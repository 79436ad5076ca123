"""FULLY_CONNECTED."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.compiled.ir import Call, Operand, Step, Struct, Table, Target
from tflm_gen.compiled.lowering.channels import Channels, read_channels
from tflm_gen.compiled.lowering.packing import dense_dsp_bias, pack_dense_dsp

if TYPE_CHECKING:
    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.model.records import OperatorSpec


def lower_fully_connected(graph: Graph, op: OperatorSpec) -> Step:
    """FULLY_CONNECTED with one scale, or one per output."""
    source, filter_tensor, out = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    graph.require_int8(op, source, filter_tensor, out)
    weights = graph.constant(op, filter_tensor, "weights")
    graph.require(weights.ndim == 2, op, f"its weights have {weights.ndim} dimensions")
    out_c, in_c = weights.shape
    graph.require(
        in_c > 0 and source.n_elements % in_c == 0,
        op,
        f"{source.n_elements} inputs for weights of {in_c}",
    )
    batches = source.n_elements // in_c
    graph.require(out.n_elements == batches * out_c, op, f"its output has shape {list(out.shape)}")
    channels = read_channels(
        graph,
        op,
        filter_tensor=filter_tensor,
        bias_tensor=graph.optional_input(op, 2),
        weights=weights,
        tensors=(source, out),
    )
    return Step(
        operators=(op.index,),
        op=op.op,
        inputs=graph.runtime_inputs(op, 0),
        outputs=op.outputs,
        calls=(_call(graph.target, op, channels, batches),),
    )


def _call(target: Target, op: OperatorSpec, channels: Channels, batches: int) -> Call:
    operands = (
        Operand(value_id=op.inputs[0]),
        Operand(value_id=op.outputs[0], is_output=True),
    )
    out_c, in_c = channels.weights.shape
    if target is Target.DSP and channels.is_fast:
        packed = pack_dense_dsp(channels.weights)
        return Call(
            kernel="tgk_fully_connected_s8_dsp",
            source="fully_connected_dsp.c",
            params_type="tgk_fully_connected_fast",
            params=Struct(
                members={
                    "batches": batches,
                    "in_c": in_c,
                    "out_c": out_c,
                    "act_min": channels.act_min,
                    "act_max": channels.act_max,
                    "k_words": -(-in_c // 4),
                    "weights": packed,
                    "channels": channels.fast_table(extra_bias=dense_dsp_bias(channels.weights)),
                }
            ),
            operands=operands,
        )
    is_vector = target is Target.MVE and channels.is_fast
    return Call(
        kernel="tgk_fully_connected_s8_mve" if is_vector else "tgk_fully_connected_s8",
        source="fully_connected_mve.c" if is_vector else "fully_connected.c",
        params_type="tgk_fully_connected",
        params=Struct(
            members={
                "batches": batches,
                "in_c": in_c,
                "out_c": out_c,
                "in_zero": channels.source.zero_point,
                "out_zero": channels.out.zero_point,
                "act_min": channels.act_min,
                "act_max": channels.act_max,
                "weights": Table(
                    role="weights",
                    c_type="int8_t",
                    rows=tuple(int(w) for w in channels.weights.reshape(-1)),
                ),
                "channels": channels.table(folded=is_vector),
            }
        ),
        operands=operands,
    )
