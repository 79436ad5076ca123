"""Measures N1: ``python -m benchmarks.n1.run [--core cortex-m4f] [--model FILE] [--json] [--peers]``.

Builds the model for each core, compares 32 vectors byte for byte with the tflite-micro wheel in
QEMU, and counts the instructions of each step. With --peers also bakenn's C in the same harness
(if it is installed), and ``compare`` on two boards, which has TFLM on Arm's prebuilt image.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.n1.model import build_n1
from tests.kernels.batch import HARNESS, VECTORS, make_vectors, wheel_outputs
from tests.kernels.machines import MACHINES, Machine, build, run
from tflm_gen.comparison import compare_engines
from tflm_gen.compiled.generate import CompiledModel, compile_model
from tflm_gen.model.reader import parse_model
from tflm_gen.peers import bakenn
from tflm_gen.pipeline import BuildRequest
from tflm_gen.report.compare_text import comparison_document

if TYPE_CHECKING:
    from tflm_gen.model.records import Model


CORES = ("cortex-m4f", "cortex-m55")
_N_VECTORS = 32


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One core's figures; instructions, not cycles."""

    core: str
    engine: str
    optimization: str
    basis: str
    instructions: int
    steps: tuple[tuple[str, int], ...]
    equal_vectors: int
    vectors: int
    arena_bytes: int
    arena_lower_bound_bytes: int
    code_bytes: int | None
    constant_bytes: int | None
    compiler: str
    qemu: str


def _write(compiled: CompiledModel, folder: Path) -> tuple[Path, ...]:
    for path, data in compiled.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return tuple(folder / source for source in compiled.sources)


_CASES = """#include "cases.h"
#include "model.h"
{vectors}
const test_case test_cases[] = {{{{
    "model", compiled_model_inputs, COMPILED_MODEL_INPUT_COUNT, compiled_model_outputs,
    COMPILED_MODEL_OUTPUT_COUNT, COMPILED_MODEL_ARENA_BYTES, {count},
    test_vectors, test_vectors + {start}, compiled_model_invoke}}}};
const int32_t test_case_count = 1;
"""


def _count_equal(model: Model, machine: Machine, sources: tuple[Path, ...], folder: Path) -> int:
    """Vectors whose output bytes all equal the wheel's, in the very C that is counted."""
    vectors = make_vectors(model, seed=7, n_vectors=_N_VECTORS)
    outputs = wheel_outputs(model.flatbuffer, vectors)
    if outputs is None:
        raise SystemExit("the tflite-micro wheel refuses the model")
    inputs = b"".join(array.tobytes() for vector in vectors for array in vector)
    expected = b"".join(data for output in outputs for data in output)
    (folder / "vectors.bin").write_bytes(inputs + expected)
    cases = folder / "cases.c"
    cases.write_text(_CASES.format(vectors=VECTORS, count=_N_VECTORS, start=len(inputs)))
    program = build(machine, (*sources, cases, HARNESS / "run_cases.c"), folder)
    printed = run(machine, program)
    if "CASES 1 FAILED" not in printed:
        raise SystemExit(f"the comparison did not run: {printed[-1000:]}")
    return _N_VECTORS - len(set(re.findall(r"vector (\d+) output", printed)))


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


def measure(
    core: str,
    model: Model,
    compiled: CompiledModel | None = None,
    *,
    engine: str = "compiled",
    flags: tuple[str, ...] = (),
) -> Measurement:
    """Builds, checks and counts one model on one core.

    Args:
        core: A name of :data:`tests.kernels.machines.MACHINES`.
        model: The model.
        compiled: Its C; by default our engine's.
        engine: Whose C it is.
        flags: Of the compiler, beyond the harness's own.
    """
    machine = MACHINES[core]
    compiled = compiled or compile_model(model, machine.target)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = _write(compiled, folder)
        include = tuple(f"-I{folder}{part}" for part in bakenn.INCLUDE_FOLDERS)
        local = replace(machine, compiler=(*machine.compiler, *include, *flags))
        program = build(local, (*sources, Path(__file__).parent / "bench.c"), folder)
        printed = run(local, program, icount=True)
        # The names of another compiler's symbols are not known; compare has its flash.
        code_bytes, constant_bytes = _sizes(program) if engine == "compiled" else (None, None)
        equal = _count_equal(model, local, sources, folder)
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
        engine=engine,
        optimization=[f for f in local.compiler if f.startswith("-O")][-1],
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


def measure_bakenn(core: str, model: Model) -> list[Measurement]:
    """bakenn's C in the same harness, at our optimization and at the compiler's highest."""
    found = []
    for way in bakenn.installed(core):
        compiled = bakenn.compile_model(model, way.kernels)
        for level in ("-O2", "-O3"):
            flags = ("-w", f"-D{bakenn.DEFINITION}", level)
            engine = f"bakenn {way.version}, {way.kernels}"
            found.append(measure(core, model, compiled, engine=engine, flags=flags))
    return found


def compare_on_boards(model: Model) -> list[dict[str, object]]:
    """The whole firmware with each engine: TFLM on Arm's image, compiled, bakenn."""
    requests = [
        BuildRequest(model=model, board_id=board, out=Path())
        for board in ("nrf52840", "corstone300")
    ]
    return [comparison_document(compare_engines(request)) for request in requests]


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--core", choices=[c for c in MACHINES if MACHINES[c].qemu], action="append"
    )
    parser.add_argument("--model", type=Path, help="A .tflite file instead of N1.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peers", action="store_true", help="Other engines in the same run.")
    arguments = parser.parse_args()
    data = arguments.model.read_bytes() if arguments.model else build_n1()
    model = parse_model(data, arguments.model.name if arguments.model else "n1.tflite")
    results = []
    for core in arguments.core or CORES:
        results.append(measure(core, model))
        results += measure_bakenn(core, model) if arguments.peers else []
    document = {
        "schema": "tflm-gen/benchmark-n1/2",
        "model": model.name,
        "model_sha256": hashlib.sha256(data).hexdigest(),
        "results": [asdict(result) for result in results],
        "compare": compare_on_boards(model) if arguments.peers else [],
    }
    if arguments.json:
        print(json.dumps(document, indent=2))
        return 0
    for result in results:
        print(
            f"{result.core}, {result.engine}, {result.optimization}: "
            f"{result.instructions:,} instructions ({result.basis})"
        )
        print(
            f"  {result.equal_vectors}/{result.vectors} vectors equal to the wheel; "
            f"arena {result.arena_bytes:,} B; code {result.code_bytes} B; "
            f"constants {result.constant_bytes} B"
        )
        for op, count in result.steps:
            print(f"  {count:>10,}  {op}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
