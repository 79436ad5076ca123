"""What a .tflite file holds, as frozen records; made by :mod:`tflm_gen.model.reader`."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OptionValue = bool | int | float | str | tuple[int, ...] | tuple[float, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """Affine quantization of a tensor: real = (q - zero_point) * scale.

    Attributes:
        scales: One scale per tensor, or one per slice along ``axis``.
        zero_points: As many as scales.
        axis: Quantized dimension (meaningful when there is more than one scale).
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One tensor of a subgraph.

    Attributes:
        index: Position in the subgraph's tensor list.
        name: Name in the file; may be empty.
        shape: Stored dimensions, () for a scalar.
        shape_signature: Dimensions with -1 where unknown, or None if the file has none.
        dtype: TFLite's name in lower case: "int8", "int16", "uint8", "float32", "int32", ...
        buffer_index: Index in the model's buffer list.
        data_bytes: Length of the constant data; 0 for a tensor computed at run time.
        is_variable: State that lives from one invocation to the next.
        quantization: None if the tensor has no scale.
        is_sparse: The data is stored in a sparse form, so its length says nothing of the shape.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...] | None
    dtype: str
    buffer_index: int
    data_bytes: int
    is_variable: bool
    quantization: Quantization | None
    is_sparse: bool = False

    @property
    def n_elements(self) -> int:
        """Number of elements (1 for a scalar)."""
        return prod(self.shape)

    @property
    def is_open(self) -> bool:
        """A dimension was left open by the converter; the stored one may be a place holder."""
        return self.shape_signature is not None and -1 in self.shape_signature

    @property
    def is_constant(self) -> bool:
        """The file carries the tensor's data."""
        return self.data_bytes > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSpec:
    """One operator, in execution order.

    Attributes:
        index: Position in the subgraph's operator list.
        op: TFLite's name in capitals ("CONV_2D"), or "CUSTOM:<name>".
        builtin_code: TFLite's BuiltinOperator number (32 for custom operators).
        custom_name: Name of a custom operator, else None.
        version: Operator version in the file.
        inputs: Tensor indices, -1 for an absent optional input.
        outputs: Tensor indices.
        intermediates: Tensor indices (LSTM).
        options: Builtin options by schema field name, in snake case; enums by their TFLite name
            ("SAME", "RELU").
        custom_options: Option bytes of a custom operator.
        options_type: The schema's name of the option table ("Conv2DOptions"), "" if there is none.
    """

    index: int
    op: str
    builtin_code: int
    custom_name: str | None
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    options: Mapping[str, OptionValue]
    custom_options: bytes = b""
    options_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphSpec:
    """One subgraph; ``inputs`` and ``outputs`` are tensor indices in the subgraph's own order."""

    index: int
    name: str
    tensors: tuple[TensorSpec, ...]
    operators: tuple[OperatorSpec, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureSpec:
    """A named entry point: (name, tensor index) pairs, which need not follow the subgraph order."""

    key: str
    subgraph_index: int
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpUsage:
    """How a model uses one operator.

    Attributes:
        op: As in :class:`OperatorSpec`.
        builtin_code: As in :class:`OperatorSpec`.
        custom_name: As in :class:`OperatorSpec`.
        versions: Versions found, ascending.
        count: Number of operators, all subgraphs together.
        dtypes: Data types of the first output of each use, sorted.
    """

    op: str
    builtin_code: int
    custom_name: str | None
    versions: tuple[int, ...]
    count: int
    dtypes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteLayout:
    """Where the bytes of a .tflite file go; the five sum up to the file's length.

    Attributes:
        weights_bytes: Data of the buffers that tensors use.
        names_bytes: Names of tensors, subgraphs, signatures, custom operators, and descriptions.
        metadata_bytes: Data of all other buffers (converter and user metadata).
        structure_bytes: Everything else: tables, shapes, quantization parameters, padding.
        unused_bytes: What nothing in the file refers to, behind the model or in its midst.
    """

    weights_bytes: int
    names_bytes: int
    metadata_bytes: int
    structure_bytes: int
    unused_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A parsed and structurally valid .tflite file.

    Attributes:
        name: File name less its suffix, made safe for folders and C identifiers.
        sha256: Of the file's bytes, hex.
        flatbuffer: The file's bytes.
        schema_version: TFLite schema version (3).
        description: Free text of the converter.
        subgraphs: All subgraphs; the first is the one that runs.
        signatures: Named entry points.
        metadata: Metadata buffers by name.
        buffer_bytes: Data length of every buffer, by buffer index.
        buffer_offsets: First byte of every buffer's data in the file, 0 for an empty one.
        layout: Where the file's bytes go.
    """

    name: str
    sha256: str
    flatbuffer: bytes
    schema_version: int
    description: str
    subgraphs: tuple[SubgraphSpec, ...]
    signatures: tuple[SignatureSpec, ...]
    metadata: Mapping[str, bytes]
    buffer_bytes: tuple[int, ...]
    buffer_offsets: tuple[int, ...]
    layout: ByteLayout

    def constant_data(self, tensor: TensorSpec) -> bytes:
        """The file's data of a constant tensor; empty for one computed at run time."""
        start = self.buffer_offsets[tensor.buffer_index]
        return self.flatbuffer[start : start + tensor.data_bytes]

    @property
    def main(self) -> SubgraphSpec:
        """The subgraph that runs when the model is invoked."""
        return self.subgraphs[0]

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Inputs of the main subgraph, in the interpreter's order."""
        return tuple(self.main.tensors[i] for i in self.main.inputs)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Outputs of the main subgraph, in the interpreter's order."""
        return tuple(self.main.tensors[i] for i in self.main.outputs)
