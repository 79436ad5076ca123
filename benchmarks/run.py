"""Measures the tool itself, as ratios within one run, and writes benchmarks/results/<date>.json.

    python benchmarks/run.py [--quick] [--out FILE]

Seconds depend on the machine; the ratios and the instruction counts hardly do. Needs the package
(installed or PYTHONPATH), and for the parts `build` and `firmware` the cross compiler, QEMU and
the corstone300 image; a part whose tools are missing is reported as missing, not left out.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
# Not the example, which is trained again now and then: times and counts stay comparable.
MODEL = ROOT / "tests" / "fixtures" / "synthetic_ecg" / "ecg.tflite"
TOOL = (sys.executable, "-m", "tflm_gen")
GOALS = {"help_s": 0.3, "warm_build_s": 2.0, "model_array_1_mb_s": 1.0}


class PartMissingError(Exception):
    """A tool that one part of the benchmark runs is not there."""


def run(*argv: str, env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    process = subprocess.run(
        argv,
        env={**os.environ, "PYTHONPATH": path, **(env or {})},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if process.returncode == 3:
        raise PartMissingError(process.stderr.strip())
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}:\n{process.stderr}")
    return process.stdout


def seconds_of(action: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(
    candidate: Callable[[], object], baseline: Callable[[], object], *, n_rounds: int
) -> dict[str, float]:
    """Medians of both, taken in turn so that a busy machine slows both alike, and their ratio."""
    candidate(), baseline()
    pairs = [(seconds_of(candidate), seconds_of(baseline)) for _ in range(n_rounds)]
    candidate_s = statistics.median(c for c, _ in pairs)
    baseline_s = statistics.median(b for _, b in pairs)
    ratio = statistics.median(c / b for c, b in pairs)
    return {
        "median_s": round(candidate_s, 4),
        "baseline_s": round(baseline_s, 4),
        "ratio": round(ratio, 2),
    }


def measure_start(n_rounds: int) -> dict[str, Any]:
    """Start-up: --help and inspect against a Python that does nothing."""

    def bare() -> str:
        return run(sys.executable, "-c", "pass")

    return {
        "baseline": "python -c pass",
        "help": compare(lambda: run(*TOOL, "--help"), bare, n_rounds=n_rounds),
        "inspect": compare(lambda: run(*TOOL, "inspect", str(MODEL)), bare, n_rounds=n_rounds),
    }


def measure_model_array(n_rounds: int) -> dict[str, Any]:
    """The C array text of a 1 MB model against bytes.hex() of the same bytes."""
    from tflm_gen.project.model_array import model_data_source

    data = random.Random(1).randbytes(1_000_000)
    times = compare(
        lambda: model_data_source(model_name="m", data=data), data.hex, n_rounds=n_rounds
    )
    return {"baseline": "bytes.hex()", **times, "mb_per_s": round(1.0 / times["median_s"], 1)}


def measure_build(folder: Path, n_rounds: int) -> dict[str, Any]:
    """Cold build (no cache but the images) against warm builds of the same project."""
    from tflm_gen import resources

    images = resources.cache_dir() / "images"
    cache = folder / "cache"
    cache.mkdir()
    if images.is_dir():
        (cache / "images").symlink_to(images, target_is_directory=True)
    env = {"TFLM_GEN_CACHE": str(cache)}
    options = ("--board", "corstone300", "--out", str(folder / "project"))

    def build() -> str:
        return run(*TOOL, "build", str(MODEL), *options, env=env)

    cold_s = seconds_of(build)
    warm_s = statistics.median(seconds_of(build) for _ in range(n_rounds))
    return {
        "cold_s": round(cold_s, 2),
        "warm_median_s": round(warm_s, 3),
        "cold_to_warm": round(cold_s / warm_s, 1),
    }


def measure_firmware(folder: Path) -> dict[str, Any]:
    """The built model in the emulator: what `tflm-gen bench --json` says."""
    document: dict[str, Any] = json.loads(run(*TOOL, "bench", str(folder / "project"), "--json"))
    return document


def describe_machine() -> dict[str, Any]:
    """What the seconds depend on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cpu_count": os.cpu_count(),
    }


def measure(*, quick: bool) -> dict[str, Any]:
    """All parts; each is a result or the reason why there is none."""
    n_rounds = 3 if quick else 15
    with tempfile.TemporaryDirectory(prefix="tflm-gen-benchmark-") as name:
        folder = Path(name)
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "start": lambda: measure_start(n_rounds),
            "model_array": lambda: measure_model_array(n_rounds),
            "build": lambda: measure_build(folder, 3 if quick else 7),
            "firmware": lambda: measure_firmware(folder),
        }
        results: dict[str, Any] = {}
        for part, action in parts.items():
            try:
                results[part] = action()
            except PartMissingError as error:
                results[part] = {"missing": str(error)}
            print(f"{part}: {json.dumps(results[part])[:200]}", file=sys.stderr)
    return {
        "schema": "tflm-gen/benchmark-run/1",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": f"python benchmarks/run.py{' --quick' if quick else ''}",
        "machine": describe_machine(),
        "model_sha256": hashlib.sha256(MODEL.read_bytes()).hexdigest(),
        "goals": GOALS,
        "results": results,
    }


def main() -> None:
    """Parse the command line, measure, write the file."""
    parser = argparse.ArgumentParser(description="Measure tflm-gen itself.")
    parser.add_argument("--quick", action="store_true", help="few rounds, for a smoke test")
    parser.add_argument("--out", type=Path, help="result file (benchmarks/results/<date>.json)")
    arguments = parser.parse_args()
    document = measure(quick=arguments.quick)
    out = arguments.out or ROOT / "benchmarks" / "results" / f"{document['date']}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
