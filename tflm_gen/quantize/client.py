"""Runs the quantizer's child process and puts the result in place."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tflm_gen import errors
from tflm_gen.errors import MissingToolError, OracleError, OutputFolderError, UsageError
from tflm_gen.process import CommandLine, run
from tflm_gen.quantize.records import IO_TYPES, SCHEMES, Agreement, QuantizeAnswer, QuantizeRequest

_INSTALL_HINT = "Install it: pip install 'tflm-gen[quantize]'"


def quantize_model(request: QuantizeRequest, *, timeout_s: float) -> QuantizeAnswer:
    """Quantize in a child process and move the finished file to ``request.output_path``.

    Raises:
        UsageError: An option or the data is wrong.
        MissingToolError: TensorFlow is not installed.
        ModelFileError: The model is no Keras model, SavedModel or .tflite.
        UnsupportedModelError: TensorFlow cannot convert or quantize it.
        OracleError: The child crashed.
        ProcessTimeoutError: The child ran past ``timeout_s``.
    """
    _check_request(request)
    out = Path(request.output_path)
    if not out.parent.is_dir():
        raise OutputFolderError(f"{out.parent}: no such folder", hint="Create it, or change --out.")
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingToolError(
            "quantize needs TensorFlow, which is not installed", hint=_INSTALL_HINT
        )
    # Same folder: the last step is a rename, so nothing half written is ever seen at --out.
    handle, staged_name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    os.close(handle)
    staged = Path(staged_name)
    try:
        answer = _ask_child(dataclasses.replace(request, output_path=staged_name), timeout_s)
        staged.chmod(0o644)
        staged.replace(out)
    finally:
        staged.unlink(missing_ok=True)
    return answer


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
    if not 0 <= request.held_out < 1:
        raise UsageError(
            f"--held-out {request.held_out:g} is not in [0, 1)", hint="Default: --held-out 0.2."
        )


def _ask_child(request: QuantizeRequest, timeout_s: float) -> QuantizeAnswer:
    completed = run(
        CommandLine(
            argv=(sys.executable, "-m", "tflm_gen.quantize.worker"),
            purpose="quantize the model",
            timeout_s=timeout_s,
            env={"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"},
            stdin=json.dumps(dataclasses.asdict(request)).encode(),
        )
    )
    try:
        answer: dict[str, Any] = json.loads(completed.stdout)
    except ValueError as error:
        last = completed.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        how = (
            f"was ended by signal {-completed.returncode}"
            if completed.returncode < 0
            else f"ended with exit code {completed.returncode}"
        )
        raise OracleError(
            f"TensorFlow's process {how} while quantizing{': ' + last[0][:300] if last else ''}",
            hint="WHILE loops (Keras 3 LSTM/GRU) are known to crash it; see docs/quantize.md.",
        ) from error
    if "error" in answer:
        failure = answer["error"]
        raise getattr(errors, failure["kind"])(failure["message"], hint=failure["hint"])
    fields = answer["ok"]
    fields["inputs"] = {name: tuple(shape) for name, shape in fields["inputs"].items()}
    fields["agreement"] = Agreement(**fields["agreement"])
    return QuantizeAnswer(**fields)
