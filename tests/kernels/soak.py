"""Runs many random configurations per operator on every machine and writes what was seen.

    python -m tests.kernels.soak [--cases 10000] [--op OP ...] --out FILE

Takes hours with all operators; run with the same --out again, it goes on where it stopped. What an
operator's outcome depends on is in the file by hash: the kernels it calls, the headers and the
harness, the generated C and vectors of every batch. An operator whose kernels are others by now
starts anew; ``--check`` generates everything again and says whether the file still holds.
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
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kernels.batch import (
    HARNESS,
    KERNELS,
    N_VECTORS,
    ORACLES,
    WHEEL,
    Batch,
    Case,
    CaseTexts,
    random_cases,
    write_batch,
)
from tests.kernels.machines import MACHINES, run_batch
from tests.kernels.random_cases import BUILDERS

SCHEMA = "tflm-gen/compiled-soak/2"
BATCH_CASES = 1000
# The part of an operator's cases that a quick test generates again.
FIRST_CASES = 100
# Operators with a kernel of their own for the DSP extension.
_WITH_DSP = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D")
EVERYWHERE = ("host", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55")
MORE_FOR_DSP = ("host-dsp", "host-dsp-fast", "cortex-m4f-fast")
_MOST_FAILURES_KEPT = 20


def machines_of(op: str) -> tuple[str, ...]:
    """Where an operator runs."""
    return (*EVERYWHERE, *(MORE_FOR_DSP if op in _WITH_DSP else ()))


def file_hash(*paths: Path) -> str:
    """SHA-256 over files and their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def kernel_hashes(names: set[str]) -> dict[str, str]:
    """SHA-256 of every kernel, and of the headers and the harness that all share."""
    hashes = {f"src/{name}": file_hash(KERNELS / "src" / name) for name in sorted(names)}
    hashes["include"] = file_hash(*(KERNELS / "include" / "tgk").glob("*.h"))
    hashes["harness"] = file_hash(*HARNESS.glob("*.[ch]"))
    return hashes


def _version(*command: str) -> str:
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()[0]


def new_document() -> dict[str, Any]:
    packages = ("tflite-micro", "tensorflow-cpu", "numpy")
    return {
        "schema": SCHEMA,
        "command": "python -m tests.kernels.soak",
        "versions": {
            **{package: importlib.metadata.version(package) for package in packages},
            "gcc": _version("gcc", "--version"),
            "arm-none-eabi-gcc": _version("arm-none-eabi-gcc", "--version"),
            "qemu": _version("qemu-system-arm", "--version"),
        },
        "vectors_per_case": N_VECTORS,
        "runs": {},
    }


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Some configurations of an operator, generated for every machine.

    Attributes:
        seeds: Of the configurations.
        refused: Those that the oracle refuses, which leaves nothing to compare.
        differing: Those that our engine refuses, and the oracle does not.
        sha256: Over generated C and vectors of all machines.
        batches: By machine.
        folder: Everything's parent.
    """

    seeds: range
    refused: tuple[str, ...]
    differing: tuple[str, ...]
    sha256: str
    batches: dict[str, Batch]
    folder: tempfile.TemporaryDirectory[str]


def generated_hash(batches: dict[str, Batch]) -> str:
    """SHA-256 over generated C and vectors."""
    digest = hashlib.sha256()
    for machine in sorted(batches):
        for name in ("cases.c", "vectors.bin"):
            digest.update((batches[machine].folder / name).read_bytes())
    return digest.hexdigest()


def prepare_cases(cases: list[Case], seeds: range, machines: tuple[str, ...]) -> Prepared:
    """Generates cases for machines."""
    folder = tempfile.TemporaryDirectory(prefix="tflm-gen-soak-")
    texts = CaseTexts()
    answered = [case for case in cases if not case.refused]
    batches: dict[str, Batch] = {}
    for machine in machines:
        place = Path(folder.name) / machine
        place.mkdir()
        chosen = MACHINES[machine]
        batches[machine] = write_batch(answered, chosen.target, place, chosen.tuning, texts)
    differing = dict.fromkeys(line for batch in batches.values() for line in batch.refused)
    return Prepared(
        seeds=seeds,
        refused=tuple(case.name for case in cases if case.refused),
        differing=tuple(differing),
        sha256=generated_hash(batches),
        batches=batches,
        folder=folder,
    )


def prepare(op: str, seeds: range, machines: tuple[str, ...]) -> Prepared:
    """Builds, answers and generates an operator's configurations."""
    return prepare_cases(random_cases(op, seeds), seeds, machines)


def first_hash(op: str, cases: list[Case]) -> str:
    """Of an operator's first cases on this machine: what a quick test compares."""
    prepared = prepare_cases(cases, range(len(cases)), EVERYWHERE)
    with prepared.folder:
        return prepared.sha256


def new_run(op: str) -> dict[str, Any]:
    """An operator of which nothing ran yet."""
    return {
        "oracle": ORACLES.get(op, WHEEL),
        "first_cases_sha256": first_hash(op, random_cases(op, range(FIRST_CASES))),
        "seeds": 0,
        "refused_by_the_oracle": 0,
        "kernels": {},
        "generated_sha256": [],
        "machines": {machine: {"cases": 0, "failures": []} for machine in machines_of(op)},
    }


def record(run: dict[str, Any], prepared: Prepared, results: dict[str, Future[Any]]) -> None:
    """Enters a batch's outcome into the document."""
    names = {name for batch in prepared.batches.values() for name in batch.kernels}
    known = {name.removeprefix("src/") for name in run["kernels"] if name.startswith("src/")}
    for machine, future in results.items():
        entry = run["machines"][machine]
        n_run, failures = future.result()
        entry["cases"] += n_run
        kept = _MOST_FAILURES_KEPT - len(entry["failures"])
        entry["failures"] += [*prepared.differing, *failures][:kept]
    run["kernels"] = kernel_hashes(names | known)
    run["seeds"] = prepared.seeds.stop
    run["refused_by_the_oracle"] += len(prepared.refused)
    run["generated_sha256"].append(prepared.sha256)
    prepared.folder.cleanup()


def n_cases_of(run: dict[str, Any]) -> int:
    """Cases that ran on every machine."""
    return min(entry["cases"] for entry in run["machines"].values())


def is_current(run: dict[str, Any]) -> bool:
    """Kernels, headers and harness are those that ran."""
    names = {name.removeprefix("src/") for name in run["kernels"] if name.startswith("src/")}
    present = all((KERNELS / "src" / name).is_file() for name in names)
    return present and run["kernels"] == kernel_hashes(names)


class Soak:
    """Prepares the next batch while the last one's programs are compiled and run."""

    def __init__(self, out: Path, document: dict[str, Any], n_cases: int) -> None:
        self.out = out
        self.document = document
        self.n_cases = n_cases

    def save(self) -> None:
        """Writes the document, whole or not at all."""
        unfinished = self.out.with_suffix(".part")
        unfinished.write_text(json.dumps(self.document, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(self.out)

    def operator(self, op: str, pool: ThreadPoolExecutor) -> bool:
        """All batches of an operator that are due; whether it holds."""
        runs = self.document["runs"]
        if op not in runs or not is_current(runs[op]):
            runs[op] = new_run(op)
        run, machines = runs[op], machines_of(op)
        while (due := self.n_cases - n_cases_of(run)) > 0 and not _failures(run):
            start = run["seeds"]
            stop, pending = start + due, None
            for first in range(start, stop, BATCH_CASES):
                prepared = prepare(op, range(first, min(first + BATCH_CASES, stop)), machines)
                results = {
                    m: pool.submit(run_batch, MACHINES[m], b) for m, b in prepared.batches.items()
                }
                if pending:
                    record(run, *pending)
                    self.save()
                pending = (prepared, results)
            if pending:
                record(run, *pending)
                self.save()
        return not _failures(run)


def _failures(run: dict[str, Any]) -> list[str]:
    return [line for entry in run["machines"].values() for line in entry["failures"]]


def outdated(op: str, run: dict[str, Any]) -> str:
    """Why a run no longer shows what the sources do; "" if it does."""
    if not is_current(run):
        return "its kernels changed"
    start, seeds = 0, run["seeds"]
    for number, expected in enumerate(run["generated_sha256"]):
        stop = min(start + BATCH_CASES, seeds)
        prepared = prepare(op, range(start, stop), machines_of(op))
        with prepared.folder:
            if prepared.sha256 != expected:
                return f"batch {number} is generated otherwise"
        start = stop
    return ""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--op", choices=sorted(BUILDERS), action="append")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    document = new_document()
    if arguments.out.is_file():
        document = json.loads(arguments.out.read_text(encoding="utf-8"))
    soak = Soak(arguments.out, document, arguments.cases)
    started, all_hold = time.monotonic(), True
    with ThreadPoolExecutor(max_workers=2) as pool:
        for op in arguments.op or BUILDERS:
            if arguments.check:
                reason = outdated(op, document["runs"][op]) if op in document["runs"] else "no run"
                holds, shown = not reason, reason or "holds"
            else:
                holds = soak.operator(op, pool)
                run = document["runs"][op]
                shown = f"{n_cases_of(run)} cases, {len(_failures(run))} failures"
            all_hold &= holds
            sys.stdout.write(f"{op}: {shown}; {time.monotonic() - started:,.0f} s\n")
            sys.stdout.flush()
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
