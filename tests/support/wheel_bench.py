"""Runs many models on the tflite-micro wheel, each in a forked child: ran, refused, or crashed."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

ARENA_BYTES = 2 << 20
_CPU_LIMIT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a runtime did with a model.

    Attributes:
        verdict: "ran", "refused" (with the step), "crashed" (with the signal) or "hung".
        said: The runtime's last words, or "".
        outputs: Output bytes if it ran.
    """

    verdict: str
    said: str = ""
    outputs: tuple[bytes, ...] = ()

    @property
    def ran(self) -> bool:
        return self.verdict == "ran"


def run_on_wheel(flatbuffer: bytes, *, n_outputs: int, inputs: Sequence[bytes] = ()) -> Outcome:
    """One inference with zero inputs, or those given."""
    from tflite_micro.python.tflite_micro import runtime

    read_fd, write_fd = os.pipe()
    child = os.fork()
    if child == 0:
        code = 9
        try:
            code = _child(runtime, flatbuffer, write_fd, n_outputs, inputs)
        finally:
            os._exit(code)
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return _outcome(status, said)


def _child(
    runtime: object, flatbuffer: bytes, write_fd: int, n_outputs: int, inputs: Sequence[bytes]
) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_LIMIT_S, _CPU_LIMIT_S))
    os.dup2(write_fd, 1)
    os.dup2(write_fd, 2)
    config = runtime.InterpreterConfig.kAllocationRecording
    try:
        interpreter = runtime.Interpreter.from_bytes(
            flatbuffer, arena_size=ARENA_BYTES, intrepreter_config=config
        )
    except (RuntimeError, ValueError):
        return 3
    try:
        for index, data in enumerate(inputs):
            details = interpreter.get_input_details(index)
            values = np.frombuffer(data, dtype=details["dtype"]).reshape(details["shape"])
            interpreter.set_input(values, index)
    except (RuntimeError, ValueError, IndexError):
        return 5
    try:
        interpreter.invoke()
    except RuntimeError:
        return 4
    blobs = [interpreter.get_output(index).tobytes().hex() for index in range(n_outputs)]
    os.write(write_fd, ("\n@out " + " ".join(blobs)).encode())
    return 0


def _outcome(status: int, raw: bytes) -> Outcome:
    text = raw.decode("utf-8", "replace")
    head, _, tail = text.rpartition("\n@out ")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        verdict = "hung" if number == signal.SIGXCPU else f"crashed ({signal.Signals(number).name})"
        return Outcome(verdict=verdict, said=_last_line(text))
    code = os.WEXITSTATUS(status)
    if code == 0:
        outputs = tuple(bytes.fromhex(word) for word in tail.split(" "))
        return Outcome(verdict="ran", said=_last_line(head), outputs=outputs)
    step = {3: "allocate", 4: "invoke", 5: "input"}.get(code, f"exit {code}")
    return Outcome(verdict=f"refused ({step})", said=_last_line(text))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-3:])
