"""The oracle's child process: ``python -m tflm_gen.oracle.worker``, one request, one answer.

Standard input carries the request, standard output the answer; what the interpreter prints goes
to standard error. Lines "@stage ..." there tell the parent how far it came before a crash.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import TYPE_CHECKING, Any

from tflm_gen.oracle.messages import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tflm_gen.oracle.messages import JsonValue, Message

    Reply = tuple[dict[str, JsonValue], Sequence[bytes]]

_FIRST_ARENA_BYTES = 1 << 20
_LARGEST_ARENA_BYTES = 1 << 30
_GIBIBYTE = 1 << 30


class RefusedError(Exception):
    """The interpreter refused the model or an input; the text says at which step."""


def main() -> int:
    """Serve one request."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # The interpreter's printf must not get between the answer's bytes.
    request = unpack(sys.stdin.buffer)
    _limit_resources(request)
    try:
        answer = pack(*_serve(request))
    except ImportError as error:
        answer = pack({"error": "missing", "detail": str(error)}, ())
    except RefusedError as error:
        answer = pack({"error": "refused", "detail": str(error)}, ())
    answers.write(answer)
    answers.close()
    return 0


def _limit_resources(request: Message) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, request.integer("timeout_s"))
    _limit(resource.RLIMIT_AS, 8 * _GIBIBYTE)


def _limit(kind: int, wanted: int) -> None:
    """Lower a limit; one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, hard))


def _serve(request: Message) -> Reply:
    operations: dict[str, Callable[[Message], Reply]] = {
        "run": _run,
        "tensors": _tensors,
        "tap": _tap,
        "smallest_arena": _smallest_arena,
    }
    return operations[request.text("operation")](request)


def _stage(text: str) -> None:
    sys.stderr.write(f"@stage {text}\n")
    sys.stderr.flush()


def _runtime_id() -> str:
    from tflite_micro.python.tflite_micro import _version

    return f"tflite-micro {_version.__version__}"


class _Runner:
    """One interpreter with an arena that is large enough."""

    def __init__(self, model: bytes, *, preserve: bool, arena_bytes: int | None = None) -> None:
        from tflite_micro.python.tflite_micro import runtime

        config = runtime.InterpreterConfig
        self._n_outputs = _count_outputs(model)
        wanted = config.kPreserveAllTensors if preserve else config.kAllocationRecording
        size = arena_bytes or max(_FIRST_ARENA_BYTES, 10 * len(model))
        while True:
            _stage(f"allocating tensors in {size} bytes")
            try:
                # The parameter is spelled so.
                self.interpreter = runtime.Interpreter.from_bytes(
                    model, arena_size=size, intrepreter_config=wanted
                )
                break
            except (RuntimeError, ValueError) as error:
                if arena_bytes or size >= _LARGEST_ARENA_BYTES:
                    raise RefusedError(f"allocating tensors: {error}") from error
                size *= 8

    def invoke(self, inputs: Sequence[bytes]) -> None:
        """Set every input and run once."""
        import numpy as np

        for index, data in enumerate(inputs):
            try:
                details = self.interpreter.get_input_details(index)
                values = np.frombuffer(data, dtype=details["dtype"]).reshape(details["shape"])
                self.interpreter.set_input(values, index)
            except (RuntimeError, ValueError, IndexError) as error:
                raise RefusedError(f"input {index}: {error}") from error
        try:
            self.interpreter.invoke()
        except RuntimeError as error:
            raise RefusedError(f"invoke: {error}") from error

    @property
    def n_outputs(self) -> int:
        """How many outputs the model has."""
        return self._n_outputs

    def outputs(self) -> list[bytes]:
        """Bytes of every output."""
        return [self.interpreter.get_output(i).tobytes() for i in range(self._n_outputs)]


def _count_outputs(model: bytes) -> int:
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    count: int = schema.Model.GetRootAsModel(model, 0).Subgraphs(0).OutputsLength()
    return count


def _vectors(request: Message) -> list[tuple[bytes, ...]]:
    per_vector = request.integer("n_inputs")
    data = request.blobs[1:]
    return [data[at : at + per_vector] for at in range(0, len(data), per_vector)]


def _run(request: Message) -> Reply:
    runner = _Runner(request.blobs[0], preserve=False)
    blobs: list[bytes] = []
    for number, inputs in enumerate(_vectors(request)):
        _stage(f"running vector {number}")
        if not request.header.get("keeps_state"):
            runner.interpreter.reset()
        runner.invoke(inputs)
        blobs += runner.outputs()
    runner.interpreter.print_allocations()
    return {"runtime": _runtime_id(), "n_outputs": runner.n_outputs}, blobs


def _tensors(request: Message) -> Reply:
    """Every tensor named in the request, after one run; an empty shape marks one without data."""
    runner = _Runner(request.blobs[0], preserve=True)
    _stage("running with all tensors preserved")
    runner.invoke(request.blobs[1:])
    wanted = request.header["tensors"]
    blobs = []
    for index in wanted if isinstance(wanted, list) else []:
        tensor: dict[str, Any] = runner.interpreter.GetTensor(index, 0)
        blobs.append(tensor["tensor_data"].tobytes())
    return {"runtime": _runtime_id()}, blobs


def _tap(request: Message) -> Reply:
    from tflm_gen.oracle.tap import make_tap_model

    _stage("writing the tap model")
    model, tensors = make_tap_model(request.blobs[0])
    return {"tensors": list(tensors)}, [model]


def _smallest_arena(request: Message) -> Reply:
    from tflm_gen.arena.bisect import find_smallest_arena
    from tflm_gen.arena_model.choice import preparation_bytes
    from tflm_gen.model.reader import parse_model

    model, inputs = request.blobs[0], request.blobs[1:]
    reference = _Runner(model, preserve=False)
    reference.invoke(inputs)
    expected = reference.outputs()

    def attempt(size_bytes: int) -> int:
        try:
            runner = _Runner(model, preserve=False, arena_bytes=size_bytes)
            runner.invoke(inputs)
        except RefusedError:
            return _FAILED
        return _RAN if runner.outputs() == expected else _RAN_WITH_OTHER_OUTPUTS

    outcomes: dict[int, int] = {}
    lowest = sys.maxsize  # From here on other outputs may pass.

    def runs_at(size_bytes: int) -> bool:
        if size_bytes not in outcomes:
            outcomes[size_bytes] = _in_child(attempt, size_bytes)
        is_other = outcomes[size_bytes] == _RAN_WITH_OTHER_OUTPUTS
        return outcomes[size_bytes] == _RAN or (is_other and size_bytes >= lowest)

    high = max(_FIRST_ARENA_BYTES, 10 * len(model))
    while not runs_at(high) and high < _LARGEST_ARENA_BYTES:
        high *= 8
    found = find_smallest_arena(runs_at, high_bytes=high)
    is_other = outcomes.get(found.failed_at_bytes) == _RAN_WITH_OTHER_OUTPUTS
    floor = preparation_bytes(parse_model(model, "model.tflite"), "wheel")
    is_steady = not is_other or floor is None or found.failed_at_bytes < floor
    if floor is not None and not is_steady:
        # A kernel reads memory that nothing wrote: its outputs say nothing about the size.
        lowest = floor
        found = find_smallest_arena(runs_at, high_bytes=found.ran_at_bytes)
    header: dict[str, JsonValue] = {
        "ran_at": found.ran_at_bytes,
        "failed_at": found.failed_at_bytes,
        "is_steady": is_steady,
        "runtime": _runtime_id(),
    }
    return header, ()


_RAN, _FAILED, _RAN_WITH_OTHER_OUTPUTS = 0, 1, 2


def _in_child(attempt: Callable[[int], int], size_bytes: int) -> int:
    """Outcome of an attempt that may crash; a crash counts as failed."""
    child = os.fork()
    if child == 0:
        outcome = _FAILED
        try:
            outcome = attempt(size_bytes)
        finally:
            os._exit(outcome)
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else _FAILED


if __name__ == "__main__":
    sys.exit(main())
