"""Builds a test program for this machine or an emulated core, and runs it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.kernels.batch import HARNESS, Batch
from tflm_gen.compiled.generate import DEFAULT_TUNING
from tflm_gen.compiled.ir import Target, Tuning

WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wundef")
_SUMMARY = re.compile(r"CASES (\d+) FAILED (\d+)")
_TIMEOUT_S = 600


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
        script="mps2.ld",
        tuning=_FASTEST,
    ),
    "cortex-m4f": Machine(
        compiler=(*_CROSS, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        target=Target.DSP,
        qemu="mps2-an386",
        script="mps2.ld",
    ),
    "cortex-m7": Machine(
        compiler=(*_CROSS, "-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"),
        target=Target.DSP,
        qemu="mps2-an500",
        script="mps2.ld",
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
        str(HARNESS / "startup.c"),
    ]


def build(machine: Machine, sources: tuple[Path, ...], folder: Path) -> Path:
    """Compile and link, warnings as errors; includes are below the folder."""
    program = folder / "program.elf"
    command = [
        *machine.compiler,
        *WARNINGS,
        f"-I{folder / 'include'}",
        f"-I{HARNESS}",
        *(str(source) for source in sources),
        *link_arguments(machine),
        "-o",
        str(program),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[:4000]
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


def run_batch(machine: Machine, batch: Batch, folder: Path) -> tuple[int, list[str]]:
    """Run a batch; how many cases ran, and a line per difference."""
    printed = run(machine, build(machine, batch.sources, folder))
    summary = _SUMMARY.search(printed)
    if summary is None:
        return 0, [f"the program did not end: {printed[-2000:]}"]
    lines = [line for line in printed.splitlines() if "CASES" not in line]
    if int(summary[2]) and not lines:
        lines = [summary[0]]
    return int(summary[1]), lines
