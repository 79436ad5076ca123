"""Float models of any kind to one float .tflite with batch 1 (runs in the child, uses TensorFlow)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tflm_gen.errors import ModelFileError
from tflm_gen.model.reader import read_model
from tflm_gen.model.text import printable
from tflm_gen.quantize.archive import keras_members
from tflm_gen.quantize.float_machine import named_errors
from tflm_gen.quantize.source_checks import check_hdf5, check_keras_archive, check_node

if TYPE_CHECKING:
    from pathlib import Path

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def source_kind(path: Path) -> str:
    """Tell "keras", "saved_model" and "tflite" apart by content, not by name.

    Raises:
        ModelFileError: The path is none of them, or is made to do harm.
        MalformedModelError: It is a .tflite with a broken structure.
        UnsupportedModelError: It is a .tflite that needs a newer schema than ours.
    """
    check_node(path)
    shown = printable(str(path))
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "saved_model"
        raise ModelFileError(
            f"{shown}: a folder without saved_model.pb",
            hint="Give a .keras file, a SavedModel folder or a float .tflite.",
        )
    head = _first_bytes(path)
    if head[4:8] == b"TFL3":
        read_model(path)
        return "tflite"
    if head == _HDF5_MAGIC:
        check_hdf5(path)
        return "keras"
    if head[:4] == b"PK\x03\x04" and "config.json" in keras_members(path):
        check_keras_archive(path)
        return "keras"
    raise ModelFileError(
        f"{shown}: not a Keras model, SavedModel or .tflite (starts with {head.hex()})",
        hint="Save the model with model.save('model.keras').",
    )


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise ModelFileError(
            f"{printable(str(path))}: cannot be read ({error.strerror})",
            hint="Check the file's permissions.",
        ) from error


def source_sha256(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder (names and contents, in name order)."""
    digest = hashlib.sha256()
    if path.is_file():
        digest.update(path.read_bytes())
        return digest.hexdigest()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(str(file.relative_to(path)).encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def float_tflite(path: Path, kind: str) -> bytes:
    """Convert to a float .tflite whose batch is 1.

    Raises:
        UnsupportedModelError: TensorFlow cannot load or convert the model.
    """
    if kind == "tflite":
        # TensorFlow's interpreter sees validated files only.
        return read_model(path).flatbuffer
    import tensorflow as tf

    with named_errors(path):
        if kind == "keras":
            model = tf.keras.models.load_model(path, compile=False, safe_mode=True)
            converter = tf.lite.TFLiteConverter.from_keras_model(_with_batch_1(model))
        else:
            converter = _saved_model_converter(path)
        return bytes(converter.convert())


def _with_batch_1(model: Any) -> Any:  # noqa: ANN401 - a Keras model; Keras has no types
    """The same network with static batch 1: fewer operators, and no shapes computed at run time."""
    import tensorflow as tf

    inputs = [
        tf.keras.Input(batch_shape=(1, *tensor.shape[1:]), dtype=tensor.dtype, name=_name(tensor))
        for tensor in model.inputs
    ]
    outputs = model(inputs if len(inputs) > 1 else inputs[0])
    return tf.keras.Model(inputs, outputs, name=model.name)


def _name(tensor: Any) -> str:  # noqa: ANN401 - a Keras tensor
    return str(tensor.name).split(":")[0]


def _saved_model_converter(path: Path) -> Any:  # noqa: ANN401 - a TensorFlow converter
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]
    specs = {
        name: tf.TensorSpec((1, *spec.shape[1:]), spec.dtype, name=name)
        for name, spec in signature.structured_input_signature[1].items()
    }
    fixed = tf.function(lambda **tensors: signature(**tensors)).get_concrete_function(**specs)
    return tf.lite.TFLiteConverter.from_concrete_functions([fixed], loaded)
