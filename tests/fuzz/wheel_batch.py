"""Runs accepted files on the wheel, many in one child process; a crash is traced to its file."""

from __future__ import annotations

import faulthandler
import os
import random
import resource
import signal
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.support.wheel_bench import ARENA_BYTES
from tflm_gen.model.reader import parse_model

if TYPE_CHECKING:
    from tflm_gen.model.records import Model

_CPU_LIMIT_S = 5
# What a child past its processor time is ended with.
_LATE = (signal.SIGXCPU, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Crash:
    """Files that the validator accepted and the wheel crashed on; several if only together."""

    verdict: str
    flatbuffers: tuple[bytes, ...]


def run_batch(files: list[bytes]) -> list[Crash]:
    """Run all in one child; if it dies, each in a child of its own."""
    from tflite_micro.python.tflite_micro import runtime

    number = _run_in_child(runtime, files)
    if number == 0:
        return []
    crashes = []
    is_late = number in _LATE
    for data in files:
        alone = _run_in_child(runtime, [data])
        # A loop without end is no crash: whether one ends cannot be told from the file.
        if alone in _LATE:
            is_late = True
        elif alone:
            crashes.append(Crash(_words(alone), (data,)))
    if not crashes and not is_late:
        # Memory that one file damaged may be used by the next.
        crashes.append(Crash(f"{_words(number)} in a row of files", tuple(files)))
    return crashes


def _words(number: int) -> str:
    return f"crashed ({signal.Signals(number).name})"


def _run_in_child(runtime: object, files: list[bytes]) -> int:
    """Number of the signal that ended the child, or 0."""
    child = os.fork()
    if child == 0:
        try:
            _run_all(runtime, files)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _run_all(runtime: object, files: list[bytes]) -> None:
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_LIMIT_S, _CPU_LIMIT_S))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for data in files:
        model = parse_model(data, "again.tflite")
        try:
            interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA_BYTES)
            for index in range(len(model.inputs)):
                details = interpreter.get_input_details(index)
                interpreter.set_input(_values(details, model), index)
            interpreter.invoke()
        except (RuntimeError, ValueError, TypeError):
            continue


def _values(details: dict[str, Any], model: Model) -> np.ndarray:
    """Zeros for every other file, and any bytes that there are for the rest."""
    shape, dtype = details["shape"], np.dtype(details["dtype"])
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    number = zlib.crc32(model.flatbuffer)
    # A loop may count as far as its input says.
    is_looping = any(op.op == "WHILE" for graph in model.subgraphs for op in graph.operators)
    is_random = number % 2 == 1 and not is_looping
    values = random.Random(number).randbytes(n_bytes) if is_random else bytes(n_bytes)
    return np.frombuffer(values, dtype=dtype).reshape(shape)
