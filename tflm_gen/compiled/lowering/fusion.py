"""Which operators run at all, and which run together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tflm_gen.errors import NotCompilableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.compiled.lowering.graph import Graph
    from tflm_gen.model.records import OperatorSpec

# Inputs that only say a shape the file also stores with the output.
_SHAPE_INPUTS: Mapping[str, tuple[int, ...]] = {
    "RESHAPE": (1,),
    "EXPAND_DIMS": (1,),
    "TRANSPOSE_CONV": (0,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
}


def data_inputs(op: OperatorSpec) -> tuple[int, ...]:
    """Tensors whose data the operator reads when it runs."""
    skipped = _SHAPE_INPUTS.get(op.op, ())
    return tuple(t for i, t in enumerate(op.inputs) if t >= 0 and i not in skipped)


def live_operators(graph: Graph) -> tuple[OperatorSpec, ...]:
    """The operators that outputs depend on, in the model's order.

    Shape arithmetic in front of a RESHAPE is none of them.

    Raises:
        NotCompilableError: If the model has variables or operators that call subgraphs.
    """
    main = graph.model.main
    for tensor in main.tensors:
        if tensor.is_variable:
            raise NotCompilableError(
                f"tensor {tensor.index} ({tensor.name!r}) is a variable",
                hint="TFLM's interpreter keeps state: build with --engine tflm.",
            )
    needed = set(main.outputs)
    live = []
    for op in reversed(main.operators):
        if needed.intersection(op.outputs):
            live.append(op)
            needed.update(data_inputs(op))
    return tuple(reversed(live))


def fusable_pools(graph: Graph) -> dict[int, OperatorSpec]:
    """MAX_POOL_2D operators that run inside the CONV_2D before them, by that one's index.

    Finishing a sum never puts a larger sum below a smaller one, so the maximum may be taken of
    the raw sums. This holds for a window of 1 x 2 (2 x 1 along a column) without padding or an
    activation of its own.
    """
    main = graph.model.main
    producers = {output: op for op in main.operators for output in op.outputs}
    readers = Counter(t for op in main.operators for t in data_inputs(op))
    pools = {}
    for op in main.operators:
        if op.op != "MAX_POOL_2D" or len(op.inputs) != 1:
            continue
        conv = producers.get(op.inputs[0])
        if conv is None or conv.op != "CONV_2D":
            continue
        alone = readers[op.inputs[0]] == 1 and op.inputs[0] not in main.outputs
        if alone and _halves_a_row(graph, op, conv):
            pools[conv.index] = op
    return pools


def _halves_a_row(graph: Graph, op: OperatorSpec, conv: OperatorSpec) -> bool:
    source, out = graph.input(op, 0), graph.output(op)
    if len(source.shape) != 4 or source.dtype != "int8" or source.quantization != out.quantization:
        return False
    if op.options.get("fused_activation_function") != "NONE":
        return False
    batches, height, width, channels = source.shape
    kernel = (op.options.get("filter_height"), op.options.get("filter_width"))
    strides = (op.options.get("stride_h"), op.options.get("stride_w"))
    along_row = kernel == (1, 2) and strides == (1, 2)
    if along_row and out.shape == (batches, height, width // 2, channels):
        return True
    # A column counts as a row where the convolution runs along a column too.
    conv_widths = [graph.input(conv, i).shape[2:3] for i in (0, 1)]
    is_column = width == 1 and conv_widths == [(1,), (1,)]
    along_column = kernel == (2, 1) and strides == (2, 1) and is_column
    return along_column and out.shape == (batches, height // 2, 1, channels)
