"""Runs many models on the tflite-micro wheel, each in a forked child: ran, refused, or crashed."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.model.records import Model

ARENA_BYTES = 2 << 20
_CPU_LIMIT_S = 5


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


def run_on_wheel(model: Model, inputs: Sequence[bytes] = ()) -> Outcome:
    """One inference with the inputs given, the rest zero."""
    from tflite_micro.python.tflite_micro import runtime

    read_fd, write_fd = os.pipe()
    child = os.fork()
    if child == 0:
        code = 9
        try:
            code = _child(runtime, model, write_fd, inputs)
        finally:
            os._exit(code)
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return _outcome(status, said)


def _set_inputs(interpreter: object, n_inputs: int, inputs: Sequence[bytes]) -> None:
    """The arena is not cleared: an input that is not set holds what was there before."""
    for index in range(n_inputs):
        details = interpreter.get_input_details(index)
        dtype, shape = details["dtype"], details["shape"]
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        data = inputs[index] if index < len(inputs) else bytes(n_bytes)
        interpreter.set_input(np.frombuffer(data, dtype=dtype).reshape(shape), index)


def _child(runtime: object, model: Model, write_fd: int, inputs: Sequence[bytes]) -> int:
    n_inputs, n_outputs = len(model.inputs), len(model.outputs)
    # A crash is an answer here; its traceback would only be noise.
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_LIMIT_S, _CPU_LIMIT_S))
    os.dup2(write_fd, 1)
    os.dup2(write_fd, 2)
    config = runtime.InterpreterConfig.kAllocationRecording
    try:
        interpreter = runtime.Interpreter.from_bytes(
            model.flatbuffer, arena_size=ARENA_BYTES, intrepreter_config=config
        )
    except (RuntimeError, ValueError):
        return 3
    try:
        _set_inputs(interpreter, n_inputs, inputs)
    except (RuntimeError, ValueError, IndexError, TypeError):
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
        # Past its processor time the child is ended with one of these.
        is_late = number in (signal.SIGXCPU, signal.SIGKILL)
        verdict = "hung" if is_late else f"crashed ({signal.Signals(number).name})"
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
