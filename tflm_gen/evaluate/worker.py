"""The child process that runs a float model: request on standard input, answer on standard output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import TflmGenError, UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Inputs = Mapping[str, NDArray[np.float32]]

N_BATCH_WINDOWS = 64
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
    """Run all windows, then a few again with batches of 1, 2 and 4."""
    from tflm_gen.quantize.source import source_kind

    with np.load(inputs_path) as loaded:
        inputs = {name: loaded[name] for name in loaded.files}
    kind = source_kind(path)
    machine = _Keras(path) if kind == "keras" else _Lite(path, kind)
    np.save(out, machine.run(inputs, _BATCH))
    few = {name: values[:N_BATCH_WINDOWS] for name, values in inputs.items()}
    runs = [machine.run(few, size) for size in (1, 2, 4)]
    spread = max(float(np.abs(a - runs[0]).max()) for a in runs)
    return {
        "runtime": machine.runtime,
        "batches": {
            "n_windows": len(runs[0]),
            "largest_difference": spread,
            "same_class": all(np.array_equal(a.argmax(1), runs[0].argmax(1)) for a in runs),
        },
    }


class _Keras:
    """A Keras model, called directly."""

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self._model = tf.keras.models.load_model(path, compile=False, safe_mode=True)
        self._call = tf.function(lambda tensors: self._model(tensors, training=False))
        self._names = [str(t.name).split(":")[0] for t in self._model.inputs]
        self.runtime = f"Keras {tf.keras.__version__}, TensorFlow {tf.__version__}"

    def run(self, inputs: Inputs, batch: int) -> NDArray[np.float32]:
        """Outputs of all windows."""
        missing = [name for name in self._names if name not in inputs]
        if missing:
            raise UnsupportedModelError(
                f"the float model's input {missing[0]!r} is none of {sorted(inputs)}",
                hint="Name the inputs in the specification as the model does.",
            )
        n_windows = len(next(iter(inputs.values())))
        rows = []
        for at in range(0, n_windows, batch):
            piece = [inputs[name][at : at + batch] for name in self._names]
            rows.append(np.asarray(self._call(piece if len(piece) > 1 else piece[0])))
        return np.concatenate(rows).astype(np.float32)


class _Lite:
    """A SavedModel or .tflite, through TFLite without its delegates."""

    def __init__(self, path: Path, kind: str) -> None:
        import tensorflow as tf

        from tflm_gen.quantize.source import float_tflite

        resolver = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter = tf.lite.Interpreter(
            model_content=float_tflite(path, kind), experimental_op_resolver_type=resolver
        )
        self.runtime = f"TFLite {tf.__version__} without delegates"

    def run(self, inputs: Inputs, batch: int) -> NDArray[np.float32]:
        """Outputs of all windows; this interpreter takes one window at a time."""
        from tflm_gen.quantize.ptq import named_details

        del batch
        machine = self._interpreter
        machine.allocate_tensors()
        details = named_details(machine, "input")
        output = machine.get_output_details()[0]["index"]
        rows = []
        for i in range(len(next(iter(inputs.values())))):
            for name, detail in details.items():
                machine.set_tensor(detail["index"], inputs[name][i][None])
            machine.invoke()
            rows.append(machine.get_tensor(output)[0].copy())
        return np.stack(rows).astype(np.float32)


if __name__ == "__main__":
    main()
