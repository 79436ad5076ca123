"""Finished clean-ups by the hash of the model, of these sources, and of the interpreters."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.cleanup.records import Cleaning, Proof, Saving, Step, UndoneStep
from tflm_gen.errors import TflmGenError
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.tflite import tflite_package
from tflm_gen.tflm.source_facts import WHEEL_VERSION
from tflm_gen.toolchain.disk_cache import load_json, store_json

if TYPE_CHECKING:
    from tflm_gen.model.records import Model

_FOLDER = "clean"
_PACKAGE = Path(__file__).resolve().parent


@cache
def rules_digest() -> str:
    """Hash of the sources that decide what a clean-up does: other rules, other results."""
    digest = hashlib.sha256()
    others = (_PACKAGE.parent / name for name in ("model", "oracle"))
    paths = [*sorted(_PACKAGE.rglob("*.py")), *(p for f in others for p in sorted(f.glob("*.py")))]
    for path in [*paths, _PACKAGE.parent / "vectors.py"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def load(model: Model) -> Cleaning | None:
    """The result of an earlier clean-up of this file, or None."""
    stored = load_json(_FOLDER, _name(model))
    try:
        if stored is None:
            return None
        report = json.loads(str(stored["report"]))
        data = base64.b64decode(str(stored["model"]), validate=True)
        cleaned = parse_model(data, f"{model.name}.tflite") if data else model
        if data and cleaned.sha256 != report["sha256"]:
            return None
        return Cleaning(
            original=model,
            cleaned=cleaned,
            steps=tuple(Step(**step) for step in report["steps"]),
            undone=tuple(UndoneStep(**step) for step in report["undone"]),
            proof=Proof(**report["proof"]) if report["proof"] else None,
            saving=_saving(report["saving"]),
            note=report["note"],
        )
    except (KeyError, TypeError, ValueError, binascii.Error, TflmGenError):
        return None


def store(cleaning: Cleaning) -> None:
    """Keep a result."""
    data = cleaning.cleaned.flatbuffer if cleaning.is_changed else b""
    report = {
        "sha256": cleaning.cleaned.sha256,
        "steps": [asdict(step) for step in cleaning.steps],
        "undone": [asdict(step) for step in cleaning.undone],
        "proof": asdict(cleaning.proof) if cleaning.proof else None,
        "saving": asdict(cleaning.saving) if cleaning.saving else None,
        "note": cleaning.note,
    }
    encoded = base64.b64encode(data).decode("ascii")
    store_json(_FOLDER, _name(cleaning.original), {"report": json.dumps(report), "model": encoded})


def _name(model: Model) -> str:
    package = tflite_package()
    parts = (
        model.sha256,
        model.name,
        rules_digest(),
        WHEEL_VERSION,
        package[1] if package else "no TFLite",
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _saving(raw: dict[str, list[int] | None] | None) -> Saving | None:
    if raw is None:
        return None
    operators, sizes, arena = raw["operators"], raw["model_bytes"], raw["arena_bytes"]
    if operators is None or sizes is None:
        return None
    return Saving(
        operators=(operators[0], operators[1]),
        model_bytes=(sizes[0], sizes[1]),
        arena_bytes=(arena[0], arena[1]) if arena else None,
    )
