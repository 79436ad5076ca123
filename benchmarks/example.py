"""Builds and runs the example on the emulated boards, and puts its figures into the pages.

    python -m benchmarks.example            # after another examples/ecg/ecg.tflite; about a minute
    python -m benchmarks.example --pages    # only the pages, from the result files

Writes benchmarks/results/example.json. What pages say of the example stands between
``<!-- figures:NAME -->`` and ``<!-- /figures -->``, and comes from that file and from
examples/ecg/results.json (benchmarks/pages.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.pages import DEVICE_RESULTS, EXAMPLE, PAGES, ROOT, rendered

RECORDS = "examples/ecg/records"
SEEN = "corstone300"
CORES = ("cortex-m4f", "cortex-m55")
BOARDS = {"corstone300": "tflm", "nrf52840": "compiled"}


def run(*argv: str, cwd: Path, good: tuple[int, ...] = (0,), merged: bool = False) -> str:
    """What a command printed; with its standard error where a terminal would show both."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    done = subprocess.run(
        argv,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    if done.returncode not in good:
        raise SystemExit(
            f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr or done.stdout}"
        )
    return done.stdout


def tool(folder: Path, *arguments: str) -> dict[str, Any]:
    """The JSON document of a verb; exit code 1 is an answer too."""
    text = run(*(sys.executable, "-m", "tflm_gen", *arguments, "--json"), cwd=folder, good=(0, 1))
    document: dict[str, Any] = json.loads(text)
    return document


def measure_board(folder: Path, board: str) -> dict[str, Any]:
    """Build, verify, bench and replay, with what each says."""
    project = f"out/quickstart/ecg-{board}"
    tool(folder, "build", "--example", "ecg", "--board", board, "--out", project)
    manifest = json.loads((folder / project / "manifest.json").read_text(encoding="utf-8"))
    if manifest["engine"] != BOARDS[board]:
        raise SystemExit(f"{board}: built with engine {manifest['engine']}: tools are missing")
    verify, bench = (tool(folder, verb, project, "--with", "qemu") for verb in ("verify", "bench"))
    replay = tool(folder, "replay", project, "--with", "qemu", "--records", RECORDS, "--invoke")
    kept = ("engine", "kernels", "arena", "memory", "toolchain")
    return {
        **{key: manifest[key] for key in kept},
        "verify": {key: verify[key] for key in ("equal", "vectors", "bytes", "oracle")},
        "bench": {
            key: bench[key]
            for key in ("basis", "unit", "init", "first_invoke", "invoke", "operators", "stack")
        },
        "replay": {
            **{key: replay[key] for key in ("is_equal", "is_model_run", "preprocessing_sha256")},
            "records": replay["records"],
        },
    }


def compiled_sizes(core: str) -> dict[str, Any]:
    """Code, constants and int8 weights of the compiled engine alone, without firmware around it."""
    from benchmarks.n1.run import measure as measure_engine
    from tflm_gen.model.reader import read_model

    network = read_model(EXAMPLE)
    weights = {
        tensor.index: (op.op, tensor.n_elements)
        for op in network.main.operators
        if op.op in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
        for tensor in (network.main.tensors[op.inputs[1]],)
    }
    found = measure_engine(core, network)
    return {
        "code_bytes": found.code_bytes,
        "constant_bytes": found.constant_bytes,
        "int8_weight_bytes": sum(n for _, n in weights.values()),
        "convolution_weight_bytes": sum(n for op, n in weights.values() if op == "CONV_2D"),
    }


def as_in_a_terminal(folder: Path) -> str:
    """What the quickstart shows of one board."""
    project = f"out/quickstart/ecg-{SEEN}"
    verbs = (
        ("bench", project),
        ("verify", project),
        ("replay", project, "--records", RECORDS, "--invoke"),
    )
    return "".join(
        f"== tflm-gen {' '.join(verb)}\n"
        + run(sys.executable, "-m", "tflm_gen", *verb, cwd=folder, merged=True)
        for verb in verbs
    )


def measure() -> dict[str, Any]:
    """The whole result file."""
    model = EXAMPLE.read_bytes()
    with tempfile.TemporaryDirectory(prefix="tflm-gen-example-") as name:
        folder = Path(name)
        # So that commands and messages name files as they do in a checkout.
        (folder / "examples").symlink_to(ROOT / "examples")
        boards = {board: measure_board(folder, board) for board in BOARDS}
        terminal = as_in_a_terminal(folder)
        emulator = run("qemu-system-arm", "--version", cwd=folder).splitlines()[0]
    return {
        "schema": "tflm-gen/example-on-boards/1",
        "command": "python -m benchmarks.example",
        "emulator": emulator,
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "model_bytes": len(model),
        "boards": boards,
        "compiled": {core: compiled_sizes(core) for core in CORES},
        "terminal": terminal,
    }


def main() -> None:
    """Measure unless told otherwise, then write the pages."""
    parser = argparse.ArgumentParser(description="Figures of the example, and where they stand.")
    parser.add_argument("--pages", action="store_true", help="only write the pages")
    if not parser.parse_args().pages:
        text = json.dumps(measure(), indent=1) + "\n"
        DEVICE_RESULTS.write_text(text, encoding="utf-8")
        print(f"wrote {DEVICE_RESULTS.relative_to(ROOT)}")
    for name in PAGES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = rendered(before, name)
        path.write_text(after, encoding="utf-8")
        print(f"{name}: {'as it was' if after == before else 'written'}")


if __name__ == "__main__":
    main()
