"""Builds a test program for this machine or an emulated core, and runs it."""

from __future__ import annotations

import atexit
import hashlib
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.kernels.batch import HARNESS, Batch
from tflm_gen.compiled.generate import DEFAULT_TUNING
from tflm_gen.compiled.ir import Target, Tuning

WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wundef")
_SUMMARY = re.compile(r"CASES (\d+) FAILED (\d+)")
_TIMEOUT_S = 600
_LOCKS: dict[str, threading.Lock] = {}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where a batch runs.

    Attributes:
        compiler: gcc and its flags.
        target: Kernels it can run.
        qemu: QEMU machine, or "" for this machine.
        tuning: Where kernels trade flash for speed.
        script: Linker script.
    """

    compiler: tuple[str, ...]
    target: Target
    qemu: str = ""
    script: str = ""
    tuning: Tuning = DEFAULT_TUNING


_CROSS = ("arm-none-eabi-gcc", "-std=c11", "-O2", "-mthumb", "-ffunction-sections")
_SANITIZED = (
    "gcc",
    "-std=c11",
    "-O1",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)

# Flags of the object that M4F, M7 and M33 share, and M55 where nothing is for Helium alone.
_SHARED = (*_CROSS, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")

# The kernel for large convolutions, also where it does not pay.
_FASTEST = Tuning(pairs_min_macs=0)

MACHINES = {
    "host": Machine(compiler=_SANITIZED, target=Target.PORTABLE),
    # The _dsp kernels in plain C, so that the sanitizers see them too.
    "host-dsp": Machine(compiler=_SANITIZED, target=Target.DSP),
    "host-dsp-fast": Machine(compiler=_SANITIZED, target=Target.DSP, tuning=_FASTEST),
    "cortex-m4f-fast": Machine(
        compiler=(*_CROSS, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        target=Target.DSP,
        qemu="mps2-an386",
        script="an386.ld",
        tuning=_FASTEST,
    ),
    "cortex-m4f": Machine(
        compiler=(*_CROSS, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        target=Target.DSP,
        qemu="mps2-an386",
        script="an386.ld",
    ),
    "cortex-m7": Machine(
        compiler=(*_CROSS, "-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"),
        target=Target.DSP,
        qemu="mps2-an500",
        script="an500.ld",
    ),
    "cortex-m33": Machine(
        compiler=(*_CROSS, "-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"),
        target=Target.DSP,
        qemu="mps2-an505",
        script="an505.ld",
    ),
    "cortex-m55": Machine(
        compiler=(*_CROSS, "-mcpu=cortex-m55", "-mfloat-abi=hard"),
        target=Target.MVE,
        qemu="mps3-an547",
        script="an547.ld",
    ),
}


def link_arguments(machine: Machine) -> list[str]:
    """What a bare-metal program needs beyond its sources."""
    if not machine.qemu:
        return []
    return [
        "--specs=rdimon.specs",
        "-nostartfiles",
        f"-L{HARNESS}",
        f"-T{HARNESS / machine.script}",
        "-Wl,--gc-sections",
    ]


@cache
def _objects() -> Path:
    """Object files of this process; equal text compiled by an equal command is compiled once."""
    folder = Path(tempfile.mkdtemp(prefix="tflm-gen-objects-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _execute(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr[:4000]


def compile_object(
    compiler: tuple[str, ...], source: Path, folder: Path, *, reads: tuple[Path, ...] = ()
) -> Path:
    """An object file, warnings as errors.

    Args:
        compiler: gcc and its flags.
        source: The C file.
        folder: Holds ``include``; the compiler runs there.
        reads: What else the object depends on.
    """
    digest = hashlib.sha256(repr((compiler, source.name)).encode())
    headers = sorted((folder / "include").rglob("*.h"))
    for path in (source, *reads, *headers):
        digest.update(path.read_bytes())
    found = _objects() / f"{digest.hexdigest()}.o"
    # Threads of a long run want the same objects at the same time.
    with _LOCKS.setdefault(found.name, threading.Lock()):
        if found.exists():
            return found
        include = (f"-I{folder / 'include'}", f"-I{HARNESS}")
        unfinished = found.with_suffix(".part")
        _execute([*compiler, *WARNINGS, *include, "-c", str(source), "-o", str(unfinished)], folder)
        unfinished.rename(found)
    return found


# Above this many models the call plans are compiled without the undefined behaviour sanitizer,
# which triples the time and has only their pointer offsets to look at. Kernels always have it.
_FULLY_SANITIZED_CASES = 64


def _case_compiler(machine: Machine, batch: Batch, cases: str) -> tuple[str, ...]:
    """For tables and call plans: fast to compile, and one object for all cores that can share it."""
    compiler = machine.compiler
    if machine.qemu and "__ARM_FEATURE_MVE" not in cases:
        compiler = _SHARED
    kept = tuple(flag for flag in compiler if flag not in ("-O1", "-O2", "-g"))
    if batch.n_cases > _FULLY_SANITIZED_CASES:
        kept = tuple(flag.replace("address,undefined", "address") for flag in kept)
    return (*kept, "-O0")


def build(machine: Machine, sources: tuple[Path, ...], folder: Path) -> Path:
    """Compile and link as one command, as a firmware would; includes are below the folder."""
    program = folder / "program.elf"
    startup = (HARNESS / "startup.c",) if machine.qemu else ()
    command = [*machine.compiler, *WARNINGS, f"-I{folder / 'include'}", f"-I{HARNESS}"]
    command += [*map(str, (*sources, *startup)), *link_arguments(machine), "-o", str(program)]
    _execute(command, folder)
    return program


def build_batch(machine: Machine, batch: Batch) -> Path:
    """Compile what no earlier batch did, and link."""
    folder = batch.folder
    cases = folder / "cases.c"
    objects = [
        compile_object(
            _case_compiler(machine, batch, cases.read_text()),
            cases,
            folder,
            reads=(folder / "vectors.bin", HARNESS / "cases.h"),
        )
    ]
    # The name that the linker script knows.
    shutil.copyfile(objects[0], folder / "cases.o")
    objects[0] = folder / "cases.o"
    sources = [HARNESS / "run_cases.c", *(folder / "src" / name for name in batch.kernels)]
    if machine.qemu:
        sources.append(HARNESS / "startup.c")
    objects += [compile_object(machine.compiler, source, folder) for source in sources]
    program = folder / "program.elf"
    arguments = [*map(str, objects), *link_arguments(machine), "-o", str(program)]
    _execute([*machine.compiler, *arguments], folder)
    return program


def run(machine: Machine, program: Path, *, icount: bool = False) -> str:
    """Run a program to its end; what it printed."""
    command = [str(program)]
    if machine.qemu:
        command = ["qemu-system-arm", "-M", machine.qemu, "-nographic", "-semihosting"]
        command += ["-icount", "shift=6"] if icount else []
        command += ["-kernel", str(program)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return done.stdout + done.stderr


def run_batch(machine: Machine, batch: Batch) -> tuple[int, list[str]]:
    """Run a batch; how many cases ran, and a line per difference."""
    printed = run(machine, build_batch(machine, batch))
    summary = _SUMMARY.search(printed)
    if summary is None:
        return 0, [f"the program did not end: {printed[-2000:]}"]
    lines = [line for line in printed.splitlines() if "CASES" not in line]
    if int(summary[2]) and not lines:
        lines = [summary[0]]
    return int(summary[1]), lines
