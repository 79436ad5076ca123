"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.compiled.ir import Call, Operand, Step, Struct, Target
from tflm_gen.compiled.lowering.channels import Channels, finish_members, read_channels
from tflm_gen.compiled.lowering.packing import pack_depthwise_dsp, plain_weights
from tflm_gen.compiled.lowering.window import Window, columns_elements, read_window

if TYPE_CHECKING:
    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.model.records import OperatorSpec

_TILE_BYTES = 768
# The fast kernels read four channels at a time, past the end of the last ones.
_OVERREAD_BYTES = 4


def lower_depthwise(graph: Graph, op: OperatorSpec) -> Step:
    """DEPTHWISE_CONV_2D with any depth multiplier."""
    source, filter_tensor = graph.input(op, 0), graph.input(op, 1)
    out = graph.output(op)
    graph.require_int8(op, source, filter_tensor, out)
    weights = graph.constant(op, filter_tensor, "weights")
    graph.require(
        weights.ndim == 4 and weights.shape[0] == 1, op, "its weights are not 1 x h x w x c"
    )
    _, kernel_h, kernel_w, out_c = weights.shape
    window = read_window(graph, op, (source, out), kernel=(kernel_h, kernel_w), out_c=out_c)
    graph.require(
        out_c % window.in_c == 0, op, f"{out_c} channels from {window.in_c} input channels"
    )
    channels = read_channels(
        graph,
        op,
        filter_tensor=filter_tensor,
        bias_tensor=graph.optional_input(op, 2),
        weights=weights.reshape(-1, out_c).T,
        tensors=(source, out),
    )
    data = (
        Operand(value_id=op.inputs[0]),
        Operand(value_id=op.outputs[0], is_output=True),
    )
    call, scratch_bytes = _call(graph.target, window.as_row(), channels, data)
    return Step(
        operators=(op.index,),
        op=op.op,
        inputs=graph.runtime_inputs(op, 0),
        outputs=op.outputs,
        calls=(call,),
        scratch_bytes=scratch_bytes,
    )


def _call(
    target: Target, window: Window, channels: Channels, data: tuple[Operand, Operand]
) -> tuple[Call, int]:
    if target is Target.PORTABLE or window.in_c != window.out_c or not channels.is_fast:
        params = Struct(
            members={
                "window": window.struct(),
                "depth_multiplier": window.out_c // window.in_c,
                **finish_members(channels),
                "weights": plain_weights(channels.weights.T),
                "channels": channels.table(folded=False),
            }
        )
        call = Call(
            kernel="tgk_depthwise_s8",
            source="depthwise.c",
            params_type="tgk_depthwise",
            params=params,
            operands=data,
        )
        return call, 0
    return _tiled_call(target, window, channels, data)


def _tiled_call(
    target: Target, window: Window, channels: Channels, data: tuple[Operand, Operand]
) -> tuple[Call, int]:
    elements = window.kernel_h * window.kernel_w * window.in_c
    tile = 1
    while tile < window.out_w and columns_elements(window, elements, tile + 1) <= _TILE_BYTES:
        tile += 1
    members = finish_members(channels)
    if target is Target.DSP:
        del members["out_zero"]
        weights, table = pack_depthwise_dsp(channels.weights), channels.fast_table()
    else:
        weights = plain_weights(channels.weights.T, extra=_OVERREAD_BYTES)
        table = channels.table(folded=True, multiple=4)
    is_dsp = target is Target.DSP
    call = Call(
        kernel="tgk_depthwise_s8_dsp" if is_dsp else "tgk_depthwise_s8_mve",
        source="depthwise_dsp.c" if is_dsp else "depthwise_mve.c",
        params_type="tgk_depthwise_fast" if is_dsp else "tgk_depthwise_mve",
        params=Struct(
            members={
                "window": window.struct(),
                **members,
                "tile": tile,
                "weights": weights,
                "channels": table,
            }
        ),
        operands=(*data, Operand(value_id=None)),
    )
    return call, columns_elements(window, elements, tile) + _OVERREAD_BYTES
