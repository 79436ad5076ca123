"""Fuzzes the validator by hand for as long as wanted, and the wheel with what it accepts.

python -m tests.fuzz.run_fuzz --executions 500000 --seed 1 --out RESULT.json --keep FOLDER

Any exception but the package's own errors is a finding; so is a crash of the wheel on a file that
was accepted. Findings are written to the folder; the result file counts everything.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.mutate import Mutator
from tests.fuzz.seeds import seed_files
from tests.fuzz.wheel_batch import run_batch
from tflm_gen.errors import TflmGenError
from tflm_gen.model.reader import parse_model

_BATCH = 25


@dataclass
class Tally:
    """What happened so far."""

    one_in: int = 1
    outcomes: Counter[str] = field(default_factory=Counter)
    executions: int = 0
    on_wheel: int = 0
    slowest_s: float = 0.0
    findings: list[dict[str, str]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    waiting: list[bytes] = field(default_factory=list)

    def keep(self, data: bytes, what: str, folder: Path | None) -> None:
        name = hashlib.sha256(data).hexdigest()[:16]
        self.findings.append({"sha256": name, "what": what})
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.tflite").write_bytes(data)


def execute(data: bytes, tally: Tally, folder: Path | None) -> None:
    """One run of the validator."""
    start = time.perf_counter()
    try:
        parse_model(data, "fuzz.tflite")
        outcome = "accepted"
    except TflmGenError as error:
        outcome = error.code
    except Exception as error:  # noqa: BLE001 - that is what fuzzing looks for
        outcome = f"raised {type(error).__name__}"
        tally.keep(data, repr(error), folder)
    tally.slowest_s = max(tally.slowest_s, time.perf_counter() - start)
    tally.executions += 1
    tally.outcomes[outcome] += 1
    digest = hashlib.blake2b(data, digest_size=8).digest()
    # One in so many of the accepted files, chosen by its hash, goes to the wheel.
    is_chosen = int.from_bytes(digest[:4], "little") % tally.one_in == 0
    if outcome == "accepted" and is_chosen and digest not in tally.seen:
        tally.seen.add(digest)
        tally.waiting.append(data)


def drain(tally: Tally, folder: Path | None, *, at_least: int) -> None:
    """Run waiting files on the wheel."""
    while len(tally.waiting) >= max(1, at_least):
        batch, tally.waiting = tally.waiting[:_BATCH], tally.waiting[_BATCH:]
        tally.on_wheel += len(batch)
        for crash in run_batch(batch):
            tally.keep(crash.flatbuffer, f"wheel {crash.verdict}", folder)


def fuzz(
    executions: int,
    seed: int,
    *,
    one_in: int = 1,
    folder: Path | None = None,
    report: Path | None = None,
) -> Tally:
    """Mutate seeds in turn."""
    rng = random.Random(seed)
    mutators = [Mutator(data) for data in seed_files().values()]
    tally = Tally(one_in=one_in)
    while tally.executions < executions:
        data = rng.choice(mutators).mutate(rng)
        execute(data, tally, folder)
        drain(tally, folder, at_least=_BATCH)
        if report is not None and tally.executions % 20_000 == 0:
            report.write_text(json.dumps(summary(tally, seed), indent=2), encoding="utf-8")
    drain(tally, folder, at_least=1)
    return tally


def summary(tally: Tally, seed: int) -> dict[str, object]:
    """The result file."""
    from tflm_gen import __version__
    from tflm_gen.tflm.source_facts import WHEEL_VERSION

    return {
        "schema": "tflm-gen/fuzz/1",
        "tool": __version__,
        "wheel": WHEEL_VERSION,
        "python": platform.python_version(),
        "seed": seed,
        "one_accepted_file_in": tally.one_in,
        "validator_sha256": validator_digest(),
        "seed_files": {
            name: hashlib.sha256(data).hexdigest()[:16] for name, data in seed_files().items()
        },
        "executions": tally.executions,
        "outcomes": dict(tally.outcomes.most_common()),
        "distinct_accepted_run_on_wheel": tally.on_wheel,
        "slowest_execution_s": round(tally.slowest_s, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "findings": tally.findings,
    }


def validator_digest() -> str:
    """Hash of the sources that were fuzzed."""
    import tflm_gen.model

    digest = hashlib.sha256()
    for path in sorted(Path(tflm_gen.model.__file__).parent.rglob("*.*")):
        if path.suffix in (".py", ".json"):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one-in", type=int, default=1, help="accepted files for the wheel")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args(argv)
    tally = fuzz(
        options.executions,
        options.seed,
        one_in=options.one_in,
        folder=options.keep,
        report=options.out,
    )
    options.out.write_text(json.dumps(summary(tally, options.seed), indent=2) + "\n")
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
