"""Asks the reference interpreter, which runs in a child process with limits."""

from __future__ import annotations

import io
import math
import re
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.arena_model.offline import reason_not_to_place
from tflm_gen.errors import MissingToolError, OracleError, RefusedModelError
from tflm_gen.model.reader import parse_model
from tflm_gen.model.run_checks import reason_not_to_run
from tflm_gen.oracle.messages import JsonValue, Message, MessageError, pack, unpack
from tflm_gen.process import CommandLine, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.model.records import Model
    from tflm_gen.vectors import Vector

_TIMEOUT_S = 300.0
_STAGE = re.compile(r"^@stage (.*)$", re.MULTILINE)
_ARENA_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")
_INSTALL_HINT = "Run: pip install tflite-micro (Linux on x86-64 only); tflm-gen doctor shows more"


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleRun:
    """Reference outputs.

    Attributes:
        outputs: Bytes by vector and output.
        runtime: Which interpreter computed them, with its source revision.
        arena_used_bytes: What its allocator recorded; a 64-bit figure, or None.
    """

    outputs: tuple[tuple[bytes, ...], ...]
    runtime: str
    arena_used_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TapModel:
    """A model whose outputs are all results of all operators.

    Attributes:
        model: The rewritten model.
        tensors: Tensor index behind each output, in execution order.
    """

    model: Model
    tensors: tuple[int, ...]


def run_oracle(
    flatbuffer: bytes,
    vectors: Sequence[Vector],
    *,
    timeout_s: float = _TIMEOUT_S,
    keeps_state: bool = False,
) -> OracleRun:
    """Reference outputs of all vectors, from one child process.

    The model's state is reset before every vector; the runner does the same on the device.

    Args:
        flatbuffer: A model whose structure the model reader has checked.
        vectors: At least one.
        timeout_s: Limit for all of them.
        keeps_state: Leave the state as it is between vectors.

    Raises:
        OracleError: If the interpreter refuses the model, or crashes.
        MissingToolError: If the tflite-micro wheel is not installed.
    """
    header: dict[str, JsonValue] = {
        "operation": "run",
        "n_inputs": len(vectors[0].inputs),
        "keeps_state": keeps_state,
    }
    blobs = [data for vector in vectors for data in vector.inputs]
    answer, said = _ask(header, [flatbuffer, *blobs], timeout_s)
    n_outputs = answer.integer("n_outputs")
    used = _ARENA_TOTAL.search(said)
    return OracleRun(
        outputs=tuple(
            answer.blobs[at : at + n_outputs] for at in range(0, len(answer.blobs), n_outputs)
        ),
        runtime=answer.text("runtime"),
        arena_used_bytes=int(used[1]) if used else None,
    )


def read_tensors(
    flatbuffer: bytes, vector: Vector, tensors: Sequence[int], *, timeout_s: float = _TIMEOUT_S
) -> tuple[bytes, ...]:
    """Bytes of intermediate tensors after one run, none of them overwritten by later operators.

    Raises:
        OracleError: If the interpreter refuses the model, or crashes.
        MissingToolError: If the tflite-micro wheel is not installed.
    """
    header: dict[str, JsonValue] = {"operation": "tensors", "tensors": list(tensors)}
    answer, _ = _ask(header, [flatbuffer, *vector.inputs], timeout_s)
    return answer.blobs


def make_tap_model(model: Model, *, timeout_s: float = _TIMEOUT_S) -> TapModel:
    """The model with every operator's results as outputs.

    Raises:
        OracleError: If the model cannot be rewritten.
        MissingToolError: If the tflite-micro wheel is not installed.
    """
    answer, _ = _ask({"operation": "tap"}, [model.flatbuffer], timeout_s)
    tensors = answer.header["tensors"]
    assert isinstance(tensors, list)
    return TapModel(
        model=parse_model(answer.blobs[0], f"{model.name}_tap.tflite"),
        tensors=tuple(index for index in tensors if isinstance(index, int)),
    )


def find_smallest_host_arena(
    flatbuffer: bytes, vector: Vector, *, timeout_s: float = _TIMEOUT_S
) -> int:
    """Smallest arena in which the host's interpreter gives the right bytes.

    Every size is tried in a child process of its own: too small an arena may crash. The size
    returned ran, and the one 16 bytes smaller did not.

    Raises:
        OracleError: If the interpreter refuses the model, or crashes with a large arena.
        MissingToolError: If the tflite-micro wheel is not installed.
    """
    answer, _ = _ask({"operation": "smallest_arena"}, [flatbuffer, *vector.inputs], timeout_s)
    return answer.integer("ran_at")


def _ask(
    header: dict[str, JsonValue], blobs: Sequence[bytes], timeout_s: float
) -> tuple[Message, str]:
    """The child's answer and what it wrote to standard error; the first blob is the model."""
    model = parse_model(blobs[0], "model.tflite")
    reason = reason_not_to_run(model) or reason_not_to_place(model)
    if reason:
        raise RefusedModelError(
            f"the reference interpreter is not given this model, as it may crash on it: {reason}",
            hint="See every operator concerned, with remedies: tflm-gen check MODEL --board BOARD",
        )
    completed = run(
        CommandLine(
            argv=(sys.executable, "-m", "tflm_gen.oracle.worker"),
            purpose="run the reference interpreter",
            timeout_s=timeout_s,
            stdin=pack({**header, "timeout_s": math.ceil(timeout_s)}, blobs),
        )
    )
    said = completed.stderr.decode("utf-8", "replace")
    if completed.returncode != 0:
        raise _crash(completed.returncode, said)
    try:
        answer = unpack(io.BytesIO(completed.stdout))
    except MessageError as error:
        raise OracleError(
            f"the reference interpreter's answer is damaged: {error}",
            hint="Run the command again; if it repeats, report the model.",
        ) from error
    if answer.header.get("error") == "missing":
        raise MissingToolError(
            f"the reference interpreter is not installed: {answer.text('detail')}",
            hint=_INSTALL_HINT,
        )
    if "error" in answer.header:
        raise RefusedModelError(
            f"the reference interpreter refused the model: {answer.text('detail')}"
            f"{_last_words(said)}",
            hint="See which operators the model has: tflm-gen inspect MODEL",
        )
    return answer, said


def _crash(returncode: int, said: str) -> OracleError:
    stages = _STAGE.findall(said)
    stage = f" while {stages[-1]}" if stages else ""
    if returncode < 0:
        how = f"crashed with {signal.Signals(-returncode).name}"
    else:
        how = f"ended with exit code {returncode}"
    return OracleError(
        f"the reference interpreter {how}{stage}{_last_words(said)}",
        hint="The model runs into a defect of the interpreter; check it: tflm-gen inspect MODEL",
    )


def _last_words(said: str) -> str:
    lines = [text.strip() for text in said.splitlines() if text.strip()]
    own = [text for text in lines if not text.startswith("@stage")]
    return f" ({own[-1]})" if own else ""
