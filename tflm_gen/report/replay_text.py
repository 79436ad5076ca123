"""``replay`` for people and as a document."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from tflm_gen.preprocess.spec import spec_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.evaluate.device_inputs import InputComparison
    from tflm_gen.model.records import Model
    from tflm_gen.preprocess.spec import PreprocessSpec


def replay_text(item: InputComparison, spec: PreprocessSpec) -> str:
    """One record in a line or two."""
    minutes = item.n_samples / spec.sample_rate_hz / 60
    head = (
        f"{item.record}: {item.n_samples} samples ({minutes:.1f} min), {item.n_beats} beats "
        f"({spec.trigger}), {item.n_bytes} bytes compared"
    )
    if item.is_equal:
        return f"{head}: all equal; {item.cost:g} {item.cost_unit} a sample"
    reasons = [item.first_difference] if item.first_difference else []
    if item.n_device_beats != item.n_beats:
        reasons.append(f"the device gave {item.n_device_beats} beats, {item.n_lost} lost")
    return f"{head}: {item.n_different} beats DIFFER: {'; '.join(reasons)}"


def replay_document(
    compared: Sequence[InputComparison], model: Model, spec: PreprocessSpec, *, invoke: bool
) -> dict[str, Any]:
    """What the verb prints with ``--json``."""
    return {
        "model": {"name": model.name, "sha256": model.sha256},
        "preprocessing_sha256": spec_sha256(spec),
        "trigger": spec.trigger,
        "is_model_run": invoke,
        "is_equal": all(item.is_equal for item in compared),
        "records": [dataclasses.asdict(item) | {"is_equal": item.is_equal} for item in compared],
    }
