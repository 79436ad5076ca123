"""Post-training quantization of a float .tflite (runs in the child, uses TensorFlow).

Every source first becomes one float .tflite, which is then calibrated and quantized with the two
steps that TensorFlow's own converter uses. One route for Keras, SavedModel and .tflite gives one
set of results, and the calibrated ranges are there to be looked at in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflm_gen.errors import UnsupportedModelError
from tflm_gen.quantize.ranges import narrowed
from tflm_gen.quantize.records import PERCENTILE, RangeChange

Arrays = Mapping[str, NDArray[np.float32]]


def float_interpreter(model: bytes, *, keep_all: bool = False) -> Any:  # noqa: ANN401 - no types
    """An interpreter for a model; XNNPACK is no oracle.

    TFLite's set of reference kernels lacks some operators (ELU and others): models that have one
    run on its ordinary kernels.
    """
    import tensorflow as tf

    kinds = tf.lite.experimental.OpResolverType
    kept = {"experimental_preserve_all_tensors": True} if keep_all else {}
    try:
        return tf.lite.Interpreter(
            model_content=model, experimental_op_resolver_type=kinds.BUILTIN_REF, **kept
        )
    except ValueError as error:
        if "Didn't find op" not in str(error):
            raise
    return tf.lite.Interpreter(
        model_content=model,
        experimental_op_resolver_type=kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        **kept,
    )


def input_shapes(float_model: bytes) -> dict[str, tuple[int, ...]]:
    """Input name -> shape without batch, named by the signature where there is one.

    Raises:
        UnsupportedModelError: An input is not float32, or a dimension other than the batch is
            unknown.
    """
    interpreter = float_interpreter(float_model)
    integers = [d["name"] for d in interpreter.get_tensor_details() if _is_quantized(d)]
    if integers:
        raise UnsupportedModelError(
            f"{len(integers)} tensors are integers with a scale (first: {integers[0]!r}): "
            "this model is quantized already",
            hint="quantize takes a float model; tflm-gen inspect says what this one is.",
        )
    if any(d["dtype"] is np.float16 for d in interpreter.get_tensor_details()):
        raise UnsupportedModelError(
            "the model's weights are float16, from which TensorFlow quantizes nothing",
            hint="Quantize the float32 model: convert without target_spec.supported_types.",
        )
    shapes = {}
    for name, detail in named_details(interpreter, "input").items():
        if detail["dtype"] is not np.float32:
            raise UnsupportedModelError(
                f"input {name!r} is {np.dtype(detail['dtype']).name}, not float32",
                hint="Windows are real numbers; move look-ups and casts out of the model.",
            )
        if any(d < 0 for d in detail["shape_signature"][1:]):
            raise UnsupportedModelError(
                f"input {name!r} has an unknown dimension: {detail['shape_signature'].tolist()}",
                hint="Fix the window length in the model's Input layer.",
            )
        shapes[name] = tuple(int(d) for d in detail["shape"][1:])
    return shapes


def output_shapes(float_model: bytes) -> list[tuple[int, ...]]:
    """Shapes of the outputs, without batch."""
    interpreter = float_interpreter(float_model)
    return [tuple(int(d) for d in o["shape"][1:]) for o in interpreter.get_output_details()]


def _is_quantized(detail: Mapping[str, Any]) -> bool:
    return detail["dtype"] in (np.int8, np.uint8, np.int16) and detail["quantization"][0] != 0


def named_details(interpreter: Any, side: str) -> dict[str, Any]:  # noqa: ANN401
    """Tensor details by signature name, in the interpreter's own order."""
    details = getattr(interpreter, f"get_{side}_details")()
    names = {}
    for signature in interpreter._get_full_signature_list().values():
        names = {index: name for name, index in signature[f"{side}s"].items()}
        break
    return {names.get(d["index"], d["name"]): d for d in details}


def run_float(float_model: bytes, arrays: Arrays) -> list[NDArray[np.float32]]:
    """Outputs of the float model, one array of shape (n_windows, ...) per output."""
    interpreter = float_interpreter(float_model)
    interpreter.allocate_tensors()
    inputs = named_details(interpreter, "input")
    outputs = list(named_details(interpreter, "output").values())
    rows: list[list[NDArray[np.float32]]] = [[] for _ in outputs]
    for i in range(len(next(iter(arrays.values())))):
        for name, detail in inputs.items():
            interpreter.set_tensor(detail["index"], arrays[name][i][None])
        interpreter.invoke()
        for row, detail in zip(rows, outputs, strict=True):
            row.append(interpreter.get_tensor(detail["index"])[0].copy())
    return [np.stack(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How a model is quantized.

    Attributes:
        name: "int8" or "int16x8".
        io: "int8" (integers of the scheme) or "float32".
        per_channel: Per-channel convolution weights.
        method: "minmax", "percentile" or "mse"; int16x8 has the first only.
        percentile: For "percentile".
    """

    name: str = "int8"
    io: str = "int8"
    per_channel: bool = True
    method: str = "minmax"
    percentile: float = PERCENTILE


def quantize(
    float_model: bytes, arrays: Arrays, scheme: Scheme
) -> tuple[bytes, tuple[RangeChange, ...]]:
    """Calibrate with the windows and quantize every operator.

    Args:
        float_model: Float .tflite with batch 1.
        arrays: Calibration windows, input name -> (n_windows, ...).
        scheme: How.

    Returns:
        The model, and the activations whose range is not their minimum and maximum.

    Raises:
        UnsupportedModelError: An operator has no integer version.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.optimize import calibrator

    names = list(named_details(float_interpreter(float_model), "input"))
    outside = _outside_type(scheme)

    def windows() -> Iterator[list[NDArray[np.float32]]]:
        for i in range(len(arrays[names[0]])):
            yield [arrays[name][i][None] for name in names]

    changes: tuple[RangeChange, ...] = ()
    try:
        # A fused LSTM needs its intermediate tensors to be calibrated as well.
        with_all = calibrator.add_intermediate_tensors(float_model)
        tool = calibrator.Calibrator(with_all)
        if scheme.name != "int8":
            return _quantize_16(tool, windows, scheme, outside), changes
        calibrated = tool.calibrate(windows)
        if scheme.method != "minmax":
            calibrated, changes = narrowed(
                with_all, calibrated, arrays, method=scheme.method, percentile=scheme.percentile
            )
        quantized = mlir_quantize(
            calibrated,
            disable_per_channel=not scheme.per_channel,
            input_data_type=outside,
            output_data_type=outside,
        )
        return bytes(quantized), changes
    except (RuntimeError, ValueError) as error:
        first = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise UnsupportedModelError(
            f"TensorFlow {tf.__version__} cannot quantize this model to {scheme.name}: "
            f"{first[:300]}",
            hint="Run tflm-gen inspect on the float .tflite to see its operators.",
        ) from error


def _outside_type(scheme: Scheme) -> Any:  # noqa: ANN401 - a TensorFlow type
    import tensorflow as tf

    inside = tf.int8 if scheme.name == "int8" else tf.int16
    return inside if scheme.io == "int8" else tf.float32


def _quantize_16(
    tool: Any,  # noqa: ANN401 - TensorFlow's calibrator
    windows: Callable[[], Iterator[list[NDArray[np.float32]]]],
    scheme: Scheme,
    outside: Any,  # noqa: ANN401 - a TensorFlow type
) -> bytes:
    """TensorFlow has int16 activations only in its older quantizer."""
    import tensorflow as tf

    return bytes(
        tool.calibrate_and_quantize(
            windows,
            outside,
            outside,
            allow_float=False,
            activations_type=tf.int16,
            bias_type=tf.int64,
            disable_per_channel=not scheme.per_channel,
            # CMSIS-NN's int16 FULLY_CONNECTED takes one scale only.
            disable_per_channel_quantization_for_dense_layers=True,
        )
    )
