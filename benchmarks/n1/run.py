"""Measures N1: ``python -m benchmarks.n1.run [--core cortex-m4f] [--model FILE] [--json]``.

Builds the model for each core, compares 32 vectors byte for byte with the tflite-micro wheel in
QEMU, and counts the instructions of each step.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.n1.model import build_n1
from tests.kernels.batch import Case, make_vectors, wheel_outputs, write_batch
from tests.kernels.machines import MACHINES, Machine, build, run, run_batch
from tflm_gen.compiled.generate import CompiledModel, compile_model
from tflm_gen.model.reader import parse_model

if TYPE_CHECKING:
    from tflm_gen.model.records import Model


CORES = ("cortex-m4f", "cortex-m55")
_N_VECTORS = 32


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One core's figures; instructions, not cycles."""

    core: str
    basis: str
    instructions: int
    steps: tuple[tuple[str, int], ...]
    equal_vectors: int
    vectors: int
    arena_bytes: int
    arena_lower_bound_bytes: int
    code_bytes: int
    constant_bytes: int
    compiler: str
    qemu: str


def _write(compiled: CompiledModel, folder: Path) -> tuple[Path, ...]:
    for path, data in compiled.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return tuple(folder / source for source in compiled.sources)


def _count_equal(model: Model, machine: Machine, folder: Path) -> int:
    """Vectors whose output bytes all equal the wheel's."""
    vectors = make_vectors(model, seed=7, n_vectors=_N_VECTORS)
    outputs = wheel_outputs(model.flatbuffer, vectors)
    if outputs is None:
        raise SystemExit("the tflite-micro wheel refuses the model")
    cases = [
        Case(
            name=f"vector_{number}",
            model=model,
            inputs=(tuple(array.tobytes() for array in vector),),
            outputs=(outputs[number],),
        )
        for number, vector in enumerate(vectors)
    ]
    _, differences = run_batch(machine, write_batch(cases, machine.target, folder), folder)
    return _N_VECTORS - len({line.split()[0] for line in differences})


def _sizes(program: Path) -> tuple[int, int]:
    """Bytes of generated code and kernels, and of their constants, in the linked program."""
    listing = subprocess.run(
        ["arm-none-eabi-nm", "--size-sort", "-S", str(program)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    code = constants = 0
    for line in listing.splitlines():
        _, size, kind, name = line.split()
        if kind in "tT" and ("tgk_" in name or "compiled_model" in name):
            code += int(size, 16)
        elif kind in "rR" and (re.match(r"s\d+|step_names|compiled_model", name)):
            constants += int(size, 16)
    return code, constants


def _version(tool: str) -> str:
    shown = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()[0]


def measure(core: str, model: Model) -> Measurement:
    """Builds, checks and counts one model on one core."""
    machine = MACHINES[core]
    compiled = compile_model(model, machine.target)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = _write(compiled, folder)
        harness = Path(__file__).parent / "bench.c"
        program = _build_with_model(machine, (*sources, harness), folder)
        printed = run(machine, program, icount=True)
        code_bytes, constant_bytes = _sizes(program)
        equal = _count_equal(model, machine, folder)
    calibration = re.search(r"CALIBRATION (\d+) (\d+)", printed)
    if calibration is None:
        raise SystemExit(f"the benchmark did not run: {printed[-1000:]}")
    per_instruction = int(calibration[1]) / int(calibration[2])
    overhead = int(re.findall(r"READ (\d+)", printed)[0])

    def instructions(ticks: str) -> int:
        return round((int(ticks) - overhead) / per_instruction)

    steps = re.findall(r"STEP \d+ (\S+) (\d+)", printed)
    return Measurement(
        core=core,
        basis="emulated_instructions",
        instructions=instructions(re.findall(r"INVOKE (\d+)", printed)[0]),
        steps=tuple((op, instructions(ticks)) for op, ticks in steps),
        equal_vectors=equal,
        vectors=_N_VECTORS,
        arena_bytes=compiled.memory.arena_bytes,
        arena_lower_bound_bytes=compiled.memory.lower_bound_bytes,
        code_bytes=code_bytes,
        constant_bytes=constant_bytes,
        compiler=_version(machine.compiler[0]),
        qemu=_version("qemu-system-arm"),
    )


def _build_with_model(machine: Machine, sources: tuple[Path, ...], folder: Path) -> Path:
    local = Machine(
        compiler=(*machine.compiler, f"-I{folder}"),
        target=machine.target,
        qemu=machine.qemu,
        script=machine.script,
    )
    return build(local, sources, folder)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--core", choices=[c for c in MACHINES if MACHINES[c].qemu], action="append"
    )
    parser.add_argument("--model", type=Path, help="A .tflite file instead of N1.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    data = arguments.model.read_bytes() if arguments.model else build_n1()
    model = parse_model(data, arguments.model.name if arguments.model else "n1.tflite")
    results = [measure(core, model) for core in arguments.core or CORES]
    document = {
        "schema": "tflm-gen/benchmark-n1/1",
        "model": model.name,
        "model_sha256": hashlib.sha256(data).hexdigest(),
        "results": [asdict(result) for result in results],
    }
    if arguments.json:
        print(json.dumps(document, indent=2))
        return 0
    for result in results:
        print(f"{result.core}: {result.instructions:,} instructions ({result.basis})")
        print(
            f"  {result.equal_vectors}/{result.vectors} vectors equal to the wheel; "
            f"arena {result.arena_bytes:,} B; code {result.code_bytes:,} B; "
            f"constants {result.constant_bytes:,} B"
        )
        for op, count in result.steps:
            print(f"  {count:>10,}  {op}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
