"""Compares the computed arena with the smallest one that works, model by model.

    python benchmarks/arena.py --count 130            # writes benchmarks/results/arena.json
    python benchmarks/arena.py --count 130 --resume   # goes on where it was stopped

On the host the wheel's interpreter is bisected in child processes; for corstone300 the firmware of
each model is built and bisected in QEMU. Both compare outputs with those in a large arena.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.arena_models import random_models  # noqa: E402
from tests.support.zoo import ZOO  # noqa: E402
from tflm_gen.arena.ahead import plan_memory_ahead  # noqa: E402
from tflm_gen.arena.modelled import ArenaTarget  # noqa: E402
from tflm_gen.arena_model.compute import estimate_arena  # noqa: E402
from tflm_gen.arena_model.tables import load_table  # noqa: E402
from tflm_gen.errors import TflmGenError  # noqa: E402
from tflm_gen.golden import golden_input  # noqa: E402
from tflm_gen.model.reader import parse_model  # noqa: E402
from tflm_gen.oracle.client import find_smallest_host_arena  # noqa: E402
from tflm_gen.pipeline import BuildRequest, build_project  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "arena.json"
TARGET = ArenaTarget(core="cortex-m55", kernels="cmsis-nn", source="corstone300_image")


def main() -> None:
    """Run what is missing and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=104, help="random models besides the zoo")
    parser.add_argument("--resume", action="store_true", help="keep what the file already has")
    options = parser.parse_args()
    known = json.loads(RESULT.read_text())["models"] if options.resume and RESULT.exists() else {}
    models = {name: build() for name, build in ZOO.items()} | dict(random_models(options.count))
    for name, flatbuffer in models.items():
        if name not in known:
            known[name] = study(name, flatbuffer)
            write(known)


def study(name: str, flatbuffer: bytes) -> dict[str, object]:
    """Truth and computed arena of one model, on both runtimes."""
    model = parse_model(flatbuffer, f"{name}.tflite")
    row: dict[str, object] = {"operators": len(model.main.operators), "sha256": model.sha256}
    host_truth = find_smallest_host_arena(flatbuffer, golden_input(model))
    row["host"] = [host_truth, estimate_arena(model, load_table("wheel")).n_bytes]
    with tempfile.TemporaryDirectory() as folder:
        request = BuildRequest(
            model=model,
            board_id="corstone300",
            out=Path(folder) / "project",
            engine="tflm",
            is_cleaned=False,
            use_cache=False,
        )
        try:
            manifest = build_project(request).manifest
        except TflmGenError as error:
            row["corstone300_error"] = error.message
            return row
    computed = estimate_arena(model, load_table("corstone300_image")).n_bytes
    row["corstone300"] = [manifest.arena.ran_at, computed]
    row["failed_at"] = manifest.arena.failed_at
    if manifest.warnings:
        row["warnings"] = list(manifest.warnings)
    planned = plan_memory_ahead(model, TARGET)
    row["plan_memory_saves"] = planned.saved_bytes if planned else 0
    return row


def write(models: dict[str, dict[str, object]]) -> None:
    """The file, with the sums that matter."""
    summary = {}
    for runtime in ("host", "corstone300"):
        pairs = [row[runtime] for row in models.values() if runtime in row]
        wrong = {
            name: row[runtime][1] - row[runtime][0]
            for name, row in models.items()
            if runtime in row and row[runtime][0] != row[runtime][1]
        }
        summary[runtime] = {
            "models": len(pairs),
            "exact": len(pairs) - len(wrong),
            "computed_minus_truth": wrong,
        }
    saved = [row["plan_memory_saves"] for row in models.values() if row.get("plan_memory_saves")]
    summary["plan_memory"] = {"models_with_less_arena": len(saved), "saved_bytes": sum(saved)}
    document = {"schema": "tflm-gen/arena-study/1", "summary": summary, "models": models}
    RESULT.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
