"""Packs tensors and operators into a TFLite flatbuffer, without TensorFlow.

The graph half of :mod:`tests.support.model_builder`: no knowledge of layers, only of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np

from tests.support.schema_from_wheel import load_bindings

FB = load_bindings()

NUMPY_TYPES = {
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "float32": np.float32,
    "float16": np.float16,
    "bool": np.bool_,
}


@dataclass(frozen=True, kw_only=True)
class Quant:
    """Quantization of a tensor as it goes into the file."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        return self.zero_points[0]


def per_tensor(scale: float, zero_point: int = 0) -> Quant:
    """One scale and zero point for a whole tensor."""
    return Quant(scales=(scale,), zero_points=(zero_point,))


@dataclass(frozen=True, kw_only=True)
class Ref:
    """A tensor of the graph under construction.

    Attributes:
        std: Rough standard deviation of the real values, from which layers choose scales.
    """

    index: int
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    std: float = 1.0


class _AlignedBuffer(FB.BufferT):
    """A buffer whose data starts at a multiple of 16 bytes, as converters write it."""

    def Pack(self, builder):
        data = bytes(self.data) if self.data is not None else b""
        vector = None
        if data:
            builder.StartVector(1, len(data), 16)
            builder.head = builder.head - len(data)
            builder.Bytes[builder.head : builder.head + len(data)] = data
            vector = builder.EndVector()
        FB.BufferStart(builder)
        if vector is not None:
            FB.BufferAddData(builder, vector)
        return FB.BufferEnd(builder)


@dataclass
class _Graph:
    """One subgraph under construction."""

    name: str
    tensors: list[Any] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    inputs: list[Ref] = field(default_factory=list)


class GraphBuilder:
    """Collects tensors, constants and operators; :meth:`finish` returns the file's bytes."""

    def __init__(self, *, name: str = "main", description: str = "made for a test") -> None:
        self.graphs = [_Graph(name=name)]
        self._description = description
        self._buffers: list[Any] = [_AlignedBuffer()]
        self._codes: dict[tuple[int, str | None, int], int] = {}
        self._metadata: list[tuple[str, bytes]] = []
        self._signatures: list[Any] = []

    @property
    def graph(self) -> _Graph:
        return self.graphs[-1]

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: str,
        *,
        quant: Quant | None = None,
        std: float = 1.0,
        name: str = "",
        signature: tuple[int, ...] | None = None,
        data: bytes | None = None,
        is_variable: bool = False,
    ) -> Ref:
        """Add a tensor; with data it is a constant."""
        entry = FB.TensorT()
        entry.shape = list(shape)
        entry.type = getattr(FB.TensorType, dtype.upper())
        entry.name = name or f"t{len(self.graph.tensors)}"
        entry.hasRank = True
        entry.isVariable = is_variable
        if signature is not None:
            entry.shapeSignature = list(signature)
        if quant is not None:
            entry.quantization = FB.QuantizationParametersT()
            entry.quantization.scale = list(quant.scales)
            entry.quantization.zeroPoint = list(quant.zero_points)
            entry.quantization.quantizedDimension = quant.axis
        entry.buffer = len(self._buffers)
        buffer = _AlignedBuffer()
        buffer.data = data
        self._buffers.append(buffer)
        self.graph.tensors.append(entry)
        index = len(self.graph.tensors) - 1
        return Ref(index=index, shape=tuple(shape), dtype=dtype, quant=quant, std=std)

    def constant(
        self, values: Any, dtype: str, *, quant: Quant | None = None, name: str = ""
    ) -> Ref:
        """Add a constant from an array or nested list."""
        array = np.ascontiguousarray(np.asarray(values, dtype=NUMPY_TYPES[dtype]))
        shape = np.asarray(values).shape
        return self.tensor(shape, dtype, quant=quant, name=name, data=array.tobytes())

    def operator(
        self,
        op: str,
        inputs: list[Ref | None],
        outputs: list[Ref],
        options: Any = None,
        *,
        version: int = 1,
        intermediates: list[Ref] | None = None,
        custom_name: str | None = None,
        custom_options: bytes = b"",
    ) -> None:
        """Add an operator; None among the inputs is an optional input left out."""
        entry = FB.OperatorT()
        code = getattr(FB.BuiltinOperator, op)
        key = (code, custom_name, version)
        entry.opcodeIndex = self._codes.setdefault(key, len(self._codes))
        entry.inputs = [-1 if ref is None else ref.index for ref in inputs]
        entry.outputs = [ref.index for ref in outputs]
        if intermediates is not None:
            entry.intermediates = [ref.index for ref in intermediates]
        if custom_options:
            entry.customOptions = list(custom_options)
        if options is not None:
            table = type(options).__name__.removesuffix("T")
            if hasattr(FB.BuiltinOptions, table):
                entry.builtinOptionsType = getattr(FB.BuiltinOptions, table)
                entry.builtinOptions = options
            else:
                entry.builtinOptions2Type = getattr(FB.BuiltinOptions2, table)
                entry.builtinOptions2 = options
        self.graph.operators.append(entry)

    def metadata(self, name: str, data: bytes) -> None:
        """Add a metadata buffer."""
        self._metadata.append((name, data))

    def signature(self, key: str, inputs: dict[str, Ref], outputs: dict[str, Ref]) -> None:
        """Add a named entry point of the first subgraph."""
        entry = FB.SignatureDefT()
        entry.signatureKey = key
        entry.subgraphIndex = 0
        entry.inputs = [_tensor_map(name, ref) for name, ref in inputs.items()]
        entry.outputs = [_tensor_map(name, ref) for name, ref in outputs.items()]
        self._signatures.append(entry)

    def start_subgraph(self, name: str) -> None:
        """Add what follows to a new subgraph (a branch or loop body)."""
        self.graphs.append(_Graph(name=name))

    def to_object(self, outputs: list[Ref], *more_outputs: list[Ref]) -> Any:
        """The model as the bindings' object, for tests that break it before packing."""
        model = FB.ModelT()
        model.version = 3
        model.description = self._description
        model.operatorCodes = [_operator_code(*key) for key in self._codes]
        model.subgraphs = [
            _subgraph(graph, refs)
            for graph, refs in zip(self.graphs, [outputs, *more_outputs], strict=True)
        ]
        model.buffers = list(self._buffers)
        model.metadata = []
        for name, data in self._metadata:
            entry = FB.MetadataT()
            entry.name = name
            entry.buffer = len(model.buffers)
            buffer = _AlignedBuffer()
            buffer.data = data
            model.buffers.append(buffer)
            model.metadata.append(entry)
        model.signatureDefs = list(self._signatures)
        return model

    def finish(self, outputs: list[Ref], *more_outputs: list[Ref]) -> bytes:
        """The file's bytes; one list of outputs for each subgraph."""
        return pack(self.to_object(outputs, *more_outputs))


def pack(model: Any) -> bytes:
    """Serialize a model object of the bindings."""
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def unpack(data: bytes) -> Any:
    """The bindings' object of a file."""
    return FB.ModelT.InitFromPackedBuf(data)


def _tensor_map(name: str, ref: Ref) -> Any:
    entry = FB.TensorMapT()
    entry.name = name
    entry.tensorIndex = ref.index
    return entry


def _operator_code(code: int, custom_name: str | None, version: int) -> Any:
    entry = FB.OperatorCodeT()
    entry.builtinCode = code
    entry.deprecatedBuiltinCode = min(code, 127)
    entry.customCode = custom_name
    entry.version = version
    return entry


def _subgraph(graph: _Graph, outputs: list[Ref]) -> Any:
    entry = FB.SubGraphT()
    entry.name = graph.name
    entry.tensors = list(graph.tensors)
    entry.operators = list(graph.operators)
    entry.inputs = [ref.index for ref in graph.inputs]
    entry.outputs = [ref.index for ref in outputs]
    return entry
