"""CONV_2D (alone, or with the MAX_POOL_2D behind it) and TRANSPOSE_CONV."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tflm_gen.compiled.ir import Call, Operand, Step, Struct, Target
from tflm_gen.compiled.lowering.channels import Channels, finish_members, read_channels
from tflm_gen.compiled.lowering.packing import (
    fits_pairs,
    pack_conv_dsp,
    pack_conv_mve,
    pack_pairs,
    pairs_bias,
    plain_weights,
)
from tflm_gen.compiled.lowering.window import Window, columns_elements, read_window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.compiled.ir import Field, Tuning
    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.model.records import OperatorSpec

# Scratch memory of a tile of windows: large enough to make its overhead small.
_DSP_TILE_BYTES = 768
_MVE_TILE_BYTES = 768
_MVE_TILES = (24, 12, 6)
_VECTOR_BYTES = 16
# Kernel widths of the kernel that does four products at once, and its outputs per tile.
_PAIR_TAPS = range(3, 9)
_PAIR_TILE = 6


def lower_conv(graph: Graph, op: OperatorSpec, pool: OperatorSpec | None = None) -> Step:
    """CONV_2D; ``pool`` is a 1 x 2 (or 2 x 1) maximum of its output that no one else reads."""
    source, filter_tensor = graph.input(op, 0), graph.input(op, 1)
    out = graph.output(op)
    graph.require_int8(op, source, filter_tensor, out)
    weights = graph.constant(op, filter_tensor, "weights")
    graph.require(weights.ndim == 4, op, "its weights are not four-dimensional")
    out_c, kernel_h, kernel_w, depth = weights.shape
    window = read_window(graph, op, (source, out), kernel=(kernel_h, kernel_w), out_c=out_c)
    graph.require(
        depth > 0 and window.in_c % depth == 0 and out_c % (window.in_c // depth) == 0,
        op,
        f"{window.in_c} input channels do not fit weights of depth {depth}",
    )
    channels = read_channels(
        graph,
        op,
        filter_tensor=filter_tensor,
        bias_tensor=graph.optional_input(op, 2),
        weights=weights.reshape(out_c, -1),
        tensors=(source, out),
    )
    call, scratch_bytes = _conv_call(
        graph, window.as_row(), channels, window.in_c // depth, 1 if pool is None else 2
    )
    last = op if pool is None else pool
    operands = (
        Operand(value_id=op.inputs[0]),
        Operand(value_id=last.outputs[0], is_output=True),
        *call.operands,
    )
    return Step(
        operators=(op.index,) if pool is None else (op.index, pool.index),
        op=op.op if pool is None else f"{op.op}+{pool.op}",
        inputs=graph.runtime_inputs(op, 0),
        outputs=last.outputs,
        calls=(replace(call, operands=operands),),
        scratch_bytes=scratch_bytes,
    )


def _conv_call(
    graph: Graph, window: Window, channels: Channels, groups: int, pool_w: int
) -> tuple[Call, int]:
    """Kernel, parameters and scratch bytes; operands hold the scratch pointer if there is one."""
    target = graph.target
    common: Mapping[str, Field] = {"window": window.struct(), "pool_w": pool_w}
    if target is Target.PORTABLE or groups != 1 or not channels.is_fast:
        call = Call(
            kernel="tgk_conv_s8",
            source="conv.c",
            params_type="tgk_conv",
            params=Struct(
                members={
                    **common,
                    "groups": groups,
                    **finish_members(channels),
                    "weights": plain_weights(channels.weights),
                    "channels": channels.table(folded=False),
                }
            ),
            operands=(),
        )
        return call, 0
    if target is Target.DSP:
        if _suits_pairs(window, channels, graph.tuning):
            return _conv_pairs(common, window, channels)
        return _conv_dsp(common, window, channels)
    return _conv_mve(common, window, channels, pool_w)


def _suits_pairs(window: Window, channels: Channels, tuning: Tuning) -> bool:
    macs = window.batches * window.out_w * channels.weights.size
    return (
        macs >= tuning.pairs_min_macs
        and window.is_signal
        and window.stride_w == 1
        and window.kernel_w in _PAIR_TAPS
        and window.out_w >= _PAIR_TILE
        and fits_pairs(channels.weights, window.kernel_w)
    )


def _conv_pairs(
    common: Mapping[str, Field], window: Window, channels: Channels
) -> tuple[Call, int]:
    """Four products to an instruction; see the kernel for the idea and the scratch memory."""
    taps = window.kernel_w
    j_words = (taps + 1) // 2
    x_words = _PAIR_TILE // 2 + j_words - 1
    members = finish_members(channels)
    del members["out_zero"]
    call = Call(
        kernel="tgk_conv_pairs_s8_dsp",
        source="conv_pairs_dsp.c",
        params_type="tgk_conv_pairs",
        params=Struct(
            members={
                **common,
                **members,
                "j_words": j_words,
                "weights": pack_pairs(channels.weights, taps),
                "channels": channels.fast_table(extra_bias=pairs_bias(window.out_c)),
            }
        ),
        operands=(Operand(value_id=None, c_type="int32_t"),),
    )
    scratch_bytes = 4 * window.out_c + (4 + 2) * window.in_c * x_words
    return call, scratch_bytes


def _conv_dsp(common: Mapping[str, Field], window: Window, channels: Channels) -> tuple[Call, int]:
    k = channels.weights.shape[1]
    k_padded = -(-k // 4) * 4
    tile = 2
    while (
        tile < window.out_w and 2 * columns_elements(window, k_padded, tile + 2) <= _DSP_TILE_BYTES
    ):
        tile += 2
    members = dict(finish_members(channels))
    del members["out_zero"]
    call = Call(
        kernel="tgk_conv_s8_dsp",
        source="conv_dsp.c",
        params_type="tgk_conv_fast",
        params=Struct(
            members={
                **common,
                **members,
                "tile": tile,
                "k_words": k_padded // 2,
                "weights": pack_conv_dsp(channels.weights),
                "channels": channels.fast_table(),
            }
        ),
        operands=(Operand(value_id=None, c_type="int16_t"),),
    )
    return call, 2 * columns_elements(window, k_padded, tile)


def _conv_mve(
    common: Mapping[str, Field], window: Window, channels: Channels, pool_w: int
) -> tuple[Call, int]:
    k = channels.weights.shape[1]
    k_padded = -(-k // _VECTOR_BYTES) * _VECTOR_BYTES
    tile = next(
        (t for t in _MVE_TILES if columns_elements(window, k_padded, t) <= _MVE_TILE_BYTES),
        6 if pool_w == 2 else 3,
    )
    sums_bytes = 4 * 2 * (-(-tile // 8) * 8)
    call = Call(
        kernel="tgk_conv_s8_mve",
        source="conv_mve.c",
        params_type="tgk_conv_mve",
        params=Struct(
            members={
                **common,
                **finish_members(channels),
                "tile": tile,
                "k_vectors": k_padded // _VECTOR_BYTES,
                "weights": pack_conv_mve(channels.weights),
                "channels": channels.table(folded=True, multiple=2),
            }
        ),
        operands=(Operand(value_id=None, c_type="int32_t"),),
    )
    return call, sums_bytes + columns_elements(window, k_padded, tile)


def lower_transpose_conv(graph: Graph, op: OperatorSpec) -> Step:
    """TRANSPOSE_CONV; the stored output shape counts, as in TFLM."""
    filter_tensor, source = graph.input(op, 1), graph.input(op, 2)
    out = graph.output(op)
    graph.require_int8(op, source, filter_tensor, out)
    weights = graph.constant(op, filter_tensor, "weights")
    graph.require(weights.ndim == 4 and len(out.shape) == 4, op, "it is not two-dimensional")
    out_c, kernel_h, kernel_w, in_c = weights.shape
    # The geometry of the convolution whose gradient this is: output and input change places.
    mirrored = read_window(graph, op, (out, source), kernel=(kernel_h, kernel_w), out_c=in_c)
    graph.require(out.shape[3] == out_c, op, f"{out_c} filters for {out.shape[3]} channels")
    channels = read_channels(
        graph,
        op,
        filter_tensor=filter_tensor,
        bias_tensor=graph.optional_input(op, 3),
        weights=weights.reshape(out_c, -1),
        tensors=(source, out),
    )
    window = replace(
        mirrored,
        in_h=mirrored.out_h,
        in_w=mirrored.out_w,
        in_c=in_c,
        out_h=mirrored.in_h,
        out_w=mirrored.in_w,
        out_c=out_c,
    )
    return Step(
        operators=(op.index,),
        op=op.op,
        inputs=graph.runtime_inputs(op, 2),
        outputs=op.outputs,
        calls=(
            Call(
                kernel="tgk_transpose_conv_s8",
                source="transpose_conv.c",
                params_type="tgk_transpose_conv",
                params=Struct(
                    members={
                        "window": window.struct(),
                        **finish_members(channels),
                        "weights": plain_weights(weights),
                        "channels": channels.table(folded=False),
                    }
                ),
                operands=(
                    Operand(value_id=op.inputs[2]),
                    Operand(value_id=op.outputs[0], is_output=True),
                ),
            ),
        ),
    )
