"""Runs the quantizer's child process and puts the result in place."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflm_gen import errors
from tflm_gen.errors import MissingToolError, OracleError, UsageError
from tflm_gen.process import CONVERTER_MEMORY_BYTES, CommandLine, run
from tflm_gen.project.output_file import check_output, publish, stage_beside
from tflm_gen.quantize.records import (
    IO_TYPES,
    METHODS,
    SCHEMES,
    Agreement,
    BatchCheck,
    QuantizeAnswer,
    QuantizeRequest,
    RangeChange,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_INSTALL_HINT = "Install it: pip install 'tflm-gen[quantize]'"


def quantize_model(request: QuantizeRequest, *, timeout_s: float) -> QuantizeAnswer:
    """Quantize in a child process and move the finished file to ``request.output_path``.

    Raises:
        UsageError: An option or the data is wrong.
        MissingToolError: TensorFlow is not installed.
        ModelFileError: The model is no Keras model, SavedModel or .tflite.
        UnsupportedModelError: TensorFlow cannot convert or quantize it.
        PreprocessSpecError: The specification it shall carry is for another model.
        OracleError: The child crashed.
        ProcessTimeoutError: The child ran past ``timeout_s``.
    """
    return quantize_models([request], timeout_s=timeout_s)[0]


def quantize_models(
    requests: Sequence[QuantizeRequest], *, timeout_s: float
) -> tuple[QuantizeAnswer, ...]:
    """Quantize in several ways in one child process; raises as :func:`quantize_model`."""
    for request in requests:
        _check_request(request)
        check_output(Path(request.output_path))
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingToolError(
            "quantize needs TensorFlow, which is not installed", hint=_INSTALL_HINT
        )
    staged: list[Path] = []
    try:
        # Same folder: the last step is a rename, so nothing half written is seen at --out.
        staged.extend(stage_beside(Path(request.output_path)) for request in requests)
        moved = [
            dataclasses.replace(request, output_path=str(path))
            for request, path in zip(requests, staged, strict=True)
        ]
        answers = _ask_child(moved, timeout_s)
        for request, path in zip(requests, staged, strict=True):
            publish(path, Path(request.output_path))
    finally:
        for path in staged:
            path.unlink(missing_ok=True)
    return answers


def _check_request(request: QuantizeRequest) -> None:
    if request.io == "uint8":
        raise UsageError(
            "--io uint8 is not supported: TFLM's kernels and CMSIS-NN compute in int8",
            hint="Use --io int8; a uint8 sample x becomes x - 128.",
        )
    if request.io not in IO_TYPES:
        raise UsageError(
            f"--io {request.io}: choose one of {', '.join(IO_TYPES)}", hint="Default: --io int8."
        )
    if request.scheme not in SCHEMES:
        raise UsageError(
            f"--scheme {request.scheme}: choose one of {', '.join(SCHEMES)}",
            hint="Default: --scheme int8.",
        )
    if request.method not in METHODS:
        raise UsageError(
            f"--method {request.method}: choose one of {', '.join(METHODS)}",
            hint="Default: --method minmax.",
        )
    if request.method != "minmax" and request.scheme != "int8":
        raise UsageError(
            f"--method {request.method} is for int8; int16x8 has minmax only",
            hint="int16 activations have 256 times the steps: cutting ranges gains nothing there.",
        )
    if not 50 < request.percentile <= 100:
        raise UsageError(
            f"--percentile {request.percentile:g} is not in (50, 100]", hint="Default: 99.9."
        )
    if not 0 <= request.held_out < 1:
        raise UsageError(
            f"--held-out {request.held_out:g} is not in [0, 1)", hint="Default: --held-out 0.2."
        )


def _ask_child(requests: Sequence[QuantizeRequest], timeout_s: float) -> tuple[QuantizeAnswer, ...]:
    completed = run(
        CommandLine(
            argv=(sys.executable, "-m", "tflm_gen.quantize.worker"),
            purpose="quantize the model",
            timeout_s=timeout_s,
            memory_bytes=CONVERTER_MEMORY_BYTES,
            env={"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"},
            stdin=json.dumps([dataclasses.asdict(request) for request in requests]).encode(),
        )
    )
    try:
        answer: dict[str, Any] = json.loads(completed.stdout)
    except ValueError as error:
        last = completed.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        # What stands last before a signal is some warning, and not its cause.
        how = (
            f"was ended by signal {-completed.returncode} while quantizing"
            if completed.returncode < 0
            else f"ended with exit code {completed.returncode} while quantizing"
            f"{': ' + last[0][:300] if last else ''}"
        )
        raise OracleError(
            f"TensorFlow's process {how}",
            hint="WHILE loops (Keras 3 LSTM/GRU) are known to crash it: Keras' unroll=True avoids them."
            if completed.returncode < 0
            else "Convert it to a float .tflite, and see its operators: tflm-gen inspect.",
        ) from error
    if "error" in answer:
        failure = answer["error"]
        raise getattr(errors, failure["kind"])(failure["message"], hint=failure["hint"])
    return tuple(_answer(fields) for fields in answer["ok"])


def _answer(fields: dict[str, Any]) -> QuantizeAnswer:
    fields["inputs"] = {name: tuple(shape) for name, shape in fields["inputs"].items()}
    fields["range_changes"] = tuple(RangeChange(**item) for item in fields["range_changes"])
    fields["agreement"] = Agreement(**fields["agreement"])
    fields["batches"] = batch_check(fields["batches"])
    return QuantizeAnswer(**fields)


def batch_check(fields: dict[str, Any]) -> BatchCheck:
    """From what crossed to this process as JSON."""
    return BatchCheck(**{**fields, "sizes": tuple(fields["sizes"])})
