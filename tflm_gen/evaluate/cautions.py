"""What a reader of a verdict must know about the data and the models behind it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tflm_gen.quantize.calibration import MIN_RECORDS
from tflm_gen.quantize.metadata import CALIBRATION, FLOAT_SHA256

if TYPE_CHECKING:
    from tflm_gen.evaluate.beats import BeatSet
    from tflm_gen.evaluate.splits import Split
    from tflm_gen.model.records import Model

# Draws of fewer patients repeat the same few: their intervals are known to be too narrow.
_MIN_PATIENTS = 10


def calibration_facts(model: Model) -> dict[str, Any] | None:
    """How the model was calibrated, as far as it says so itself."""
    carried = model.metadata.get(CALIBRATION)
    if carried is None:
        return None
    facts = json.loads(carried)
    return {
        "n_windows": facts["n_windows"],
        "by_class": facts["by_class"],
        "records": [record["name"] for record in facts["records"]],
        "patients": sorted({record["patient"] for record in facts["records"]}),
    }


def cautions(model: Model, float_sha256: str, beats: BeatSet, split: Split) -> list[str]:
    """Warnings that follow from neither model's scores."""
    found = []
    carried = model.metadata.get(FLOAT_SHA256, b"").decode("ascii", "replace")
    if not carried:
        found.append("the int8 model does not say which float model it was made from")
    elif carried != float_sha256:
        found.append(
            f"the int8 model was made from another float model ({carried[:12]}), not from this "
            f"one ({float_sha256[:12]})"
        )
    calibration = calibration_facts(model)
    if calibration is None:
        found.append(
            "the int8 model does not say which records it was calibrated on: whether a test "
            "patient is among them cannot be known"
        )
    elif len(calibration["records"]) < MIN_RECORDS:
        found.append(
            f"calibrated on {len(calibration['records'])} records; below {MIN_RECORDS} the ranges "
            "are those of a few people"
        )
    if calibration is not None and (
        known := sorted(set(calibration["patients"]) & set(beats.scored.patients.tolist()))
    ):
        # Only a published split's own overlap gets this far; any other is a leak.
        found.append(f"calibrated on patient {', '.join(known)}, who is in the test")
    if beats.skipped_records:
        found.append(
            f"{len(beats.skipped_records)} of {len(split.test)} test records could not be used: "
            f"{', '.join(sorted(beats.skipped_records))}"
        )
    n_patients = len(set(beats.scored.patients.tolist()))
    if n_patients < _MIN_PATIENTS:
        found.append(f"{n_patients} patients only: the intervals are too narrow")
    return found
