"""Float models run as they are, before anything is converted (in the child, uses TensorFlow)."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.errors import TflmGenError, UnsupportedModelError
from tflm_gen.model.reader import read_model
from tflm_gen.quantize.records import BatchCheck

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Inputs = Mapping[str, NDArray[np.float32]]

BATCH_SIZES = (1, 2, 4)
N_BATCH_WINDOWS = 64


@contextlib.contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """TensorFlow raises anything from ValueError to its own ConverterError on a model."""
    import tensorflow as tf

    try:
        yield
    except TflmGenError:
        raise
    except Exception as error:
        first = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise UnsupportedModelError(
            f"{path}: TensorFlow {tf.__version__} cannot load or convert this model: {first[:300]}",
            hint="Load it in Python with that TensorFlow: its own messages name the layer.",
        ) from error


class FloatMachine(ABC):
    """A float model that can be called.

    Attributes:
        runtime: What computes it.
        shapes: Input name -> shape without batch; None where a dimension is open.
    """

    runtime: str
    shapes: dict[str, tuple[int | None, ...]]

    @abstractmethod
    def call(self, piece: Inputs) -> list[NDArray[np.float32]]:
        """Outputs of one batch.

        Raises:
            UnsupportedModelError: The model takes no batch of this size.
        """

    def run(self, inputs: Inputs, batch: int) -> list[NDArray[np.float32]]:
        """Outputs of all windows, ``batch`` at a time."""
        missing = [name for name in self.shapes if name not in inputs]
        if missing:
            raise UnsupportedModelError(
                f"the float model's input {missing[0]!r} is none of {sorted(inputs)}",
                hint="Name the inputs in the specification as the model does.",
            )
        n_windows = len(next(iter(inputs.values())))
        parts = [
            self.call({name: inputs[name][at : at + batch] for name in self.shapes})
            for at in range(0, n_windows, batch)
        ]
        return [np.concatenate(column).astype(np.float32) for column in zip(*parts, strict=True)]


class _Keras(FloatMachine):
    """A Keras model, called directly."""

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self._model = tf.keras.models.load_model(path, compile=False, safe_mode=True)
        self._call = tf.function(lambda tensors: self._model(tensors, training=False))
        self.shapes = {str(t.name).split(":")[0]: tuple(t.shape[1:]) for t in self._model.inputs}
        self.runtime = f"Keras {tf.keras.__version__}, TensorFlow {tf.__version__}"

    def call(self, piece: Inputs) -> list[NDArray[np.float32]]:
        import tensorflow as tf

        tensors = list(piece.values())
        found = self._call(tensors if len(tensors) > 1 else tensors[0])
        return [np.asarray(value) for value in tf.nest.flatten(found)]


class _SavedModel(FloatMachine):
    """The default signature of a SavedModel."""

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self._loaded = tf.saved_model.load(str(path))
        self._call = self._loaded.signatures["serving_default"]
        specs = self._call.structured_input_signature[1]
        self.shapes = {name: tuple(spec.shape[1:]) for name, spec in specs.items()}
        self._outputs = list(self._call.structured_outputs)
        self.runtime = f"SavedModel, TensorFlow {tf.__version__}"

    def call(self, piece: Inputs) -> list[NDArray[np.float32]]:
        import tensorflow as tf

        try:
            found = self._call(**{name: tf.constant(values) for name, values in piece.items()})
        except (ValueError, TypeError, tf.errors.OpError) as error:
            raise _no_such_batch(piece) from error
        return [np.asarray(found[name]) for name in self._outputs]


class _Lite(FloatMachine):
    """A .tflite, through TFLite without its delegates."""

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        from tflm_gen.quantize.ptq import named_details

        # TensorFlow's interpreter sees validated files only.
        self._interpreter = tf.lite.Interpreter(
            model_content=read_model(path).flatbuffer,
            experimental_op_resolver_type=(
                tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            ),
        )
        self._interpreter.allocate_tensors()
        self._batch = 1
        self._details = named_details(self._interpreter, "input")
        self.shapes = {n: tuple(d["shape"].tolist()[1:]) for n, d in self._details.items()}
        if any(d["dtype"] is not np.float32 for d in self._details.values()):
            raise UnsupportedModelError(
                f"{path}: its inputs are integers: this is no float model",
                hint="Give the model that the int8 one was made from.",
            )
        self.runtime = f"TFLite {tf.__version__} without delegates"

    def call(self, piece: Inputs) -> list[NDArray[np.float32]]:
        machine, n_rows = self._interpreter, len(next(iter(piece.values())))
        try:
            if n_rows != self._batch:
                for name, detail in self._details.items():
                    machine.resize_tensor_input(detail["index"], piece[name].shape)
                machine.allocate_tensors()
                self._batch = n_rows
            for name, detail in self._details.items():
                machine.set_tensor(detail["index"], piece[name])
            machine.invoke()
            found = [machine.get_tensor(d["index"]).copy() for d in machine.get_output_details()]
        except (RuntimeError, ValueError) as error:
            raise _no_such_batch(piece) from error
        if any(len(value) != n_rows for value in found):
            raise _no_such_batch(piece)
        return found


def _no_such_batch(piece: Inputs) -> UnsupportedModelError:
    size = len(next(iter(piece.values())))
    return UnsupportedModelError(
        f"the float model takes no batch of {size}", hint="Save it with an open batch dimension."
    )


def open_float(path: Path, kind: str) -> FloatMachine:
    """Load a float model of a kind that ``source.source_kind`` names.

    Raises:
        UnsupportedModelError: TensorFlow cannot load it.
    """
    with named_errors(path):
        if kind == "keras":
            return _Keras(path)
        return _SavedModel(path) if kind == "saved_model" else _Lite(path)


def check_batches(machine: FloatMachine, inputs: Inputs) -> BatchCheck:
    """Run a few windows in batches of 1, 2 and 4.

    A model whose result for a window depends on the windows beside it (a normalization over the
    batch, a state kept between calls) is another model on a device, which has no batches.
    """
    few = {name: values[:N_BATCH_WINDOWS] for name, values in inputs.items()}
    runs, sizes = [machine.run(few, 1)], [1]
    for size in BATCH_SIZES[1:]:
        try:
            runs.append(machine.run(few, size))
        except UnsupportedModelError:
            continue
        sizes.append(size)
    differences = [
        float(np.abs(value - first).max())
        for other in runs[1:]
        for value, first in zip(other, runs[0], strict=True)
    ]
    return BatchCheck(
        n_windows=len(runs[0][0]),
        sizes=tuple(sizes),
        largest_difference=max(differences, default=0.0),
        same_class=all(_same_classes(other, runs[0]) for other in runs[1:]),
    )


def _same_classes(a: list[NDArray[Any]], b: list[NDArray[Any]]) -> bool:
    return all(
        np.array_equal(x.reshape(len(x), -1).argmax(1), y.reshape(len(y), -1).argmax(1))
        for x, y in zip(a, b, strict=True)
    )
