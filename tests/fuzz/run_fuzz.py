"""Fuzzes the validator by hand for as long as wanted, and the wheel with what it accepts.

python -m tests.fuzz.run_fuzz --executions 500000 --seed 1 --out RESULT.json --keep FOLDER

Any exception but the package's own errors is a finding; so is a crash of the wheel on a file that
was accepted and that the tool would give to it (tflm_gen.model.run_checks holds some back).
Findings are written to the folder; the result file counts everything.
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
from typing import TYPE_CHECKING

from tests.fuzz.mutate import Mutator
from tests.fuzz.seeds import every_seed_file, seed_files
from tests.fuzz.wheel_batch import run_batch
from tflm_gen.errors import TflmGenError
from tflm_gen.model.reader import parse_model
from tflm_gen.model.run_checks import reason_not_to_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BATCH = 25


@dataclass
class Tally:
    """What happened so far."""

    one_in: int = 1
    outcomes: Counter[str] = field(default_factory=Counter)
    executions: int = 0
    held_back: int = 0
    on_wheel: int = 0
    slowest_s: float = 0.0
    findings: list[dict[str, str]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    waiting: list[bytes] = field(default_factory=list)

    def keep(self, data: bytes, what: str, folder: Path | None) -> None:
        """Remember a finding."""
        name = hashlib.sha256(data).hexdigest()[:16]
        self.findings.append({"sha256": name, "what": what})
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.tflite").write_bytes(data)

    def offer(self, data: bytes, *, may_run: bool) -> None:
        """Count a file that was accepted, once, and line it up for the wheel.

        One in so many, chosen by its hash, goes there.
        """
        digest = hashlib.blake2b(data, digest_size=8).digest()
        is_chosen = int.from_bytes(digest[:4], "little") % self.one_in == 0
        if not is_chosen or digest in self.seen:
            return
        self.seen.add(digest)
        if may_run:
            self.waiting.append(data)
        else:
            self.held_back += 1


def execute(data: bytes, tally: Tally, folder: Path | None) -> None:
    """One run of the validator."""
    start = time.perf_counter()
    try:
        reason = reason_not_to_run(parse_model(data, "fuzz.tflite"))
        tally.offer(data, may_run=not reason)
        outcome = "accepted"
    except TflmGenError as error:
        outcome = error.code
    except Exception as error:  # noqa: BLE001 - that is what fuzzing looks for
        outcome = f"raised {type(error).__name__}"
        tally.keep(data, repr(error), folder)
    tally.slowest_s = max(tally.slowest_s, time.perf_counter() - start)
    tally.executions += 1
    tally.outcomes[outcome] += 1


def drain(tally: Tally, folder: Path | None, *, at_least: int) -> None:
    """Run waiting files on the wheel."""
    while len(tally.waiting) >= max(1, at_least):
        batch, tally.waiting = tally.waiting[:_BATCH], tally.waiting[_BATCH:]
        tally.on_wheel += len(batch)
        for crash in run_batch(batch):
            for data in crash.flatbuffers:
                tally.keep(data, f"wheel {crash.verdict}", folder)


def fuzz(
    executions: int,
    seed: int,
    *,
    seeds: Mapping[str, bytes] | None = None,
    one_in: int = 1,
    folder: Path | None = None,
    report: Path | None = None,
) -> Tally:
    """Mutate seeds in turn."""
    rng = random.Random(seed)
    seeds = seeds or seed_files()
    mutators = [Mutator(data) for data in seeds.values()]
    tally = Tally(one_in=one_in)
    while tally.executions < executions:
        data = rng.choice(mutators).mutate(rng)
        execute(data, tally, folder)
        drain(tally, folder, at_least=_BATCH)
        if report is not None and tally.executions % 20_000 == 0:
            report.write_text(json.dumps(summary(tally, seed, seeds), indent=2), encoding="utf-8")
    drain(tally, folder, at_least=1)
    return tally


def summary(tally: Tally, seed: int, seeds: Mapping[str, bytes]) -> dict[str, object]:
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
        "seed_files": len(seeds),
        "seed_files_sha256": digest_of(sorted(seeds.items())),
        "executions": tally.executions,
        "outcomes": dict(tally.outcomes.most_common()),
        "distinct_accepted_run_on_wheel": tally.on_wheel,
        "distinct_accepted_held_back": tally.held_back,
        "slowest_execution_s": round(tally.slowest_s, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "findings": tally.findings,
    }


def validator_digest() -> str:
    """Hash of the sources that were fuzzed."""
    import tflm_gen.model

    folder = Path(tflm_gen.model.__file__).parent
    return digest_of(
        (path.name, path.read_bytes())
        for path in sorted(folder.rglob("*.*"))
        if path.suffix in (".py", ".json")
    )


def digest_of(parts: Iterable[tuple[str, bytes]]) -> str:
    """One hash of named bytes, in their order."""
    digest = hashlib.sha256()
    for name, data in parts:
        digest.update(name.encode() + data)
    return digest.hexdigest()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one-in", type=int, default=1, help="accepted files for the wheel")
    parser.add_argument("--only", default="", help="seeds whose names contain this")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args(argv)
    seeds = {name: data for name, data in every_seed_file().items() if options.only in name}
    tally = fuzz(
        options.executions,
        options.seed,
        seeds=seeds,
        one_in=options.one_in,
        folder=options.keep,
        report=options.out,
    )
    options.out.write_text(json.dumps(summary(tally, options.seed, seeds), indent=2) + "\n")
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
