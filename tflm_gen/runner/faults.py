"""Puts a CPU fault into words: FAULT records of our firmware, and QEMU's own last words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.wire import Record

# Armv7-M/Armv8-M Configurable Fault Status Register: bit -> what happened.
_CFSR = {
    0: "instruction fetch not allowed",
    1: "data access not allowed",
    3: "MPU fault while returning from an exception",
    4: "MPU fault while entering an exception",
    5: "MPU fault while saving FPU state",
    8: "bus error on instruction fetch",
    9: "precise data bus error",
    10: "imprecise data bus error",
    11: "bus error while returning from an exception",
    12: "bus error while entering an exception",
    13: "bus error while saving FPU state",
    16: "undefined instruction",
    17: "invalid state (Thumb bit)",
    18: "invalid PC load",
    19: "no coprocessor (FPU or Helium off)",
    20: "stack overflow",
    24: "unaligned access",
    25: "division by zero",
}
_CFSR_MMARVALID = 1 << 7
_CFSR_BFARVALID = 1 << 15
_LOCKUP = re.compile(r"Lockup: [^\n]*")
_REGISTER = re.compile(r"\b(R1[345]|XPSR)=([0-9a-f]{8})")
_NAMES = {"R13": "sp", "R14": "lr", "R15": "pc", "XPSR": "psr"}


def describe_fault(record: Record) -> str:
    """One line from a FAULT record: kind, phase, operator, causes, registers."""
    cfsr = record.integer("cfsr")
    causes = [text for bit, text in _CFSR.items() if cfsr & (1 << bit)]
    if cfsr & _CFSR_MMARVALID:
        causes.append(f"address 0x{record.integer('mmfar'):08x}")
    elif cfsr & _CFSR_BFARVALID:
        causes.append(f"address 0x{record.integer('bfar'):08x}")
    operator = record.integer("op")
    where = f"phase {record.text('phase')!r}" + (f", operator {operator}" if operator >= 0 else "")
    registers = " ".join(
        f"{name}=0x{record.integer(name):08x}" for name in ("pc", "lr", "sp", "psr", "cfsr", "hfsr")
    )
    why = f" ({'; '.join(causes)})" if causes else ""
    return f"{record.text('kind')}{why} in {where}: {registers}"


def describe_qemu_end(returncode: int | None, stderr: str) -> str:
    """One line from QEMU's exit code and standard error; a CPU lockup is recognised."""
    lockup = _LOCKUP.search(stderr)
    if lockup:
        registers = " ".join(
            f"{_NAMES[name]}=0x{value}" for name, value in _REGISTER.findall(stderr)
        )
        return f"CPU lockup, the fault handler itself faulted ({lockup[0]}) {registers}".rstrip()
    return describe_program_end(returncode, stderr)


def describe_program_end(returncode: int | None, stderr: str) -> str:
    """One line from a program's exit code and the last line of its standard error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    last = f": {lines[-1]}" if lines else ""
    return f"the program {describe_exit(returncode)}{last}"


def describe_exit(returncode: int | None) -> str:
    """An exit code in words, signals by name."""
    import signal

    if returncode is None:
        return "still runs, but closed its serial line"
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"
