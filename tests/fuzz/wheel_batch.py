"""Runs accepted files on the wheel, many in one child process; a crash is traced to its file."""

from __future__ import annotations

import faulthandler
import os
import resource
from dataclasses import dataclass

import numpy as np

from tests.support.wheel_bench import ARENA_BYTES, run_on_wheel
from tflm_gen.model.reader import parse_model

_CPU_LIMIT_S = 20


@dataclass(frozen=True, slots=True)
class Crash:
    """A file that the validator accepted and the wheel crashed on."""

    verdict: str
    flatbuffer: bytes


def run_batch(files: list[bytes]) -> list[Crash]:
    """Run all in one child; if it dies, each in a child of its own."""
    from tflite_micro.python.tflite_micro import runtime

    child = os.fork()
    if child == 0:
        try:
            _run_all(runtime, files)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        return []
    crashes = []
    for data in files:
        outcome = run_on_wheel(parse_model(data, "again.tflite"))
        # A loop without end is no crash: whether one ends cannot be told from the file.
        if outcome.verdict.startswith("crashed"):
            crashes.append(Crash(outcome.verdict, data))
    return crashes


def _run_all(runtime: object, files: list[bytes]) -> None:
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_LIMIT_S, _CPU_LIMIT_S))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for data in files:
        n_inputs = len(parse_model(data, "again.tflite").inputs)
        try:
            interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA_BYTES)
            for index in range(n_inputs):
                details = interpreter.get_input_details(index)
                zeros = np.zeros(details["shape"], dtype=details["dtype"])
                interpreter.set_input(zeros, index)
            interpreter.invoke()
        except (RuntimeError, ValueError, TypeError):
            continue
