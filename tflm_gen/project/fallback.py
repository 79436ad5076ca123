"""What a quantized model was made from, for the manifest: the model to return to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tflm_gen.preprocess.carried import carried_spec
from tflm_gen.preprocess.spec import spec_sha256
from tflm_gen.project.manifest import FallbackInfo

if TYPE_CHECKING:
    from tflm_gen.project.plan import ProjectSpec

_FLOAT_SHA256 = "TFLM_GEN_FLOAT_SHA256"
_CALIBRATION = "TFLM_GEN_CALIBRATION"
_HASH_DIGITS = 64


def fallback_info(spec: ProjectSpec) -> FallbackInfo | None:
    """From what ``quantize`` wrote into the model; None if that is not there."""
    origin = spec.cleaning.original if spec.cleaning is not None else spec.model
    sha256 = origin.metadata.get(_FLOAT_SHA256, b"").decode("ascii", "replace")
    if len(sha256) != _HASH_DIGITS:
        return None
    preprocessing = carried_spec(spec.model, origin)
    return FallbackInfo(
        float_sha256=sha256,
        preprocessing_sha256=spec_sha256(preprocessing) if preprocessing else None,
        trigger=preprocessing.trigger if preprocessing else None,
        calibration_records=_n_records(origin.metadata.get(_CALIBRATION)),
    )


def _n_records(data: bytes | None) -> int | None:
    try:
        return len(json.loads(data or b"")["records"])
    except (ValueError, KeyError, TypeError):
        return None
