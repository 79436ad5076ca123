"""The child process of ``quantize``: request on standard input, answer on standard output.

TensorFlow costs seconds to import, prints a lot and can crash; none of that reaches the tool.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflm_gen.errors import TflmGenError, UnsupportedModelError, UsageError
from tflm_gen.quantize.records import Agreement, BatchCheck, QuantizeAnswer, QuantizeRequest

if TYPE_CHECKING:
    from tflm_gen.quantize.ptq import Scheme

MIN_WINDOWS = 10
_NOT_COMPARED = BatchCheck(n_windows=0, sizes=(1,), largest_difference=0.0, same_class=True)


def main() -> None:
    """Answer the requests; an expected error is an answer too."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    requests = [QuantizeRequest(**item) for item in json.load(sys.stdin)]
    # TensorFlow's C++ side writes to descriptor 1 as well: keep the real one for the answer.
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    try:
        answers = [dataclasses.asdict(answer_request(request)) for request in requests]
        answer: dict[str, Any] = {"ok": answers}
    except TflmGenError as error:
        kind = type(error).__name__
        answer = {"error": {"kind": kind, "message": error.message, "hint": error.hint}}
    with os.fdopen(answer_fd, "w", encoding="utf-8") as out:
        json.dump(answer, out)


@functools.cache
def _float_model(path: Path, data_path: Path) -> tuple[str, bytes, BatchCheck]:
    """Kind of the source, its float .tflite, how batches change it; once for all requests."""
    from tflm_gen.quantize import source

    kind = source.source_kind(path)
    batches = _checked_batches(path, kind, data_path)
    return kind, source.float_tflite(path, kind), batches


def _checked_batches(path: Path, kind: str, data_path: Path) -> BatchCheck:
    """The source itself in batches of 1, 2 and 4, before anything is converted."""
    from tflm_gen.quantize import ptq, source
    from tflm_gen.quantize.float_machine import check_batches, named_errors, open_float
    from tflm_gen.quantize.windows import load_windows, match_inputs

    if kind == "tflite":
        ptq.input_shapes(source.float_tflite(path, kind))  # Refuses integers in its own words.
    machine = open_float(path, kind)
    shapes = {
        name: tuple(n for n in shape if n is not None) for name, shape in machine.shapes.items()
    }
    # Open dimensions, other windows: the conversion that follows says what is wrong.
    if shapes != machine.shapes:
        return _NOT_COMPARED
    try:
        inputs = match_inputs(load_windows(data_path), shapes)
    except UsageError:
        return _NOT_COMPARED
    with named_errors(path):
        found = check_batches(machine, inputs)
    if not found.same_class:
        raise UnsupportedModelError(
            f"{path}: the class of a window depends on the batch it is in (sizes "
            f"{', '.join(map(str, found.sizes))}; outputs differ by {found.largest_difference:.3g})",
            hint="A device has no batches: take out what computes over the batch or keeps a state.",
        )
    return found


def answer_request(request: QuantizeRequest) -> QuantizeAnswer:
    """Convert, calibrate, quantize, compare, write the file."""
    import numpy as np

    from tflm_gen.quantize import agreement, io_facts, metadata, ptq, source
    from tflm_gen.quantize.windows import load_windows, match_inputs

    path = Path(request.model_path)
    windows = load_windows(Path(request.data_path))
    kind, float_model, batches = _float_model(path, Path(request.data_path))
    shapes = ptq.input_shapes(float_model)
    _check_spec(request, shapes, ptq.output_shapes(float_model))
    arrays = match_inputs(windows, shapes)
    calibration, test, split = _split(windows.n_windows, request.held_out)
    if len(calibration) < MIN_WINDOWS:
        raise UsageError(
            f"{request.data_path}: {len(calibration)} windows are left for calibration; "
            f"at least {MIN_WINDOWS} are needed (100 to 500 are usual)",
            hint="Add windows of more patients and classes, or lower --held-out.",
        )
    chosen = {name: array[calibration] for name, array in arrays.items()}
    quantized, changes = ptq.quantize(float_model, chosen, _scheme(request))
    versions = _versions()
    float_sha256 = source.source_sha256(path)
    facts = _facts(request, kind, n_calibration=len(calibration), versions=versions)
    quantized = metadata.with_metadata(
        quantized,
        {
            metadata.FLOAT_SHA256: float_sha256.encode(),
            metadata.QUANTIZE: facts,
            metadata.IO: io_facts.io_facts(quantized),
            **{name: text.encode() for name, text in request.metadata.items()},
        },
    )
    test_arrays = {name: np.ascontiguousarray(array[test]) for name, array in arrays.items()}
    runtime, quantized_outputs = agreement.run_quantized(quantized, test_arrays)
    measured: Agreement = agreement.compare(
        ptq.run_float(float_model, test_arrays), quantized_outputs, split=split, runtime=runtime
    )
    Path(request.output_path).write_bytes(quantized)
    return QuantizeAnswer(
        source_kind=kind,
        source_sha256=float_sha256,
        float_bytes=len(float_model),
        quantized_bytes=len(quantized),
        quantized_sha256=hashlib.sha256(quantized).hexdigest(),
        n_calibration=len(calibration),
        inputs=shapes,
        agreement=measured,
        versions=versions,
        batches=batches,
        range_changes=changes,
    )


def _scheme(request: QuantizeRequest) -> Scheme:
    from tflm_gen.quantize.ptq import Scheme

    return Scheme(
        name=request.scheme,
        io=request.io,
        per_channel=request.per_channel,
        method=request.method,
        percentile=request.percentile,
    )


def _check_spec(
    request: QuantizeRequest,
    inputs: dict[str, tuple[int, ...]],
    outputs: list[tuple[int, ...]],
) -> None:
    """The specification that the model shall carry must be its own."""
    from tflm_gen.preprocess.carried import METADATA_KEY, check_fits
    from tflm_gen.preprocess.spec import parse_spec

    text = request.metadata.get(METADATA_KEY)
    if text is not None:
        check_fits(parse_spec(text, "--spec"), inputs, outputs, "--spec")


def _facts(
    request: QuantizeRequest, kind: str, *, n_calibration: int, versions: dict[str, str]
) -> bytes:
    """How the model was made, as the metadata keeps it."""
    facts = {
        "scheme": request.scheme,
        "io": request.io,
        "per_channel": request.per_channel,
        "method": request.method
        if request.method != "percentile"
        else f"percentile {request.percentile:g}",
        "n_calibration": n_calibration,
        "source_kind": kind,
        "versions": versions,
    }
    return json.dumps(facts, sort_keys=True).encode()


def _split(n_windows: int, held_out: float) -> tuple[list[int], list[int], str]:
    """Row numbers for calibration and comparison; the held-out rows are spread over the file."""
    n_test = int(n_windows * held_out)
    if n_test == 0:
        rows = list(range(n_windows))
        return rows, rows, f"the {n_windows} calibration windows themselves"
    test = sorted({(i * n_windows) // n_test for i in range(n_test)})
    kept = set(test)
    calibration = [i for i in range(n_windows) if i not in kept]
    return calibration, test, f"{len(test)} windows of the same data, held out of calibration"


def _versions() -> dict[str, str]:
    import numpy as np
    import tensorflow as tf

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "tensorflow": tf.__version__,
        "keras": tf.keras.__version__,
    }


if __name__ == "__main__":
    main()
