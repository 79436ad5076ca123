"""A verification as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.runner.records import BootReport
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.verification import Difference, Divergence, Mismatch, Verification

SCHEMA = "tflm-gen/verify/1"
_SHOWN_MISMATCHES = 5
_FLOAT_NOTE = (
    "float32 results are rounded differently by each compiler, library and core; only a model of "
    "integers (tflm-gen quantize) can be equal in every byte on all of them"
)


def verification_text(
    result: Verification, divergence: Divergence | None, note: str | None, boot: BootReport
) -> list[str]:
    """Lines of the report; the last one is the verdict."""
    lines = [
        f"device:    {boot.banner.runtime}, kernels {boot.banner.kernels}, on {boot.banner.board}",
        f"reference: {result.oracle}",
    ]
    if result.n_original_different is not None:
        lines.append(_original_line(result))
    if result.is_equal:
        if note is not None:
            lines.append(f"note: {note}")
        lines.append(
            f"EQUAL: {result.n_vectors} vectors, all {result.n_bytes:,} output bytes equal"
        )
        return lines
    lines += [_mismatch(mismatch) for mismatch in result.mismatches[:_SHOWN_MISMATCHES]]
    hidden = len(result.mismatches) - _SHOWN_MISMATCHES
    if hidden > 0:
        lines.append(f"  and {hidden} more")
    if divergence is not None:
        lines += [
            f"first operator that differs: #{divergence.operator_index} {divergence.op}, tensor "
            f"{divergence.tensor_index} {divergence.tensor!r} ({divergence.dtype})",
            f"  on vector {divergence.vector!r}: {_difference(divergence.difference)}",
        ]
    if note is not None:
        lines.append(f"note: {note}")
    # The values of float tensors are Python floats, those of all others integers.
    if any(isinstance(m.difference.host_value, float) for m in result.mismatches):
        lines.append(f"note: {_FLOAT_NOTE}")
    lines.append(
        f"DIFFERENT: {result.n_vectors_different} of {result.n_vectors} vectors differ from the "
        "reference"
    )
    return lines


def _original_line(result: Verification) -> str:
    """How the model before its clean-up compares, on the reference."""
    if result.n_original_different:
        return (
            f"original:  the model before its clean-up gives other bytes for "
            f"{result.n_original_different} of {result.n_vectors} vectors"
        )
    return "original:  the model before its clean-up gives the same bytes on the reference"


def _mismatch(mismatch: Mismatch) -> str:
    return (
        f"  vector {mismatch.vector_index} ({mismatch.vector}), output {mismatch.output_index} "
        f"{mismatch.output!r}: {_difference(mismatch.difference)}"
    )


def _difference(difference: Difference) -> str:
    return (
        f"{difference.n_different} of {difference.n_elements} elements differ, "
        f"first [{difference.element}] device {difference.device_value:.9g} host {difference.host_value:.9g}, "
        f"max |difference| {difference.max_abs_difference:g}"
    )


def verification_document(
    result: Verification,
    divergence: Divergence | None,
    note: str | None,
    boot: BootReport,
    choice: DeviceChoice,
) -> dict[str, object]:
    """The versioned JSON document of ``verify --json``."""
    return {
        "schema": SCHEMA,
        "equal": result.is_equal,
        "vectors": result.n_vectors,
        "vectors_different": result.n_vectors_different,
        "bytes": result.n_bytes,
        "oracle": result.oracle,
        "device": {
            "name": choice.name,
            "reason": choice.reason,
            "board": boot.banner.board,
            "engine": boot.banner.engine,
            "kernels": boot.banner.kernels,
            "runtime": boot.banner.runtime,
        },
        "model": {"name": boot.banner.model, "sha256": boot.banner.model_sha256},
        "original_vectors_different": result.n_original_different,
        "mismatches": [asdict(mismatch) for mismatch in result.mismatches],
        "first_divergence": None if divergence is None else asdict(divergence),
        "note": note,
    }
