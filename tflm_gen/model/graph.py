"""A model as an editable graph: what rewriting needs as records, everything else carried along."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.dtypes import DTYPE_BITS
from tflm_gen.model.ops import CUSTOM, CUSTOM_CODE, builtin_code, operator_name
from tflm_gen.model.schema import load_schema
from tflm_gen.model.tree import TableValue, read_tree
from tflm_gen.model.writer import pack_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.model.records import Model
    from tflm_gen.model.tree import FieldValue

_HINT = "Use the model as it is: tflm-gen build --no-clean"
_LAST_OLD_CODE = 127
# Metadata that speaks of tensors by their place, or of how their data is stored.
_REFUSED_METADATA = {
    b"COMPRESSION_METADATA": "compressed weights",
    b"OfflineMemoryAllocation": "a memory plan made offline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphTensor:
    """One tensor.

    Attributes:
        shape: Stored dimensions.
        dtype: TFLite's name in lower case.
        data: Constant data; empty for a tensor computed at run time.
        quantization: The file's quantization table, or None.
        name: Bytes of the name.
        is_variable: State that lives from one invocation to the next.
        signature: Dimensions with -1 where unknown, or None.
        rest: Fields that rewriting does not look at.
    """

    shape: tuple[int, ...]
    dtype: str
    data: bytes = b""
    quantization: TableValue | None = None
    name: bytes = b""
    is_variable: bool = False
    signature: tuple[int, ...] | None = None
    rest: TableValue = field(default_factory=lambda: TableValue("Tensor", {}))

    @property
    def n_elements(self) -> int:
        """Number of elements (1 for a scalar)."""
        return prod(self.shape)

    @property
    def n_bytes(self) -> int:
        """Bytes of the elements; 0 for types without a fixed size."""
        return -(-self.n_elements * DTYPE_BITS.get(self.dtype, 0) // 8)

    @property
    def is_constant(self) -> bool:
        """The file carries the data."""
        return bool(self.data)

    @property
    def scales(self) -> tuple[float, ...]:
        """Quantization scales; empty without."""
        return self.quantization.numbers("scale") if self.quantization else ()

    @property
    def zero_points(self) -> tuple[int, ...]:
        """Zero points; empty without."""
        return self.quantization.integers("zero_point") if self.quantization else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphOperator:
    """One operator.

    Attributes:
        op: TFLite's name in capitals, or "CUSTOM:<name>".
        version: Operator version.
        inputs: Tensor indices, -1 for an absent optional input.
        outputs: Tensor indices.
        options: Builtin option table, or None.
        custom_code: Name of a custom operator, as stored.
        rest: Fields that rewriting does not look at.
    """

    op: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: TableValue | None = None
    custom_code: bytes | None = None
    rest: TableValue = field(default_factory=lambda: TableValue("Operator", {}))

    @property
    def touched(self) -> tuple[int, ...]:
        """Every tensor the operator names, intermediates included."""
        named = (*self.inputs, *self.outputs, *self.rest.integers("intermediates"))
        return tuple(index for index in named if index >= 0)

    def option(self, name: str) -> int:
        """An integer option; 0 if the operator's option table is missing or has no such field."""
        if self.options is None or name not in load_schema().tables[self.options.name].fields:
            return 0
        return self.options.integer(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One subgraph."""

    tensors: tuple[GraphTensor, ...]
    operators: tuple[GraphOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole model.

    Attributes:
        graphs: Subgraphs; the first is the one that runs.
        signatures: The file's signature tables; tensor indices in them follow the graph's.
        metadata: (name, data) pairs.
        description: The converter's text.
        unused_bytes: What nothing in the file it was read from refers to; it is not written.
    """

    graphs: tuple[Graph, ...]
    signatures: tuple[TableValue, ...]
    metadata: tuple[tuple[bytes, bytes], ...]
    description: bytes
    unused_bytes: int = 0

    @property
    def main(self) -> Graph:
        """The subgraph that runs when the model is invoked."""
        return self.graphs[0]


def read_document(model: Model) -> Document:
    """The model as an editable graph.

    Raises:
        UnsupportedModelError: If the file holds something that could not be written again with
            the same meaning: sparse, compressed or external data, fields newer than our schema.
    """
    root = read_tree(model.flatbuffer)
    for field_name in ("external_buffer_groups", "external_buffers"):
        _refuse(root.tables(field_name), "data outside the file")
    metadata = tuple(
        (entry.text("name"), _data(model, entry.integer("buffer")))
        for entry in root.tables("metadata")
    )
    for name, _ in metadata:
        _refuse(name in _REFUSED_METADATA, _REFUSED_METADATA.get(name, ""))
    codes = root.tables("operator_codes")
    return Document(
        graphs=tuple(_graph(table, codes, model) for table in root.tables("subgraphs")),
        signatures=root.tables("signature_defs"),
        metadata=metadata,
        description=root.text("description"),
        unused_bytes=model.layout.unused_bytes,
    )


def write_document(document: Document) -> bytes:
    """The .tflite file of a document; equal documents give equal bytes.

    Tensors with equal data share one buffer, operators of one kind and version one code.
    """
    from tflm_gen.model.schema import SCHEMA_VERSION

    buffers: dict[bytes, int] = {b"": 0}
    codes: dict[tuple[str, bytes | None, int], int] = {}
    subgraphs = tuple(_write_graph(graph, buffers, codes) for graph in document.graphs)
    metadata = tuple(
        TableValue("Metadata", {"name": name, "buffer": buffers.setdefault(data, len(buffers))})
        for name, data in document.metadata
    )
    fields: dict[str, FieldValue] = {
        "version": SCHEMA_VERSION,
        "operator_codes": tuple(_write_code(*key) for key in codes),
        "subgraphs": subgraphs,
        "buffers": tuple(TableValue("Buffer", {"data": d} if d else {}) for d in buffers),
    }
    optional: dict[str, FieldValue] = {
        "description": document.description,
        "metadata": metadata,
        "signature_defs": document.signatures,
    }
    root = TableValue("Model", {**fields, **{k: v for k, v in optional.items() if v}})
    return pack_tree(root)


def _refuse(found: object, what: str) -> None:
    if found:
        raise UnsupportedModelError(
            f"the model has {what}, which clean-up leaves alone", hint=_HINT
        )


def _data(model: Model, buffer: int) -> bytes:
    start = model.buffer_offsets[buffer]
    return model.flatbuffer[start : start + model.buffer_bytes[buffer]]


def _without(table: TableValue, *names: str) -> TableValue:
    return table.with_fields(**dict.fromkeys(names))


# --- reading ------------------------------------------------------------------------------------


def _graph(table: TableValue, codes: tuple[TableValue, ...], model: Model) -> Graph:
    return Graph(
        tensors=tuple(_tensor(child, model) for child in table.tables("tensors")),
        operators=tuple(_operator(child, codes) for child in table.tables("operators")),
        inputs=table.integers("inputs"),
        outputs=table.integers("outputs"),
        name=table.text("name"),
    )


def _tensor(table: TableValue, model: Model) -> GraphTensor:
    _refuse(table.table("sparsity"), "sparse weights")
    _refuse(table.integer("external_buffer"), "data outside the file")
    dtype = load_schema().enum_name("TensorType", table.integer("type"))
    has_signature = "shape_signature" in table.fields
    return GraphTensor(
        shape=table.integers("shape"),
        dtype=(dtype or "").lower(),
        data=_data(model, table.integer("buffer")),
        quantization=table.table("quantization"),
        name=table.text("name"),
        is_variable=bool(table.integer("is_variable")),
        signature=table.integers("shape_signature") if has_signature else None,
        rest=_without(
            table,
            *("shape", "type", "buffer", "quantization", "name", "is_variable"),
            "shape_signature",
        ),
    )


def _operator(table: TableValue, codes: tuple[TableValue, ...]) -> GraphOperator:
    _refuse(table.integer("large_custom_options_offset") > 1, "options outside the file")
    code = codes[table.integer("opcode_index")]
    number = max(code.integer("builtin_code"), code.integer("deprecated_builtin_code"))
    custom = code.text("custom_code") if number == CUSTOM_CODE else None
    name = operator_name(number)
    union = "builtin_options2" if table.table("builtin_options2") else "builtin_options"
    return GraphOperator(
        op=name if custom is None else f"{CUSTOM}:{custom.decode('utf-8', 'backslashreplace')}",
        version=code.integer("version"),
        inputs=table.integers("inputs"),
        outputs=table.integers("outputs"),
        options=table.table(union),
        custom_code=custom,
        rest=_without(
            table,
            *("opcode_index", "inputs", "outputs", "builtin_options", "builtin_options_type"),
            *("builtin_options2", "builtin_options2_type", "debug_metadata_index"),
        ),
    )


# --- writing ------------------------------------------------------------------------------------


def _write_graph(
    graph: Graph, buffers: dict[bytes, int], codes: dict[tuple[str, bytes | None, int], int]
) -> TableValue:
    operators = []
    for operator in graph.operators:
        key = (operator.op, operator.custom_code, operator.version)
        operators.append(_write_operator(operator, codes.setdefault(key, len(codes))))
    fields: dict[str, FieldValue] = {
        "tensors": tuple(
            _write_tensor(tensor, buffers.setdefault(tensor.data, len(buffers)))
            for tensor in graph.tensors
        ),
        "operators": tuple(operators),
        "inputs": graph.inputs,
        "outputs": graph.outputs,
    }
    if graph.name:
        fields["name"] = graph.name
    return TableValue("SubGraph", fields)


def _write_tensor(tensor: GraphTensor, buffer: int) -> TableValue:
    types = load_schema().enums["TensorType"]
    return tensor.rest.with_fields(
        shape=tensor.shape,
        type=types.index(tensor.dtype.upper()),
        buffer=buffer,
        quantization=tensor.quantization,
        name=tensor.name or None,
        is_variable=tensor.is_variable,
        shape_signature=tensor.signature,
    )


def _write_operator(operator: GraphOperator, code: int) -> TableValue:
    fields = operator.rest.with_fields(
        opcode_index=code, inputs=operator.inputs, outputs=operator.outputs
    )
    if operator.options is None:
        return fields
    unions: Mapping[str, tuple[str | None, ...]] = load_schema().unions
    for field_name, union in (
        ("builtin_options", "BuiltinOptions"),
        ("builtin_options2", "BuiltinOptions2"),
    ):
        if operator.options.name in unions[union]:
            number = unions[union].index(operator.options.name)
            union_fields: dict[str, FieldValue | None] = {
                f"{field_name}_type": number,
                field_name: operator.options,
            }
            return fields.with_fields(**union_fields)
    raise ValueError(f"{operator.options.name} is no option table")


def _write_code(op: str, custom_code: bytes | None, version: int) -> TableValue:
    number = CUSTOM_CODE if custom_code is not None else _code_number(op)
    return TableValue(
        "OperatorCode",
        {
            "builtin_code": number,
            # Old readers look here; larger numbers are marked by the largest that fits.
            "deprecated_builtin_code": min(number, _LAST_OLD_CODE),
            "version": version,
            **({"custom_code": custom_code} if custom_code is not None else {}),
        },
    )


def _code_number(op: str) -> int:
    number = builtin_code(op)
    if number is None:
        number = int(op.removeprefix("BUILTIN:"))
    return number
