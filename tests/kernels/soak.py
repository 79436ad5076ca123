"""Runs many random configurations per operator on every machine and writes what was seen.

    python -m tests.kernels.soak [--cases 10000] [--op OP ...] [--machine NAME ...] --out FILE

Takes hours with all operators; run with the same --out again, it goes on where it stopped. The
file names the kernels, the generator and the wheel by hash or version.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.kernels.batch import Case, random_cases, write_batch
from tests.kernels.machines import MACHINES, run_batch
from tests.kernels.random_cases import BUILDERS

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = "tflm-gen/compiled-soak/1"
BATCH_CASES = 500
_HASHED = ("firmware_templates/compiled", "tflm_gen/compiled", "tests/kernels")
# Operators with a kernel of their own for the DSP extension.
_WITH_DSP = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D")
EVERYWHERE = ("host", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55")
MORE_FOR_DSP = ("host-dsp", "host-dsp-fast", "cortex-m4f-fast")


def source_hash() -> str:
    """SHA-256 over everything the outcome depends on in this repository."""
    digest = hashlib.sha256()
    for folder in _HASHED:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(*command: str) -> str:
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()[0]


def new_document() -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "command": "python -m tests.kernels.soak",
        "sources_sha256": source_hash(),
        "versions": {
            "tflite-micro": importlib.metadata.version("tflite-micro"),
            "gcc": _version("gcc", "--version"),
            "arm-none-eabi-gcc": _version("arm-none-eabi-gcc", "--version"),
            "qemu": _version("qemu-system-arm", "--version"),
        },
        "vectors_per_case": 3,
        "runs": {},
    }


def run_machine(cases: list[Case], machine: str) -> tuple[int, list[str]]:
    """Cases that ran, and what differed or was refused."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = MACHINES[machine]
        batch = write_batch(cases, chosen.target, folder, chosen.tuning)
        n_run, differences = run_batch(chosen, batch, folder)
        return n_run, [*differences, *batch.refused]


def machines_of(op: str, wanted: list[str] | None) -> tuple[str, ...]:
    machines = (*EVERYWHERE, *(MORE_FOR_DSP if op in _WITH_DSP else ()))
    return tuple(m for m in machines if wanted is None or m in wanted)


def soak(op: str, machines: tuple[str, ...], n_cases: int, document: dict[str, Any]) -> None:
    """The next batch of an operator that is not in the document yet."""
    runs = document["runs"].setdefault(op, {})
    done = {m: runs.setdefault(m, {"cases": 0, "failures": []}) for m in machines}
    for start in range(0, n_cases, BATCH_CASES):
        due = [m for m in machines if done[m]["cases"] <= start]
        if not due:
            continue
        cases = random_cases(op, range(start, min(start + BATCH_CASES, n_cases)))
        for machine in due:
            n_run, failures = run_machine(cases, machine)
            done[machine]["cases"] += n_run
            done[machine]["failures"] += failures[:5]
        return


def is_done(op: str, machines: tuple[str, ...], n_cases: int, document: dict[str, Any]) -> bool:
    runs = [document["runs"].get(op, {}).get(machine) for machine in machines]
    return all(run and (run["cases"] >= n_cases or run["failures"]) for run in runs)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--op", choices=sorted(BUILDERS), action="append")
    parser.add_argument("--machine", choices=(*EVERYWHERE, *MORE_FOR_DSP), action="append")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    document = new_document()
    if arguments.out.is_file():
        found = json.loads(arguments.out.read_text(encoding="utf-8"))
        if found["sources_sha256"] != document["sources_sha256"]:
            sys.exit(f"{arguments.out} is of other sources: give another --out")
        document = found
    started = time.monotonic()
    for op in arguments.op or BUILDERS:
        machines = machines_of(op, arguments.machine)
        while not is_done(op, machines, arguments.cases, document):
            soak(op, machines, arguments.cases, document)
            arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        failures = [f for m in machines for f in document["runs"][op][m]["failures"]]
        seconds = time.monotonic() - started
        sys.stdout.write(f"{op}: {len(failures)} failures after {seconds:,.0f} s\n")
        sys.stdout.flush()
    failed = any(m["failures"] for runs in document["runs"].values() for m in runs.values())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
