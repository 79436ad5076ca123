"""Is every operator in the TFLM that will be linked, and does its kernel take these data types?"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from tflm_gen.check.kernel_types import KernelTypes, nearest, signature
from tflm_gen.check.records import Finding
from tflm_gen.model.text import printable
from tflm_gen.tflm.op_table import TABLE_NAMES, load_op_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tflm_gen.check.use import Use
    from tflm_gen.tflm.op_table import OpTable

_REPLACEMENTS = {
    "GELU": "Use RELU or HARD_SWISH, or convert the exact GELU into its TANH approximation.",
    "TILE": "UpSampling makes it: tflm-gen build rewrites it if its counts are constant, to "
    "RESIZE_NEAREST_NEIGHBOR or CONCATENATION.",
    "TOPK_V2": "Return the scores, and pick the largest in the application.",
    "REDUCE_PROD": "Multiply in the application, or sum logarithms.",
    "POW": "Write a square as MUL of the tensor with itself.",
    "SELECT": "tflm-gen build makes it SELECT_V2 if all shapes are equal.",
    "RELU_N1_TO_1": "tflm-gen build makes it MAXIMUM and MINIMUM.",
    "RELU_0_TO_1": "tflm-gen build makes it MAXIMUM and MINIMUM.",
    "WHERE": "Multiply with a mask instead of picking elements.",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "Use an LSTM, or convolutions.",
    "LSTM": "Convert through tf-keras, which writes UNIDIRECTIONAL_SEQUENCE_LSTM.",
    "RFFT2D": "Compute the spectrum before the model, in the firmware.",
}
_CUSTOM_REMEDY = (
    "Register the kernel in the firmware yourself, or replace the layer before converting."
)
_FLEX_REMEDY = (
    "Flex operators need all of TensorFlow: replace the layer, and convert without SELECT_TF_OPS."
)


def missing_operators(uses: Sequence[Use], table: OpTable) -> Iterator[Finding]:
    """Operators that the source does not have, one finding each."""
    by_op: dict[str, list[Use]] = {}
    for use in uses:
        if use.op not in table.ops:
            by_op.setdefault(use.op, []).append(use)
    for op, found in by_op.items():
        yield Finding(
            code="missing-operator",
            severity="error",
            message=f"{table.tflm} has no operator {printable(op)} ({len(found)} used); "
            f"it has {len(table.ops)} operators",
            reason="no kernel can be registered for it",
            remedy=_remedy_for(op, table),
            places=tuple(use.place for use in found),
        )


def _remedy_for(op: str, table: OpTable) -> str:
    others = [
        load_op_table(name).tflm
        for name in TABLE_NAMES
        if name != table.source and op in load_op_table(name).ops
    ]
    if op.startswith("CUSTOM:Flex"):
        return _FLEX_REMEDY
    known = _REPLACEMENTS.get(op, "")
    if others:
        return f"{known} {' or '.join(others)} has it.".strip()
    near = difflib.get_close_matches(op, table.ops, n=2, cutoff=0.6)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    if op.startswith("CUSTOM:"):
        return printable(_CUSTOM_REMEDY + meant)
    return known or f"Replace the layer that makes it, and convert again.{meant}"


def refused_types(uses: Iterable[Use], table: OpTable, types: KernelTypes) -> Iterator[Finding]:
    """Combinations of data types that the kernels refuse, equal ones together."""
    groups: dict[tuple[str, str], list[Use]] = {}
    for use in uses:
        accepted = types.accepted.get(use.op)
        if use.op in table.ops and accepted is not None and signature(use) not in accepted:
            groups.setdefault((use.op, signature(use)), []).append(use)
    for (op, wanted), found in groups.items():
        yield _refused(op, wanted, found, types)


def _refused(op: str, wanted: str, found: Sequence[Use], types: KernelTypes) -> Finding:
    listed = ", ".join(nearest(wanted, types.accepted[op])) or "none"
    is_hybrid = _is_hybrid(found[0])
    if is_hybrid:
        remedy = (
            "Hybrid models (dynamic-range quantization) do not run on TFLM: quantize activations "
            "too, with representative windows (tflm-gen quantize), or keep the weights float."
        )
    elif op == "DEQUANTIZE" and wanted.startswith("float16"):
        remedy = (
            "TFLM has no float16: tflm-gen build stores such constants as float32, which doubles "
            "them; or convert without float16 quantization."
        )
    else:
        remedy = f"Types that run: {listed}. Quantize the whole model the same way."
    kind = "hybrid: " if is_hybrid else ""
    return Finding(
        code="hybrid" if is_hybrid else "kernel-types",
        severity="error",
        message=f"{kind}{op} with {wanted.replace('->', ' to ').replace(',', ', ')}",
        reason="the kernel refuses these data types, at allocation or at the first run",
        remedy=remedy,
        places=tuple(use.place for use in found),
    )


def _is_hybrid(use: Use) -> bool:
    """Float activations with integer weights."""
    data, weights = use.input(0), use.input(1)
    return (
        data is not None
        and weights is not None
        and data.dtype == "float32"
        and weights.is_constant
        and len(weights.shape) > 1
        and weights.dtype in ("int8", "uint8", "int4")
    )
