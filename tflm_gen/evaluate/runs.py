"""Runs the two models on the same inputs: float in TensorFlow's child, int8 on TFLM itself."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import math
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen import errors
from tflm_gen.errors import MissingToolError, OracleError, UnsupportedModelError
from tflm_gen.evaluate.array_cache import arrays_digest, key_of, load_arrays, store_arrays
from tflm_gen.evaluate.results import ModelRun
from tflm_gen.oracle.client import run_oracle
from tflm_gen.preprocess.binding import quantize_values
from tflm_gen.preprocess.carried import input_names
from tflm_gen.process import CONVERTER_MEMORY_BYTES, CommandLine, run
from tflm_gen.quantize.client import batch_check
from tflm_gen.quantize.source import source_sha256
from tflm_gen.tflm.source_facts import WHEEL_VERSION
from tflm_gen.vectors import Vector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from tflm_gen.model.records import Model, TensorSpec
    from tflm_gen.quantize.records import BatchCheck

    Inputs = Mapping[str, NDArray[np.float32]]

_CACHE = "runs"
_CHUNK = 8192
_TIMEOUT_S = 1800.0


def run_float(model: Path, inputs: Inputs) -> tuple[ModelRun, BatchCheck]:
    """Outputs of a .keras, SavedModel or float .tflite model; kept in the cache by content.

    Raises:
        MissingToolError: TensorFlow is not installed.
        OracleError: TensorFlow's process crashed.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingToolError(
            "running the float model needs TensorFlow, which is not installed",
            hint="Install it: pip install 'tflm-gen[quantize]'",
        )
    key = key_of(
        *("float", _code_digest(), source_sha256(model), arrays_digest(inputs)),
        _tensorflow_version(),
    )
    stored = load_arrays(_CACHE, key)
    if stored is None:
        answer, scores = _ask_tensorflow(model, inputs)
        stored = {"scores": scores, "answer": np.array(json.dumps(answer))}
        store_arrays(_CACHE, key, stored)
    known = json.loads(str(stored["answer"]))
    return (
        ModelRun(name="float", runtime=str(known["runtime"]), scores=stored["scores"]),
        batch_check(known["batches"]),
    )


@functools.cache
def _code_digest() -> str:
    """Hash of the sources that decide what a stored run is."""
    from tflm_gen.evaluate import worker
    from tflm_gen.quantize import float_machine

    paths = (__file__, worker.__file__, float_machine.__file__)
    return hashlib.sha256(b"".join(Path(path).read_bytes() for path in paths)).hexdigest()


def _tensorflow_version() -> str:
    """Version without the seconds that importing it takes."""
    for name in ("tensorflow", "tensorflow-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"


def _ask_tensorflow(model: Path, inputs: Inputs) -> tuple[dict[str, object], NDArray[np.float32]]:
    with tempfile.TemporaryDirectory(prefix="tflm-gen-") as folder:
        data, out = Path(folder) / "inputs.npz", Path(folder) / "outputs.npy"
        _save(data, inputs)
        completed = run(
            CommandLine(
                argv=(sys.executable, "-m", "tflm_gen.evaluate.worker"),
                purpose="run the float model",
                timeout_s=_TIMEOUT_S,
                memory_bytes=CONVERTER_MEMORY_BYTES,
                env={"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"},
                stdin=json.dumps(
                    {"model": str(model), "inputs": str(data), "out": str(out)}
                ).encode(),
            )
        )
        return _answer(completed.stdout, completed.stderr, completed.returncode), np.load(out)


def _save(path: Path, inputs: Inputs) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in inputs.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, values, allow_pickle=False)


def _answer(stdout: bytes, stderr: bytes, returncode: int) -> dict[str, object]:
    try:
        answer: dict[str, object] = json.loads(stdout)
    except ValueError as error:
        last = stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        how = f"was ended by signal {-returncode}" if returncode < 0 else f"ended with {returncode}"
        raise OracleError(
            f"TensorFlow's process {how} while running the float model: {''.join(last)[:300]}",
            hint="Try the model in TensorFlow itself.",
        ) from error
    failure = answer.get("error")
    if isinstance(failure, dict):
        raise getattr(errors, failure["kind"])(failure["message"], hint=failure["hint"])
    return answer


def run_int8(
    model: Model, inputs: Inputs, progress: Callable[[str], None] = lambda _: None
) -> ModelRun:
    """Outputs of the quantized model in real units, from TFLM's own interpreter.

    Every finished part is kept in the cache by content, so that a stopped run goes on there.

    Raises:
        UnsupportedModelError: The inputs or the output are not the ones of this preprocessing.
        OracleError: The interpreter refuses the model.
        MissingToolError: The tflite-micro wheel is not installed.
    """
    columns = stored_columns(model, inputs)
    output = model.outputs[0]
    n_windows = len(columns[0])
    rows: list[NDArray[np.float32]] = [np.zeros((0, math.prod(output.shape)), dtype=np.float32)]
    runtime = ""
    for at in range(0, n_windows, _CHUNK):
        progress(f"int8 model, beat {at} of {n_windows}")
        runtime, part = _run_chunk(model, [column[at : at + _CHUNK] for column in columns])
        rows.append(part)
    return ModelRun(name="int8", runtime=runtime, scores=np.concatenate(rows))


def _run_chunk(model: Model, columns: list[NDArray[np.generic]]) -> tuple[str, NDArray[np.float32]]:
    digest = arrays_digest({str(i): column for i, column in enumerate(columns)})
    key = key_of("int8", _code_digest(), model.flatbuffer, digest, WHEEL_VERSION)
    stored = load_arrays(_CACHE, key)
    if stored is None:
        vectors = [
            Vector(name=str(i), inputs=tuple(column[i].tobytes() for column in columns))
            for i in range(len(columns[0]))
        ]
        done = run_oracle(model.flatbuffer, vectors, timeout_s=_TIMEOUT_S)
        rows = np.stack([_real(row[0], model.outputs[0]) for row in done.outputs])
        stored = {"scores": rows, "runtime": np.array(done.runtime)}
        store_arrays(_CACHE, key, stored)
    return str(stored["runtime"]), stored["scores"]


def stored_columns(model: Model, inputs: Inputs) -> list[NDArray[np.generic]]:
    """Real numbers as the model's inputs store them, in the interpreter's order.

    Raises:
        UnsupportedModelError: The inputs or the output are not the ones of this preprocessing.
    """
    names = input_names(model)
    if len(model.outputs) != 1 or set(names) != set(inputs):
        raise UnsupportedModelError(
            f"the model has inputs {sorted(names)} and {len(model.outputs)} outputs; "
            f"the preprocessing gives {sorted(inputs)} for one output",
            hint="Name the inputs in the specification as the model does.",
        )
    return [_stored(inputs[name], tensor) for name, tensor in zip(names, model.inputs, strict=True)]


def _stored(values: NDArray[np.float32], tensor: TensorSpec) -> NDArray[np.generic]:
    if tensor.dtype == "float32":
        return np.ascontiguousarray(values, dtype=np.float32)
    if tensor.dtype != "int8" or tensor.quantization is None:
        raise UnsupportedModelError(
            f"input {tensor.name!r} is {tensor.dtype}", hint="Quantize with --io int8."
        )
    return quantize_values(
        values,
        scale=tensor.quantization.scales[0],
        zero_point=tensor.quantization.zero_points[0],
    )


def _real(data: bytes, tensor: TensorSpec) -> NDArray[np.float32]:
    if tensor.dtype == "float32":
        return np.frombuffer(data, dtype="<f4").astype(np.float32)
    if tensor.dtype != "int8" or tensor.quantization is None:
        raise UnsupportedModelError(
            f"output {tensor.name!r} is {tensor.dtype}", hint="Quantize with --io int8."
        )
    stored = np.frombuffer(data, dtype=np.int8).astype(np.float32)
    real: NDArray[np.float32] = (stored - tensor.quantization.zero_points[0]) * np.float32(
        tensor.quantization.scales[0]
    )
    return real
