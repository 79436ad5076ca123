"""What converters leave in a file: shapes of operators that cost time, bytes, or correctness.

Each ``_find_*`` looks for one thing and returns what it found; ``find_all`` runs them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from tflm_gen.inspection.float_models import find_float_model, find_unset_variables
from tflm_gen.inspection.hardware_tiers import MCU_MODEL_LIMIT_BYTES
from tflm_gen.inspection.precision import model_precision
from tflm_gen.inspection.records import Finding
from tflm_gen.model.dtypes import DTYPE_BITS
from tflm_gen.model.unused import has_archive
from tflm_gen.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec

_WIDENED = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D", "TRANSPOSE_CONV"}
)
_RESOURCE_OPS = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"})
_STATEFUL_OPS = frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"})
_UNROLLED_OPERATORS = 200
# Block dimensions of SPACE_TO_BATCH_ND that kernels handle.
_MAX_BLOCK = 4
_LENGTH_HINT = "Convert with every dimension fixed: batch 1, and the length of a window."
_BATCH_1_HINT = "Convert with the batch fixed to 1 (an input signature of shape [1, ...])."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """An operator in its subgraph."""

    operator: OperatorSpec
    subgraph: SubgraphSpec

    @property
    def place(self) -> tuple[int, int]:
        return self.subgraph.index, self.operator.index


def find_all(model: Model) -> tuple[Finding, ...]:
    """Every finding about a model, warnings first."""
    found = [finding for search in _SEARCHES for finding in search(model)]
    return tuple(sorted(found, key=lambda finding: not finding.is_warning))


def _uses(model: Model, *ops: str) -> list[_Use]:
    return [
        _Use(operator=operator, subgraph=subgraph)
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        if operator.op in ops
    ]


def _followed_by(model: Model, op: str, readers: frozenset[str]) -> list[_Use]:
    """Uses of an operator whose output goes into one of the readers."""
    read = {
        (use.subgraph.index, index)
        for use in _uses(model, *readers)
        for index in use.operator.inputs
    }
    return [
        use
        for use in _uses(model, op)
        if any((use.subgraph.index, index) in read for index in use.operator.outputs)
    ]


def _places(uses: list[_Use]) -> tuple[tuple[int, int], ...]:
    return tuple(use.place for use in uses)


def _has_open_batch(model: Model) -> bool:
    return any(
        tensor.shape_signature and tensor.shape_signature[0] == -1 for tensor in model.inputs
    )


def _find_open_batch(model: Model) -> Iterator[Finding]:
    for position, tensor in enumerate(model.inputs):
        signature = tensor.shape_signature
        if signature and -1 in signature:
            yield Finding(
                code="open-shape",
                is_warning=False,
                message=f"input {position} has shape {list(signature)} in its signature; "
                f"TFLM always runs the stored {list(tensor.shape)}",
                hint=_BATCH_1_HINT if -1 not in signature[1:] else _LENGTH_HINT,
            )


def _find_expand_dims(model: Model) -> Iterator[Finding]:
    uses = _followed_by(model, "EXPAND_DIMS", _WIDENED)
    if uses:
        yield Finding(
            code="expand-dims",
            is_warning=False,
            message=f"{len(uses)} EXPAND_DIMS before convolutions or pools (1-D layers of a model "
            "with an open batch); each copies its input",
            hint=_BATCH_1_HINT,
            operators=_places(uses),
        )


def _find_shape_chain(model: Model) -> Iterator[Finding]:
    uses = _uses(model, "SHAPE")
    if uses:
        yield Finding(
            code="shape-chain",
            is_warning=False,
            message=f"{len(uses)} SHAPE operators compute a shape at run time "
            "(SHAPE, STRIDED_SLICE, PACK before a RESHAPE)",
            hint=_BATCH_1_HINT,
            operators=_places(uses),
        )


def _find_space_to_batch(model: Model) -> Iterator[Finding]:
    uses = _uses(model, "SPACE_TO_BATCH_ND")
    wrong = [use for use in uses if not _has_true_batch(model, use)]
    if wrong:
        yield Finding(
            code="space-to-batch-shape",
            is_warning=True,
            message=f"{len(wrong)} SPACE_TO_BATCH_ND operators store a batch that is not input "
            "batch times block (a dilated convolution of a model with an open batch): TFLM trusts "
            "the stored shape and computes wrong outputs without an error",
            hint=_BATCH_1_HINT,
            operators=_places(wrong),
        )
    elif uses:
        yield Finding(
            code="space-to-batch",
            is_warning=_has_open_batch(model),
            message=f"{len(uses)} dilated convolutions run as SPACE_TO_BATCH_ND, CONV_2D, "
            "BATCH_TO_SPACE_ND",
            hint=_BATCH_1_HINT + " Then dilation is an option of CONV_2D.",
            operators=_places(uses),
        )


def _has_true_batch(model: Model, use: _Use) -> bool:
    """The stored output batch is what the block makes of the input's; True if unknown."""
    tensors = use.subgraph.tensors
    source, block = (tensors[index] for index in use.operator.inputs[:2])
    output = tensors[use.operator.outputs[0]]
    is_known = block.dtype == "int32" and block.is_constant and block.n_elements <= _MAX_BLOCK
    if not (source.shape and output.shape and is_known):
        return True
    data = model.constant_data(block)
    ends = range(4, 4 * block.n_elements + 1, 4)
    steps = [int.from_bytes(data[end - 4 : end], "little") for end in ends]
    return output.shape[0] == source.shape[0] * prod(steps)


def _find_conversion_pairs(model: Model) -> Iterator[Finding]:
    uses = _followed_by(model, "DEQUANTIZE", frozenset({"QUANTIZE"}))
    if uses:
        yield Finding(
            code="dequantize-quantize",
            is_warning=False,
            message=f"{len(uses)} DEQUANTIZE go straight into a QUANTIZE",
            hint="Quantize the whole model at once, so that no float tensor is left between.",
            operators=_places(uses),
        )


def _find_float_io(model: Model) -> Iterator[Finding]:
    ops = {operator.op for operator in model.main.operators}
    if not ops & {"QUANTIZE", "DEQUANTIZE"} or model_precision(model) == "float16":
        return
    floats = [t for t in (*model.inputs, *model.outputs) if t.dtype == "float32"]
    if floats:
        yield Finding(
            code="float-io",
            is_warning=False,
            message=f"{len(floats)} inputs or outputs are float32, and are converted on the device",
            hint="Set inference_input_type and inference_output_type of the converter to int8.",
        )


def _find_softmax_scale(model: Model) -> Iterator[Finding]:
    uses = []
    for use in _uses(model, "SOFTMAX", "LOGISTIC"):
        output = use.subgraph.tensors[use.operator.outputs[0]]
        quant = output.quantization
        if output.dtype == "int8" and quant is not None:
            exact = quant.scales == (1 / 256,) and quant.zero_points == (-128,)
            uses += [] if exact else [use]
    if uses:
        yield Finding(
            code="softmax-scale",
            is_warning=True,
            message=f"{len(uses)} SOFTMAX or LOGISTIC outputs do not have scale 1/256 and zero "
            "point -128, which int8 kernels take for granted",
            hint="Convert again; an edited file or an old converter writes such scales.",
            operators=_places(uses),
        )


def _find_per_channel_dense(model: Model) -> Iterator[Finding]:
    uses = []
    for use in _uses(model, "FULLY_CONNECTED"):
        weights = use.operator.inputs[1] if len(use.operator.inputs) > 1 else -1
        quant = use.subgraph.tensors[weights].quantization if weights >= 0 else None
        uses += [use] if quant is not None and len(quant.scales) > 1 else []
    if uses:
        yield Finding(
            code="per-channel-dense",
            is_warning=False,
            message=f"{len(uses)} FULLY_CONNECTED have per-channel weights: old TFLM "
            "computes them wrong, and CMSIS-NN's refuses them for int16",
            hint="The converter's _experimental_disable_per_channel_quantization_for_dense_layers "
            "avoids it.",
            operators=_places(uses),
        )


def _find_state(model: Model) -> Iterator[Finding]:
    resources = _uses(model, *_RESOURCE_OPS)
    if resources:
        yield Finding(
            code="resource-variables",
            is_warning=True,
            message=f"{len(resources)} operators use resource variables, which need allocations "
            "of their own in TFLM",
            hint="Make state an explicit input and output of the model.",
            operators=_places(resources),
        )
    stateful = [
        use
        for use in _uses(model, *_STATEFUL_OPS)
        if any(i >= 0 and use.subgraph.tensors[i].is_variable for i in use.operator.inputs)
    ]
    if stateful:
        yield Finding(
            code="state",
            is_warning=True,
            message=f"{len(stateful)} operators keep state from one inference to the next",
            hint="Reset the state between windows that do not follow each other.",
            operators=_places(stateful),
        )


def _find_loops(model: Model) -> Iterator[Finding]:
    loops = _uses(model, "WHILE")
    if loops:
        yield Finding(
            code="while",
            is_warning=True,
            message=f"{len(loops)} WHILE loops; their work depends on the data",
            hint="Unroll the recurrent layer, or use the fused LSTM.",
            operators=_places(loops),
        )
    count = len(model.main.operators)
    if count > _UNROLLED_OPERATORS:
        yield Finding(
            code="many-operators",
            is_warning=False,
            message=f"{count} operators (an unrolled recurrent layer?); each costs arena and time",
            hint="A fused LSTM or a convolution does the same in a few operators.",
        )


def _find_identity_reshapes(model: Model) -> Iterator[Finding]:
    uses = []
    for use in _uses(model, "RESHAPE"):
        tensors = use.subgraph.tensors
        if tensors[use.operator.inputs[0]].shape == tensors[use.operator.outputs[0]].shape:
            uses.append(use)
    if uses:
        yield Finding(
            code="identity-reshape",
            is_warning=False,
            message=f"{len(uses)} RESHAPE do not change the shape",
            hint=_BATCH_1_HINT,
            operators=_places(uses),
        )


def _find_unused_data(model: Model) -> Iterator[Finding]:
    used: set[int] = set()
    for subgraph in model.subgraphs:
        indices = {i for op in subgraph.operators for i in (*op.inputs, *op.outputs)}
        indices |= {*subgraph.inputs, *subgraph.outputs}
        used |= {subgraph.tensors[index].buffer_index for index in indices if index >= 0}
    constants = {
        tensor.buffer_index: tensor.data_bytes
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.is_constant and tensor.buffer_index not in used
    }
    if constants:
        yield Finding(
            code="unused-data",
            is_warning=False,
            message=f"{len(constants)} constants ({format_bytes(sum(constants.values()))}) are "
            "read by no operator",
            hint="Convert again; an edited file leaves such data behind.",
        )


def _find_misaligned_data(model: Model) -> Iterator[Finding]:
    wrong = {
        tensor.buffer_index
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.is_constant
        # Cores need words at multiples of four bytes, also for the halves of a 64-bit value.
        and model.buffer_offsets[tensor.buffer_index]
        % min(4, max(1, DTYPE_BITS.get(tensor.dtype, 8) // 8))
    }
    if wrong:
        yield Finding(
            code="misaligned-data",
            is_warning=True,
            message=f"{len(wrong)} constants do not start at a multiple of their element size; "
            "cores without unaligned access (Cortex-M0+) fault on them",
            hint="Convert again; an edited file loses the alignment.",
        )


def _find_unused_bytes(model: Model) -> Iterator[Finding]:
    unused, total = model.layout.unused_bytes, len(model.flatbuffer)
    if unused:
        what = " (a zip archive of associated files)" if has_archive(model) else ""
        yield Finding(
            code="unused-bytes",
            is_warning=True,
            message=f"nothing in the file refers to {unused:,} of its {total:,} bytes{what}; they "
            "go into flash with the model",
            hint="tflm-gen build leaves them out, unless it is given --no-clean.",
        )


def _find_size(model: Model) -> Iterator[Finding]:
    file_bytes = len(model.flatbuffer)
    names = model.layout.names_bytes
    if 4 * names > file_bytes:
        yield Finding(
            code="long-names",
            is_warning=False,
            message=f"names take {format_bytes(names)}, {100 * names // file_bytes} % of the file; "
            "no interpreter needs them",
            hint="Name layers shortly, or strip the names.",
        )
    if file_bytes > MCU_MODEL_LIMIT_BYTES:
        yield Finding(
            code="large-model",
            is_warning=False,
            message=f"{format_bytes(file_bytes)} is more than the about "
            f"{format_bytes(MCU_MODEL_LIMIT_BYTES)} that are usual on a Cortex-M4 or M7",
            hint="Use fewer filters, or a board with external flash.",
        )


_SEARCHES: tuple[Callable[[Model], Iterator[Finding]], ...] = (
    _find_open_batch,
    _find_expand_dims,
    _find_shape_chain,
    _find_space_to_batch,
    _find_conversion_pairs,
    find_float_model,
    _find_float_io,
    _find_softmax_scale,
    _find_per_channel_dense,
    find_unset_variables,
    _find_state,
    _find_loops,
    _find_identity_reshapes,
    _find_unused_data,
    _find_misaligned_data,
    _find_unused_bytes,
    _find_size,
)
