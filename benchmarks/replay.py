"""Whole recordings through the firmware's preprocessing on emulated boards, byte for byte.

    python benchmarks/replay.py --mitdb DIR --records 208,119 --work WORK PROJECT...

A PROJECT is a folder that ``tflm-gen build`` wrote for a model that carries a specification; its name
is the run's. Every finished record is kept in WORK, so that a stopped run goes on there. Writes
benchmarks/results/replay.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tflm_gen.model.reader import read_model
from tflm_gen.preprocess.carried import METADATA_KEY
from tflm_gen.project.manifest import read_manifest

RESULTS = Path(__file__).resolve().parent / "results" / "replay.json"
SOURCES = (
    "common/src/preprocess.c",
    "common/src/beat_detector.c",
    "common/src/frontend.cc",
    "common/src/replay.cc",
    "common/include/ecg/biquad.h",
    "common/include/ecg/preprocess.h",
    "common/include/ecg/beat_detector.h",
    "generated/preprocess_config.h",
)


def replayed(project: Path, mitdb: Path, record: str, work: Path) -> dict[str, Any]:
    """One record's document, run now unless it is there."""
    path = work / f"rep_{project.name}_{record}.json"
    if not path.is_file() or not path.stat().st_size:
        argv = [sys.executable, "-m", "tflm_gen", "replay", str(project), "--records", str(mitdb)]
        argv += ["--only", record, "--with", "qemu", "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stderr)
        path.write_text(done.stdout, encoding="utf-8")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def run_of(project: Path, mitdb: Path, records: list[str], work: Path) -> dict[str, Any]:
    """All records on one board."""
    manifest = read_manifest(project)
    documents = [replayed(project, mitdb, record, work) for record in records]
    assert manifest.linked is not None
    assert manifest.toolchain is not None
    return {
        "board": manifest.board.id,
        "core": manifest.arena.core,
        "engine": manifest.engine,
        "compiler": manifest.toolchain.compiler,
        "elf_sha256": manifest.files[manifest.linked.elf],
        "sources_sha256": {name: manifest.files[name] for name in SOURCES},
        "model_sha256": documents[0]["model"]["sha256"],
        "preprocessing_sha256": documents[0]["preprocessing_sha256"],
        "trigger": documents[0]["trigger"],
        "records": [item for document in documents for item in document["records"]],
    }


def main() -> None:
    """Run what is missing, and write."""
    parser = argparse.ArgumentParser(description="Whole records on emulated boards.")
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--mitdb", type=Path, required=True)
    parser.add_argument("--records", required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    names = arguments.records.split(",")
    runs = [run_of(p, arguments.mitdb, names, arguments.work) for p in arguments.projects]
    model = read_model(arguments.projects[0] / "model" / "model.tflite")
    qemu = subprocess.run(
        ["qemu-system-arm", "--version"], capture_output=True, text=True, check=True
    )
    document = {
        "schema": "tflm-gen/replay-result/1",
        "commands": [
            "tflm-gen build MODEL --board BOARD --engine compiled --out PROJECT",
            f"python benchmarks/replay.py --mitdb DIR --records {arguments.records} --work WORK "
            "PROJECT...",
        ],
        "emulator": qemu.stdout.splitlines()[0],
        "specification": model.metadata[METADATA_KEY].decode(),
        "is_equal": all(record["is_equal"] for run in runs for record in run["records"]),
        "runs": runs,
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
