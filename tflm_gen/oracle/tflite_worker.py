"""The child process of :mod:`tflm_gen.oracle.tflite`: one request, one answer."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.oracle.messages import pack, unpack

if TYPE_CHECKING:
    from tflm_gen.oracle.messages import Message


_TENSORFLOW_INTERPRETER = "tensorflow.lite.python.interpreter"


def main() -> int:
    """Serve one request."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What TensorFlow prints must not get between the answer's bytes.
    request = unpack(sys.stdin.buffer)
    answers.write(_serve(request))
    answers.close()
    return 0


def _serve(request: Message) -> bytes:
    library = _library(request.text("module"))
    wanted = request.text("kernels")
    for kernels, words in (
        (library.OpResolverType.BUILTIN_REF, "reference kernels"),
        # The reference kernels lack some versions (TILE 3, ELU) that these have.
        (
            library.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            "built-in kernels without delegates",
        ),
    ):
        if wanted not in ("", words):
            continue
        try:
            blobs, n_outputs, shapes = _run(library, kernels, request)
        except (RuntimeError, ValueError) as error:
            sys.stderr.write(f"{words}: {error}\n")
            continue
        return pack({"kernels": words, "n_outputs": n_outputs, "shapes": shapes}, blobs)
    return pack({"error": "refused"}, ())


def _library(module: str) -> ModuleType:
    if module == "ai_edge_litert":
        return importlib.import_module("ai_edge_litert.interpreter")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return _tensorflow_interpreter()


def _tensorflow_interpreter() -> ModuleType:
    """TensorFlow's interpreter, and of the rest of TensorFlow no more than that imports.

    Importing all of TensorFlow takes several seconds, of which the interpreter needs nothing. So the
    package itself stays an empty shell; where that does not work, everything is imported.
    """
    found = importlib.util.find_spec("tensorflow")
    if found is not None and found.submodule_search_locations is not None:
        shell = ModuleType("tensorflow")
        shell.__path__ = list(found.submodule_search_locations)
        shell.__spec__ = found
        sys.modules["tensorflow"] = shell
        try:
            return importlib.import_module(_TENSORFLOW_INTERPRETER)
        except (AttributeError, ImportError, TypeError) as error:
            sys.stderr.write(f"all of TensorFlow is imported: {error}\n")
        for name in [n for n in sys.modules if n.partition(".")[0] == "tensorflow"]:
            del sys.modules[name]
    return importlib.import_module(_TENSORFLOW_INTERPRETER)


def _run(library: ModuleType, kernels: object, request: Message) -> tuple[list[bytes], int, str]:
    interpreter = library.Interpreter(
        model_content=request.blobs[0], experimental_op_resolver_type=kernels, num_threads=1
    )
    interpreter.allocate_tensors()
    # TFLite has just derived every shape from those of the inputs.
    shapes = json.dumps([_shape(detail) for detail in interpreter.get_tensor_details()])
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    n_inputs = request.integer("n_inputs")
    blobs = []
    data = request.blobs[1:]
    for at in range(0, len(data), n_inputs):
        interpreter.reset_all_variables()
        for detail, raw in zip(inputs, data[at : at + n_inputs], strict=True):
            values = np.frombuffer(raw, detail["dtype"]).reshape(detail["shape"])
            interpreter.set_tensor(detail["index"], values)
        interpreter.invoke()
        blobs += [interpreter.get_tensor(detail["index"]).tobytes() for detail in outputs]
    return blobs, len(outputs), shapes


def _shape(detail: dict[str, Any]) -> list[int]:
    return [int(size) for size in detail["shape"]]


if __name__ == "__main__":
    sys.exit(main())
