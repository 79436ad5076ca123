"""From a model's operators to kernel calls with all numbers resolved."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.compiled.ir import Program
from tflm_gen.compiled.lowering import conv, dense, depthwise, elementwise, movement, pool
from tflm_gen.compiled.lowering.fusion import fusable_pools, live_operators
from tflm_gen.compiled.lowering.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tflm_gen.compiled.ir import Step, Target, Tuning
    from tflm_gen.model.records import Model, OperatorSpec

# Operators that hand their input's bytes on: the output shares its memory.
_SAME_BYTES = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})

LOWERINGS: Mapping[str, Callable[[Graph, OperatorSpec], Step]] = MappingProxyType(
    {
        "CONV_2D": conv.lower_conv,
        "DEPTHWISE_CONV_2D": depthwise.lower_depthwise,
        "TRANSPOSE_CONV": conv.lower_transpose_conv,
        "FULLY_CONNECTED": dense.lower_fully_connected,
        "MAX_POOL_2D": pool.lower_pool,
        "AVERAGE_POOL_2D": pool.lower_pool,
        "MEAN": pool.lower_mean,
        "ADD": elementwise.lower_binary,
        "SUB": elementwise.lower_binary,
        "MUL": elementwise.lower_binary,
        "RELU": elementwise.lower_lookup,
        "RELU6": elementwise.lower_lookup,
        "RELU_N1_TO_1": elementwise.lower_lookup,
        "RELU_0_TO_1": elementwise.lower_lookup,
        "PRELU": elementwise.lower_binary,
        "LEAKY_RELU": elementwise.lower_lookup,
        "LOGISTIC": elementwise.lower_lookup,
        "TANH": elementwise.lower_lookup,
        "HARD_SWISH": elementwise.lower_lookup,
        "SOFTMAX": elementwise.lower_softmax,
        "QUANTIZE": elementwise.lower_quantize,
        "DEQUANTIZE": elementwise.lower_dequantize,
        "PAD": movement.lower_pad,
        "PADV2": movement.lower_pad,
        "CONCATENATION": movement.lower_concatenation,
        "SPLIT": movement.lower_split,
        "STRIDED_SLICE": movement.lower_strided_slice,
        "TRANSPOSE": movement.lower_transpose,
        "RESIZE_NEAREST_NEIGHBOR": movement.lower_resize_nearest,
    }
)

SUPPORTED_OPERATORS = frozenset(LOWERINGS) | _SAME_BYTES


def lower_model(model: Model, target: Target, tuning: Tuning) -> Program:
    """Chooses a kernel for every operator and resolves its numbers.

    Raises:
        NotCompilableError: Naming the first operator that the compiled engine does not carry.
    """
    graph = Graph(model, target, tuning)
    steps: list[Step] = []
    aliases: dict[int, int] = {}
    pools = fusable_pools(graph)
    fused = {op.index for op in pools.values()}
    for op in live_operators(graph):
        if op.index in fused:
            continue
        if op.op in _SAME_BYTES:
            if _may_alias(graph, op, aliases):
                aliases[op.outputs[0]] = op.inputs[0]
            else:
                steps.append(movement.copy_step(graph, op))
        elif op.index in pools:
            steps.append(conv.lower_conv(graph, op, pools[op.index]))
        elif op.op in LOWERINGS:
            steps.append(LOWERINGS[op.op](graph, op))
        else:
            graph.refuse(op, "the compiled engine does not have this operator")
    return _program(graph, target, tuple(steps), aliases)


def _may_alias(graph: Graph, op: OperatorSpec, aliases: Mapping[int, int]) -> bool:
    """Sharing memory is right unless an output of the model would be an input or a constant."""
    source, out = graph.input(op, 0), graph.output(op)
    graph.require(
        source.n_elements == out.n_elements and source.dtype == out.dtype,
        op,
        f"shapes {list(source.shape)} and {list(out.shape)}",
    )
    root = op.inputs[0]
    while root in aliases:
        root = aliases[root]
    held = root in graph.model.main.inputs or graph.tensors[root].is_constant
    return not (held and op.outputs[0] in graph.model.main.outputs)


def _program(
    graph: Graph, target: Target, steps: tuple[Step, ...], aliases: Mapping[int, int]
) -> Program:
    main = graph.model.main
    used = {*main.inputs, *main.outputs, *aliases, *aliases.values()}
    for step in steps:
        used.update(step.outputs)
        for call in step.calls:
            used.update(o.value_id for o in call.operands if o.value_id is not None)
    return Program(
        target=target,
        values={value_id: graph.value(value_id) for value_id in sorted(used)},
        steps=steps,
        inputs=main.inputs,
        outputs=main.outputs,
        aliases=aliases,
    )
