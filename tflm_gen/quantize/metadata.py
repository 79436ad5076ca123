"""``TFLM_GEN_*`` metadata: facts about a model's origin, carried inside the .tflite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flatbuffers

from tflm_gen.preprocess.carried import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "TFLM_GEN_"
FLOAT_SHA256 = PREFIX + "FLOAT_SHA256"
QUANTIZE = PREFIX + "QUANTIZE"
IO = PREFIX + "IO"
PREPROCESS = METADATA_KEY
CALIBRATION = PREFIX + "CALIBRATION"


def with_metadata(model: bytes, entries: Mapping[str, bytes]) -> bytes:
    """The same model with the named metadata buffers added (one of the same name is replaced).

    Args:
        model: A valid .tflite file that TensorFlow or the TFLM wheel can read.
        entries: Name -> content; names start with ``TFLM_GEN_``.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    tree.metadata = [m for m in tree.metadata or [] if _text(m.name) not in entries]
    for name, content in entries.items():
        buffer = schema.BufferT()
        buffer.data = list(content)
        tree.buffers.append(buffer)
        entry = schema.MetadataT()
        entry.name = name
        entry.buffer = len(tree.buffers) - 1
        tree.metadata.append(entry)
    builder = flatbuffers.Builder(len(model) + 1024)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _text(name: bytes | str | None) -> str:
    return name.decode() if isinstance(name, bytes) else name or ""
