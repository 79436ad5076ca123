"""What a verdict leaves behind: the accepted model, or none, and always the float model."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "tflm-gen/release/1"
MANIFEST = "manifest.json"


def write_release(out: Path, document: Mapping[str, Any], *, float_model: Path, int8: Path) -> None:
    """Put the models that may be used beside the report, and say which in ``manifest.json``.

    The float model is kept as the fallback. The int8 model is copied only if the gate accepted
    it; of a rejected one nothing is left but its name and hash, and an accepted one of an earlier
    run is taken away.

    Args:
        out: Folder of the report.
        document: What ``evaluate`` found.
        float_model: .keras file, SavedModel folder or float .tflite.
        int8: The quantized model.
    """
    accepted_dir, fallback_dir = out / "accepted", out / "fallback"
    for folder in (accepted_dir, fallback_dir):
        shutil.rmtree(folder, ignore_errors=True)
    fallback_dir.mkdir(parents=True)
    kept = fallback_dir / float_model.name
    if float_model.is_dir():
        shutil.copytree(float_model, kept)
    else:
        shutil.copyfile(float_model, kept)
    is_accepted = bool(document["gate"]["accepted"])
    if is_accepted:
        accepted_dir.mkdir(parents=True)
        shutil.copyfile(int8, accepted_dir / int8.name)
    facts = dict(document["int8_model"])
    manifest = {
        "schema": SCHEMA,
        "accepted": {**facts, "file": f"accepted/{int8.name}"} if is_accepted else None,
        "rejected": None if is_accepted else facts,
        "fallback": {**document["float_model"], "file": f"fallback/{float_model.name}"},
        "gate": {
            "preset": document["gate"]["preset"],
            "reasons": document["gate"]["reasons"],
            "warnings": document["gate"]["warnings"],
        },
        "trigger": document["trigger"],
        "report": "evaluate.json",
    }
    text = json.dumps(manifest, indent=2) + "\n"
    (out / MANIFEST).write_text(text, encoding="utf-8")
