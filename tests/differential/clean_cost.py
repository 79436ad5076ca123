"""Counts what one inference takes on Arm's image before and after the clean-up; run by hand.

nice -n 19 python -m tests.differential.clean_cost RESULT.json

All topologies of the zoo and all files that TensorFlow's converter wrote, each cleaned up without
a cache and with TFLite's reference kernels at hand; how long that took is noted as well.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.converter_files import NAMES, converted
from tests.support.image_bench import ImageBench
from tests.support.rough_models import ROUGH
from tests.support.zoo import ZOO
from tflm_gen.cleanup.cache import rules_digest
from tflm_gen.cleanup.cleaner import clean_model
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.tflite import tflite_package
from tflm_gen.tflm.source_facts import IMAGE_SHA256, WHEEL_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable


def models() -> dict[str, Callable[[], bytes]]:
    """All models whose cost is counted."""
    files = {f"converter_{name}": partial(converted, name) for name in NAMES}
    return {**ZOO, **ROUGH, **files}


def cost(data: bytes, bench: ImageBench) -> dict[str, Any]:
    """Instructions, operators, arena and file of the original and the cleaned model."""
    model = parse_model(data, "model.tflite")
    start = time.monotonic()
    cleaning = clean_model(model, use_cache=False)
    seconds = time.monotonic() - start
    saving = cleaning.saving
    return {
        "sha256": model.sha256,
        "instructions": [bench.instructions(m) for m in (model, cleaning.cleaned)],
        "operators": [len(m.main.operators) for m in (model, cleaning.cleaned)],
        "model_bytes": [len(m.flatbuffer) for m in (model, cleaning.cleaned)],
        "arena_bytes_host": list(saving.arena_bytes) if saving and saving.arena_bytes else None,
        "cold_seconds": round(seconds, 1),
        "proof": cleaning.proof.basis if cleaning.proof else None,
        "steps": [step.name for step in cleaning.steps],
        "note": cleaning.note,
    }


def is_dearer(row: dict[str, Any]) -> bool:
    """The cleaned model takes more instructions than an original that is right."""
    before, after = row["instructions"]
    # An original that TFLM computes wrongly is nothing to compare with.
    return before is not None and not row["note"] and (after is None or after > before)


def main(argv: list[str]) -> int:
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = ImageBench(Path(folder))
        for name, make in models().items():
            rows[name] = cost(make(), bench)
            sys.stderr.write(f"{name}: {rows[name]['instructions']}\n")
    digest = hashlib.sha256("".join(str(row["sha256"]) for row in rows.values()).encode())
    document = {
        "schema": "tflm-gen/clean-cost/1",
        "command": "python -m tests.differential.clean_cost RESULT.json",
        "basis": "emulated_instructions of one inference, QEMU mps3-an547, engine tflm",
        "runtimes": {
            "wheel": WHEEL_VERSION,
            "image": IMAGE_SHA256,
            "tflite": (tflite_package() or ("", "none"))[1],
        },
        "clean_up_sources_sha256": rules_digest(),
        "models_sha256": digest.hexdigest(),
        "slowest_cold_seconds": max(row["cold_seconds"] for row in rows.values()),
        "dearer": [name for name, row in rows.items() if is_dearer(row)],
        "rows": rows,
    }
    Path(argv[0]).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if document["dearer"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
