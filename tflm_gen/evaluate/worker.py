"""The child process that runs a float model: request on standard input, answer on standard output."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tflm_gen.errors import TflmGenError, UnsupportedModelError

_BATCH = 256


def main() -> None:
    """Answer one request; an expected error is an answer too."""
    request = json.load(sys.stdin)
    # TensorFlow's C++ side writes to descriptor 1 as well: keep the real one for the answer.
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    try:
        answer = serve(Path(request["model"]), Path(request["inputs"]), Path(request["out"]))
    except TflmGenError as error:
        kind = type(error).__name__
        answer = {"error": {"kind": kind, "message": error.message, "hint": error.hint}}
    with os.fdopen(answer_fd, "w", encoding="utf-8") as out:
        json.dump(answer, out)


def serve(path: Path, inputs_path: Path, out: Path) -> dict[str, Any]:
    """Compare batches of 1, 2 and 4 on a few windows, then run all."""
    from tflm_gen.quantize.float_machine import check_batches, open_float
    from tflm_gen.quantize.source import source_kind

    with np.load(inputs_path) as loaded:
        inputs = {name: loaded[name] for name in loaded.files}
    machine = open_float(path, source_kind(path))
    batches = check_batches(machine, inputs)
    # One whose batch is fixed takes one window at a time.
    found = machine.run(inputs, _BATCH if len(batches.sizes) > 1 else 1)
    if len(found) != 1:
        raise UnsupportedModelError(
            f"the float model has {len(found)} outputs; a classifier of beats has one",
            hint="Give the model that ends in the classes.",
        )
    n_bad = int(np.sum(~np.isfinite(found[0]).reshape(len(found[0]), -1).all(axis=1)))
    if n_bad:
        raise UnsupportedModelError(
            f"the float model gives NaN or infinity for {n_bad} of {len(found[0])} beats",
            hint="Look at the training: such a model has no class for them.",
        )
    np.save(out, found[0].reshape(len(found[0]), -1))
    return {"runtime": machine.runtime, "batches": dataclasses.asdict(batches)}


if __name__ == "__main__":
    main()
