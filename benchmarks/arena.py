"""Compares the computed arena with the smallest one that works, model by model.

    python benchmarks/arena.py             # writes benchmarks/results/arena.json
    python benchmarks/arena.py --resume    # goes on where it was stopped

The models: the zoo of topologies, random networks, and the zoo of models with one odd feature
each. On the host the wheel's interpreter is bisected in child processes, and outputs are compared
with those in a large arena. On Arm's image the firmware is booted in QEMU with each model and
bisected in that one boot (again after a crash); "at_boot" is what start-up itself found. Models
that a memory plan makes smaller are run with and without it on both, and outputs compared.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.arena_models import random_models, variables  # noqa: E402
from tests.support.image_bench import ARENA_BYTES, ImageBench  # noqa: E402
from tests.support.zoo import ZOO  # noqa: E402
from tests.support.zoo_features import FEATURES  # noqa: E402
from tflm_gen.arena.ahead import plan_memory_ahead  # noqa: E402
from tflm_gen.arena.bisect import find_smallest_arena  # noqa: E402
from tflm_gen.arena.modelled import ArenaTarget  # noqa: E402
from tflm_gen.arena.search import ArenaProber  # noqa: E402
from tflm_gen.arena_model.compute import estimate_arena  # noqa: E402
from tflm_gen.arena_model.tables import load_table  # noqa: E402
from tflm_gen.errors import TflmGenError  # noqa: E402
from tflm_gen.golden import golden_input  # noqa: E402
from tflm_gen.model.reader import parse_model  # noqa: E402
from tflm_gen.oracle.client import find_smallest_host_arena, run_oracle  # noqa: E402
from tflm_gen.tflm.source_facts import IMAGE_SHA256, WHEEL_VERSION  # noqa: E402
from tflm_gen.vectors import make_vectors  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.model.records import Model

RESULT = ROOT / "benchmarks" / "results" / "arena.json"
TARGET = ArenaTarget(core="cortex-m55", kernels="cmsis-nn", source="corstone300_image")
TABLES = {"host": "wheel", "corstone300": "corstone300_image"}
VECTORS = 5

Row = dict[str, Any]


def main() -> None:
    """Run what is missing and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=130, help="random models besides the zoos")
    parser.add_argument("--features", type=int, default=480, help="models of one odd feature")
    parser.add_argument("--resume", action="store_true", help="keep what the file already has")
    parser.add_argument("--out", type=Path, default=RESULT, help="the file to write")
    options = parser.parse_args()
    known = {}
    if options.resume and options.out.exists():
        known = json.loads(options.out.read_text())["models"]
    with tempfile.TemporaryDirectory() as folder:
        bench = ImageBench(Path(folder))
        for name, flatbuffer in _models(options.count, options.features):
            if name not in known:
                known[name] = study(name, flatbuffer, bench)
                write(known, options.out)


def _models(count: int, n_features: int) -> Iterator[tuple[str, bytes]]:
    yield from ((name, build()) for name, build in ZOO.items())
    yield from random_models(count)
    yield from ((f"variables-{number}", variables(number)) for number in (2, 3))
    features = itertools.islice(FEATURES.items(), n_features)
    yield from ((f"feature-{name}", build()) for name, build in features)


def study(name: str, flatbuffer: bytes, bench: ImageBench) -> Row:
    """Truth and computed arena of one model, on both runtimes."""
    try:
        model = parse_model(flatbuffer, f"{name}.tflite")
    except TflmGenError as error:
        return {"refused": error.message}
    row: Row = {
        "operators": sum(len(graph.operators) for graph in model.subgraphs),
        "subgraphs": len(model.subgraphs),
        "sha256": model.sha256,
    }
    try:
        truth = find_smallest_host_arena(flatbuffer, golden_input(model))
        row["host"] = [truth, _computed(model, "host")]
    except TflmGenError as error:
        row["host_error"] = error.message
    row |= _on_device(model, bench)
    if "corstone300" in row:
        row |= _planned(model, bench)
    return row


def _computed(model: Model, runtime: str) -> int | str:
    try:
        return estimate_arena(model, load_table(TABLES[runtime])).n_bytes
    except TflmGenError as error:
        return error.message


def _on_device(model: Model, bench: ImageBench) -> Row:
    """The smallest arena in QEMU, what start-up found, and how smaller ones fail."""
    if not model.inputs or not model.outputs:
        return {"corstone300_error": "no input or no output"}
    computed = _computed(model, "corstone300")
    try:
        with ExitStack() as stack:
            prober = ArenaProber(lambda: bench.open(model), stack)
            guess = computed if isinstance(computed, int) else prober.guess_bytes
            found = find_smallest_arena(prober.runs_at, high_bytes=ARENA_BYTES, guess_bytes=guess)
            need = prober.need
    except TflmGenError as error:
        return {"corstone300_error": error.message}
    ways = Counter(result for size, result in prober.results.items() if size < found.ran_at_bytes)
    return {
        "corstone300": [found.ran_at_bytes, computed],
        "failed_at": found.failed_at_bytes,
        "smaller_ones": dict(ways),
        "at_boot": [need.low_bytes, need.high_bytes, need.n_trials] if need else None,
    }


def _planned(model: Model, bench: ImageBench) -> Row:
    """What a memory plan saves, and whether the bytes stay the same."""
    planned = plan_memory_ahead(model, TARGET)
    if planned is None:
        return {}
    vectors = make_vectors(model.inputs, count=VECTORS)
    before, after = (run_oracle(item.flatbuffer, vectors) for item in (model, planned.model))
    on_device = [
        [bench.run(item, vector.inputs).outputs for vector in vectors]
        for item in (model, planned.model)
    ]
    truth = _on_device(planned.model, bench)
    return {
        "plan_memory": {
            "before": planned.before.n_bytes,
            "after": planned.after.n_bytes,
            "saved": planned.saved_bytes,
            "is_reordered": planned.is_reordered,
            "plan": planned.packing.n_bytes,
            "lower_bound": planned.packing.bound_bytes,
            "truth_after": truth.get("corstone300", [None])[0],
            "same_bytes_on_the_wheel": before.outputs == after.outputs,
            "same_bytes_on_the_image": on_device[0] == on_device[1],
        }
    }


def write(models: dict[str, Row], path: Path) -> None:
    """The file, with the sums that matter."""
    summary: Row = {runtime: _agreement(models, runtime) for runtime in TABLES}
    boots = [row for row in models.values() if row.get("at_boot")]
    summary["start_up_need"] = {
        "models": len(boots),
        "exact": sum(row["at_boot"][0] == row["at_boot"][1] for row in boots),
        "wrong": [
            name
            for name, row in models.items()
            if row.get("at_boot")
            and not row["at_boot"][0] <= row["corstone300"][0] <= row["at_boot"][1]
        ],
        "most_trials": max((row["at_boot"][2] for row in boots), default=0),
    }
    planned = [row["plan_memory"] for row in models.values() if "plan_memory" in row]
    summary["plan_memory"] = {
        "models_with_less_arena": len(planned),
        "saved_bytes": sum(item["saved"] for item in planned),
        "saved_by_model": {
            name: row["plan_memory"]["saved"]
            for name, row in models.items()
            if "plan_memory" in row
        },
        "nothing_to_save": sum("corstone300" in row for row in models.values()) - len(planned),
        "reordered": sum(item["is_reordered"] for item in planned),
        "optimal": sum(item["plan"] == item["lower_bound"] for item in planned),
        "computed_is_truth": sum(item["truth_after"] == item["after"] for item in planned),
        "same_bytes_on_the_wheel": sum(item["same_bytes_on_the_wheel"] for item in planned),
        "same_bytes_on_the_image": sum(item["same_bytes_on_the_image"] for item in planned),
    }
    document = {
        "schema": "tflm-gen/arena-study/2",
        "command": "python benchmarks/arena.py",
        "versions": _versions(),
        "summary": summary,
        "models": models,
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def _agreement(models: dict[str, Row], runtime: str) -> Row:
    pairs = {name: row[runtime] for name, row in models.items() if runtime in row}
    known = {name: pair for name, pair in pairs.items() if isinstance(pair[1], int)}
    wrong = {name: pair[1] - pair[0] for name, pair in known.items() if pair[0] != pair[1]}
    return {
        "models": len(known),
        "exact": len(known) - len(wrong),
        "too_small": sum(difference < 0 for difference in wrong.values()),
        "computed_minus_truth": wrong,
        "not_computed": sorted(set(pairs) - set(known)),
        "did_not_run": sum(f"{runtime}_error" in row for row in models.values()),
    }


def _versions() -> Row:
    qemu = subprocess.run(
        [shutil.which("qemu-system-arm") or "", "--version"], capture_output=True, text=True
    )
    return {
        "wheel": WHEEL_VERSION,
        "image_sha256": IMAGE_SHA256,
        "qemu": qemu.stdout.partition("\n")[0],
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
