"""Rewrites a model so that every operator's results are outputs. Runs in the oracle's child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import flatbuffers

from tflm_gen.preprocess.carried import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_FILE_IDENTIFIER = b"TFL3"
_ALIGNMENT_BYTES = 16
_PREPROCESS = METADATA_KEY.encode()


class _Tensor(Protocol):
    type: int
    shape: Sequence[int] | None


def _start_aligned_vector(self: object, item_bytes: int, n_items: int, align_bytes: int) -> object:
    wanted = _ALIGNMENT_BYTES if item_bytes == 1 else align_bytes
    return flatbuffers.Builder.StartVector(self, item_bytes, n_items, wanted)


# Keeps tensor data 16-byte aligned in the file, as converters write it.
_AligningBuilder = type(
    "_AligningBuilder", (flatbuffers.Builder,), {"StartVector": _start_aligned_vector}
)


def make_tap_model(flatbuffer: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Model whose outputs are all operator outputs of the main subgraph, in execution order.

    Signatures are dropped: they name outputs that no longer are where they were.

    Returns:
        The new flatbuffer, and the tensor index of each of its outputs.
    """
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(flatbuffer, 0))
    main = model.subgraphs[0]
    tensors: dict[int, None] = {}
    for operator in main.operators:
        for tensor in operator.outputs:
            if tensor >= 0 and _can_be_read(main.tensors[tensor], schema):
                tensors[int(tensor)] = None
    main.outputs = list(tensors)
    model.signatureDefs = None
    # Nor is its output that of the classes any more.
    model.metadata = [m for m in model.metadata or [] if m.name != _PREPROCESS]
    builder = _AligningBuilder(len(flatbuffer) + 4096)
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output()), tuple(tensors)


def _can_be_read(tensor: _Tensor, schema: ModuleType) -> bool:
    """Resource handles and empty tensors have no bytes to compare."""
    is_handle = tensor.type in (schema.TensorType.RESOURCE, schema.TensorType.VARIANT)
    shape = [] if tensor.shape is None else list(tensor.shape)
    return not is_handle and 0 not in shape
