"""What a verdict leaves behind: the accepted model, or none, and always the float model."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "tflm-gen/release/1"
MANIFEST = "manifest.json"
_ACCEPTED, _FALLBACK = "accepted", "fallback"


def write_release(
    out: Path,
    document: Mapping[str, Any],
    pages: Mapping[str, str],
    *,
    float_model: Path,
    int8: Path,
) -> None:
    """Write the report and the models that may be used, and say which in ``manifest.json``.

    The float model is kept as the fallback. The int8 model is copied only if the gate accepted
    it; of a rejected one nothing is left but its name and hash, and an accepted one of an earlier
    run is taken away.

    Args:
        out: Folder of the report.
        document: What ``evaluate`` found.
        pages: The report: file name -> text.
        float_model: .keras file, SavedModel folder or float .tflite.
        int8: The quantized model.
    """
    is_accepted = bool(document["gate"]["accepted"])
    facts = dict(document["int8_model"])
    manifest = {
        "schema": SCHEMA,
        "accepted": {**facts, "file": f"{_ACCEPTED}/{int8.name}"} if is_accepted else None,
        "rejected": None if is_accepted else facts,
        "fallback": {**document["float_model"], "file": f"{_FALLBACK}/{float_model.name}"},
        "gate": {
            "preset": document["gate"]["preset"],
            "reasons": document["gate"]["reasons"],
            "warnings": document["gate"]["warnings"],
        },
        "trigger": document["trigger"],
        "report": "evaluate.json",
    }
    with tempfile.TemporaryDirectory(dir=out, prefix=".release-") as folder:
        staged = Path(folder)
        # Copied first: a model may be given from the folders that are replaced below.
        _keep(float_model, staged / _FALLBACK)
        if is_accepted:
            _keep(int8, staged / _ACCEPTED)
        texts = {**pages, MANIFEST: json.dumps(manifest, indent=2) + "\n"}
        for name, text in texts.items():
            (staged / name).write_text(text, encoding="utf-8")
        # Without a manifest nothing is accepted, if the run is stopped here; it is put back last.
        (out / MANIFEST).unlink(missing_ok=True)
        for name in (_ACCEPTED, _FALLBACK):
            shutil.rmtree(out / name, ignore_errors=True)
            if (staged / name).exists():
                (staged / name).replace(out / name)
        for name in texts:
            (staged / name).replace(out / name)


def _keep(model: Path, folder: Path) -> None:
    folder.mkdir()
    if model.is_dir():
        shutil.copytree(model, folder / model.name)
    else:
        shutil.copyfile(model, folder / model.name)
