"""Float against quantized outputs on the same windows (runs in the child)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflm_gen.model.reader import parse_model
from tflm_gen.model.run_checks import reason_not_to_run
from tflm_gen.quantize.ptq import float_interpreter, named_details
from tflm_gen.quantize.records import Agreement

Arrays = Mapping[str, NDArray[np.float32]]


def run_quantized(model: bytes, arrays: Arrays) -> tuple[str, list[NDArray[np.float32]]]:
    """Outputs of the quantized model in real units, and the name of the runtime that gave them.

    TFLM's own interpreter where its wheel is installed; else TFLite's reference kernels.
    """
    import tensorflow as tf

    reference = float_interpreter(model)
    inputs = named_details(reference, "input")
    outputs = list(named_details(reference, "output").values())
    runtime = _wheel_for(model)
    if runtime is None:
        reference.allocate_tensors()
        machine: _Machine = _LiteMachine(reference, inputs, outputs)
        name = f"TFLite {tf.__version__} kernels"
    else:
        machine = _MicroMachine(runtime.Interpreter.from_bytes(model), inputs, outputs)
        name = "tflite-micro wheel"
    rows: list[list[NDArray[np.float32]]] = [[] for _ in outputs]
    for i in range(len(next(iter(arrays.values())))):
        values = machine.run(
            [_quantized(arrays[key][i][None], detail) for key, detail in inputs.items()]
        )
        for row, value, detail in zip(rows, values, outputs, strict=True):
            row.append(_real(value, detail)[0])
    return name, [np.stack(row) for row in rows]


def _wheel_for(model: bytes) -> Any:  # noqa: ANN401 - a module without types
    """TFLM's interpreter, if it is installed and may be given the model."""
    if reason_not_to_run(parse_model(model, "quantized.tflite")):
        return None
    try:
        from tflite_micro import runtime
    except ImportError:
        return None
    return runtime


class _Machine(ABC):
    """Runs one window through one interpreter."""

    def __init__(self, interpreter: Any, inputs: Any, outputs: Any) -> None:  # noqa: ANN401
        self.interpreter = interpreter
        self.inputs = list(inputs.values())
        self.outputs = outputs

    @abstractmethod
    def run(self, tensors: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs for one window, in the interpreter's order."""


class _LiteMachine(_Machine):
    def run(self, tensors: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        for detail, tensor in zip(self.inputs, tensors, strict=True):
            self.interpreter.set_tensor(detail["index"], tensor)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(d["index"]).copy() for d in self.outputs]


class _MicroMachine(_Machine):
    def run(self, tensors: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        self.interpreter.reset()
        for i, tensor in enumerate(tensors):
            self.interpreter.set_input(tensor, i)
        self.interpreter.invoke()
        return [self.interpreter.get_output(i).copy() for i in range(len(self.outputs))]


def _quantized(window: NDArray[np.float32], detail: Mapping[str, Any]) -> NDArray[Any]:
    dtype = np.dtype(detail["dtype"])
    if dtype == np.float32:
        return window
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(dtype)
    # Ties away from zero, as the firmware's std::round.
    scaled = window / np.float32(scale)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    quantized: NDArray[Any] = np.clip(rounded + zero_point, limits.min, limits.max).astype(dtype)
    return quantized


def _real(value: NDArray[Any], detail: Mapping[str, Any]) -> NDArray[np.float32]:
    if value.dtype == np.float32:
        return value
    scale, zero_point = detail["quantization"]
    real: NDArray[np.float32] = (value.astype(np.float32) - zero_point) * np.float32(scale)
    return real


def compare(
    float_outputs: Sequence[NDArray[np.float32]],
    quantized_outputs: Sequence[NDArray[np.float32]],
    *,
    split: str,
    runtime: str,
) -> Agreement:
    """Agreement of two runs over the same windows; the first maximum wins a tie, as in firmware."""
    differences = [
        np.abs(a - b).ravel() for a, b in zip(float_outputs, quantized_outputs, strict=True)
    ]
    flat = np.concatenate(differences)
    first = float_outputs[0]
    same_class = None
    if len(float_outputs) == 1 and first[0].size > 1 and first.ndim == 2:
        same_class = int(np.sum(first.argmax(axis=1) == quantized_outputs[0].argmax(axis=1)))
    return Agreement(
        split=split,
        runtime=runtime,
        n_windows=len(first),
        same_class=same_class,
        max_abs_error=float(flat.max()),
        mean_abs_error=float(flat.mean()),
    )
