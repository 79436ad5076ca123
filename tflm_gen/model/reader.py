"""Reads a .tflite file into frozen records; nothing that is structurally broken gets past it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.errors import MalformedModelError, UnsupportedModelError
from tflm_gen.model.checks import check_model
from tflm_gen.model.file_kind import read_model_file, require_tflite
from tflm_gen.model.flatbuffer import Table, fail_malformed, root_table
from tflm_gen.model.ops import CUSTOM, operator_name
from tflm_gen.model.records import (
    ByteLayout,
    Model,
    OperatorSpec,
    OptionValue,
    Quantization,
    SignatureSpec,
    SubgraphSpec,
    TensorSpec,
)
from tflm_gen.model.schema import SCHEMA_VERSION, load_schema
from tflm_gen.model.text import printable
from tflm_gen.model.unused import find_unused
from tflm_gen.model.validate import Structure, walk_structure

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME_LIMIT = 64


def read_model(path: Path) -> Model:
    """Read and check a .tflite file of any data type.

    Raises:
        ModelFileError: If the path is missing, no regular file, empty or too large.
        NotTfliteError: If the file is of another format.
        MalformedModelError: If its structure is broken.
        UnsupportedModelError: If it needs a newer schema than ours.
    """
    return parse_model(read_model_file(path), path.name)


def parse_model(data: bytes, name: str) -> Model:
    """Check and parse the bytes of a .tflite file.

    Args:
        data: The file's bytes.
        name: File name, for messages and for ``Model.name``.

    Raises:
        ModelFileError: If there are no bytes.
        NotTfliteError: If the bytes are of another format.
        MalformedModelError: If the structure is broken.
        UnsupportedModelError: If it needs a newer schema than ours.
    """
    require_tflite(data, name)
    try:
        root = root_table(data, load_schema())
        structure = walk_structure(root, len(data))
        model = _build_model(root, data, name, structure)
        check_model(model)
    except (MalformedModelError, UnsupportedModelError) as error:
        # The checks know where in the file they are, but not which file it is.
        message = printable(f"{name}: {error.message}")
        raise type(error)(message, hint=error.hint) from error
    return model


def model_name(file_name: str) -> str:
    """File name less its suffix, as a C identifier that is also safe as a folder name."""
    stem = Path(file_name).name.removesuffix(".tflite")
    plain = "".join(c for c in unicodedata.normalize("NFKD", stem) if not unicodedata.combining(c))
    safe = re.sub(r"[^0-9A-Za-z]+", "_", plain).strip("_")[:_NAME_LIMIT]
    if not safe:
        return "model"
    return f"m_{safe}" if safe[0].isdigit() else safe


def _build_model(root: Table, data: bytes, name: str, structure: Structure) -> Model:
    version = root.integer("version")
    if version != SCHEMA_VERSION:
        raise UnsupportedModelError(
            f"schema version {version}, and this tool reads version {SCHEMA_VERSION}",
            hint="Convert the model again with a current TensorFlow.",
        )
    spans = _buffer_spans(root, len(data))
    metadata = _metadata(root, data, spans)
    codes = tuple(_operator_code(table) for table in root.tables("operator_codes"))
    subgraphs = tuple(
        _subgraph(table, index, codes=codes, spans=spans, data=data)
        for index, table in enumerate(root.tables("subgraphs"))
    )
    return Model(
        name=model_name(name),
        sha256=hashlib.sha256(data).hexdigest(),
        flatbuffer=data,
        schema_version=version,
        description=root.string("description") or "",
        subgraphs=subgraphs,
        signatures=tuple(_signature(table) for table in root.tables("signature_defs")),
        metadata=metadata,
        buffer_bytes=tuple(length for _, length in spans),
        buffer_offsets=tuple(start for start, _ in spans),
        layout=_layout(subgraphs, spans, structure, len(data)),
    )


def _layout(
    subgraphs: tuple[SubgraphSpec, ...],
    spans: tuple[tuple[int, int], ...],
    structure: Structure,
    file_bytes: int,
) -> ByteLayout:
    used = {tensor.buffer_index for subgraph in subgraphs for tensor in subgraph.tensors}
    # Equal data may be stored once for several buffers: count distinct spans.
    weights = {span for index, span in enumerate(spans) if index in used}
    others = set(spans) - weights
    weights_bytes = sum(length for _, length in weights)
    metadata_bytes = sum(length for _, length in others)
    string_bytes = structure.string_bytes
    structure_bytes = file_bytes - weights_bytes - metadata_bytes - string_bytes
    if structure_bytes < 0:
        fail_malformed(
            f"data ({weights_bytes + metadata_bytes:,} bytes) and names ({string_bytes:,} bytes) "
            f"overlap: the file has {file_bytes:,} bytes"
        )
    unused_bytes = min(structure_bytes, find_unused(structure, spans, file_bytes))
    return ByteLayout(
        weights_bytes=weights_bytes,
        names_bytes=string_bytes,
        metadata_bytes=metadata_bytes,
        structure_bytes=structure_bytes - unused_bytes,
        unused_bytes=unused_bytes,
    )


def _buffer_spans(root: Table, file_bytes: int) -> tuple[tuple[int, int], ...]:
    """First byte and length of every buffer's data, in the table or behind the flatbuffer."""
    spans = []
    outside_bytes = 0
    for table in root.tables("buffers"):
        inline = table.span("data")
        offset, size = table.integer("offset"), table.integer("size")
        # Offsets 0 and 1 are place holders that a converter leaves in.
        if offset > 1 and size > 0:
            outside_bytes += size
            if max(offset + size, outside_bytes) > file_bytes:
                fail_malformed(
                    f"{table.path}: data at byte {offset:,}, {size:,} bytes long, "
                    f"but the file has {file_bytes:,} bytes"
                )
            spans.append((offset, size))
        elif inline is not None and inline[1] > 0:
            spans.append(inline)
        else:
            spans.append((0, 0))
    return tuple(spans)


def _metadata(root: Table, data: bytes, spans: tuple[tuple[int, int], ...]) -> dict[str, bytes]:
    entries = {}
    copies: dict[tuple[int, int], bytes] = {}
    for table in root.tables("metadata"):
        index = table.integer("buffer")
        if index >= len(spans):
            fail_malformed(f"{table.path}: buffer {index:,} of {len(spans):,}")
        start, length = span = spans[index]
        if span not in copies:
            copies[span] = data[start : start + length]
        entries[table.string("name") or ""] = copies[span]
    return entries


def _operator_code(table: Table) -> tuple[int, str | None, int]:
    """Builtin number, custom name and version of an operator code."""
    # Numbers up to 126 are stored in the old one-byte field too; the larger one counts.
    code = max(table.integer("builtin_code"), table.integer("deprecated_builtin_code"))
    version = table.integer("version")
    if code < 0 or version < 1:
        fail_malformed(f"{table.path}: builtin code {code}, version {version}")
    return code, table.string("custom_code"), version


def _subgraph(
    table: Table,
    index: int,
    *,
    codes: tuple[tuple[int, str | None, int], ...],
    spans: tuple[tuple[int, int], ...],
    data: bytes,
) -> SubgraphSpec:
    _require_lists(table, "tensors", "operators", "inputs", "outputs")
    return SubgraphSpec(
        index=index,
        name=table.string("name") or "",
        tensors=tuple(
            _tensor(child, position, spans)
            for position, child in enumerate(table.tables("tensors"))
        ),
        operators=tuple(
            _operator(child, position, codes, data)
            for position, child in enumerate(table.tables("operators"))
        ),
        inputs=table.integers("inputs"),
        outputs=table.integers("outputs"),
    )


def _require_lists(table: Table, *names: str) -> None:
    """Interpreters follow these references without asking whether they are there."""
    for name in names:
        if not table.has(name):
            fail_malformed(f"{table.path}: the list of {name} is missing")


def _tensor(table: Table, index: int, spans: tuple[tuple[int, int], ...]) -> TensorSpec:
    buffer_index = table.integer("buffer")
    if buffer_index >= len(spans):
        fail_malformed(f"{table.path}: buffer {buffer_index:,} of {len(spans):,}")
    number = table.integer("type")
    dtype = table.schema.enum_name("TensorType", number)
    if dtype is None:
        raise UnsupportedModelError(
            f"{table.path}: data type {number} is not in the schema this tool knows",
            hint="The file is damaged, or made by a newer converter than this tool knows.",
        )
    signature = table.integers("shape_signature") if table.has("shape_signature") else None
    return TensorSpec(
        index=index,
        name=table.string("name") or "",
        shape=table.integers("shape"),
        shape_signature=signature,
        dtype=dtype.lower(),
        buffer_index=buffer_index,
        data_bytes=spans[buffer_index][1],
        is_variable=bool(table.scalar("is_variable")),
        quantization=_quantization(table.table("quantization")),
        is_sparse=table.table("sparsity") is not None,
    )


def _quantization(table: Table | None) -> Quantization | None:
    if table is None:
        return None
    scales = tuple(float(scale) for scale in table.numbers("scale"))
    zero_points = table.integers("zero_point")
    if not scales or not zero_points:
        return None
    if len(scales) != len(zero_points):
        fail_malformed(f"{table.path}: {len(scales)} scales, but {len(zero_points)} zero points")
    return Quantization(
        scales=scales, zero_points=zero_points, axis=table.integer("quantized_dimension")
    )


def _operator(
    table: Table, index: int, codes: tuple[tuple[int, str | None, int], ...], data: bytes
) -> OperatorSpec:
    _require_lists(table, "inputs", "outputs")
    opcode_index = table.integer("opcode_index")
    if opcode_index >= len(codes):
        fail_malformed(f"{table.path}: operator code {opcode_index:,} of {len(codes):,}")
    code, custom_name, version = codes[opcode_index]
    op = operator_name(code)
    if op == CUSTOM:
        if not custom_name:
            fail_malformed(f"{table.path}: a custom operator without a name")
        op = f"{CUSTOM}:{custom_name}"
    span = table.span("custom_options")
    return OperatorSpec(
        index=index,
        op=op,
        builtin_code=code,
        custom_name=custom_name if op.startswith(CUSTOM) else None,
        version=version,
        inputs=table.integers("inputs"),
        outputs=table.integers("outputs"),
        intermediates=table.integers("intermediates"),
        options_type=_options_type(table),
        options=_options(table),
        custom_options=data[span[0] : span[0] + span[1]] if span else b"",
    )


def _options_type(table: Table) -> str:
    for field in ("builtin_options", "builtin_options2"):
        child = table.union(field)
        if child is not None:
            return child.definition.name
        number = table.integer(f"{field}_type")
        if number and table.has(field):
            return f"UNKNOWN:{number}"
    return ""


def _options(table: Table) -> Mapping[str, OptionValue]:
    """Every field of the operator's option table, absent ones with the schema's default."""
    options = table.union("builtin_options") or table.union("builtin_options2")
    values: dict[str, OptionValue] = {}
    if options is None:
        return values
    for name, field in options.definition.fields.items():
        if field.kind == "string":
            values[name] = options.string(name)
        elif field.kind == "vector":
            values[name] = options.numbers(name)
        elif field.kind == "scalar":
            value = options.scalar(name)
            values[name] = _enum_value(options, field.enum, int(value)) if field.enum else value
    return values


def _enum_value(options: Table, enum: str, number: int) -> str:
    name = options.schema.enum_name(enum, number)
    if name is None:
        fail_malformed(f"{options.path}: {number} is no value of {enum}")
    return name


def _signature(table: Table) -> SignatureSpec:
    return SignatureSpec(
        key=table.string("signature_key") or "",
        subgraph_index=table.integer("subgraph_index"),
        inputs=_tensor_map(table, "inputs"),
        outputs=_tensor_map(table, "outputs"),
    )


def _tensor_map(table: Table, name: str) -> tuple[tuple[str, int], ...]:
    return tuple(
        (entry.string("name") or "", entry.integer("tensor_index")) for entry in table.tables(name)
    )
