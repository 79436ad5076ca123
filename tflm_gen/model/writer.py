"""Writes .tflite files: a whole tree of tables, or a small edit that leaves the rest in place."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.flatbuffer import root_table
from tflm_gen.model.schema import FILE_IDENTIFIER, load_schema
from tflm_gen.model.tree import TableValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flatbuffers import Builder

    from tflm_gen.model.records import Model
    from tflm_gen.model.schema import FieldDef, TableDef

_DATA_ALIGN_BYTES = 16
# Names of the builder's methods, and struct codes, by the schema's scalar types.
_SCALARS = {
    "bool": ("Bool", "?"),
    "i8": ("Int8", "b"),
    "u8": ("Uint8", "B"),
    "i16": ("Int16", "h"),
    "u16": ("Uint16", "H"),
    "i32": ("Int32", "i"),
    "u32": ("Uint32", "I"),
    "i64": ("Int64", "q"),
    "u64": ("Uint64", "Q"),
    "f32": ("Float32", "f"),
    "f64": ("Float64", "d"),
}


def replace_outputs(model: Model, outputs: Sequence[int]) -> bytes:
    """The model's file with other outputs of the main subgraph.

    The new list is appended to the file, and the subgraph's reference turned to it. Interpreters
    keep the tensors they return, so a model whose outputs are all its tensors shows what every
    operator computes. Signatures are left as they are.

    Args:
        model: The model.
        outputs: Tensor indices of the main subgraph.

    Raises:
        UnsupportedModelError: If the file has no output list that could be turned.
        ValueError: If an index is no tensor of the main subgraph.
    """
    if not all(0 <= index < len(model.main.tensors) for index in outputs):
        raise ValueError(f"{list(outputs)} are not all tensors of the main subgraph")
    subgraph = root_table(model.flatbuffer, load_schema()).tables("subgraphs")[0]
    field_pos = subgraph.reference_pos("outputs")
    if field_pos == 0:
        raise UnsupportedModelError(
            f"{model.name}: the main subgraph has no outputs",
            hint="Convert the model again; a model without outputs computes nothing.",
        )
    data = bytearray(model.flatbuffer)
    data += bytes(-len(data) % 4)
    struct.pack_into("<I", data, field_pos, len(data) - field_pos)
    data += struct.pack(f"<I{len(outputs)}i", len(outputs), *outputs)
    # Data behind the flatbuffer proper is found by offset, so the length needs no alignment.
    return bytes(data)


def runtime_outputs(model: Model) -> tuple[int, ...]:
    """Every tensor that an operator of the main subgraph writes, in execution order."""
    return tuple(index for operator in model.main.operators for index in operator.outputs)


def pack_tree(root: TableValue) -> bytes:
    """A tree of tables as the bytes of a .tflite file; equal trees give equal bytes.

    Equal vectors, strings and tables are stored once. Data of buffers starts at a multiple of 16
    bytes, as kernels want it.
    """
    import flatbuffers

    builder = flatbuffers.Builder(4096)
    builder.Finish(_Packer(builder).table(root), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())


class _Packer:
    """Writes tables from the leaves up, and remembers what it has already written."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._tables = load_schema().tables
        self._written: dict[tuple[object, ...], int] = {}

    def table(self, value: TableValue) -> int:
        """Write a table, or find the equal one that is written; its offset."""
        definition = self._tables[value.name]
        offsets: dict[str, int] = {}
        scalars: dict[str, bool | int | float] = {}
        for name in sorted(value.fields):
            field, item = definition.fields[name], value.fields[name]
            if isinstance(item, bool | int | float):
                if item != field.default:
                    scalars[name] = item
            else:
                offsets[name] = self._reference(field, item)
        # Bit patterns, not values: 0.0 and -0.0 are equal, but not the same.
        bits = (
            (n, struct.pack(f"<{_SCALARS[definition.fields[n].type_name][1]}", v))
            for n, v in scalars.items()
        )
        key = (value.name, *offsets.items(), *bits)
        if key not in self._written:
            self._written[key] = self._table(definition, offsets, scalars)
        return self._written[key]

    def _table(
        self,
        definition: TableDef,
        offsets: Mapping[str, int],
        scalars: Mapping[str, bool | int | float],
    ) -> int:
        builder, fields = self._builder, definition.fields
        builder.StartObject(1 + max((field.slot for field in fields.values()), default=-1))
        widths = {name: struct.calcsize(_SCALARS[fields[name].type_name][1]) for name in scalars}
        widths.update(dict.fromkeys(offsets, 4))
        # Wide fields first, so that narrow ones do not leave gaps before them.
        for name in sorted(widths, key=lambda name: (-widths[name], fields[name].slot)):
            field = fields[name]
            if name in offsets:
                builder.PrependUOffsetTRelativeSlot(field.slot, offsets[name], 0)
            else:
                prepend = getattr(builder, f"Prepend{_SCALARS[field.type_name][0]}Slot")
                prepend(field.slot, scalars[name], field.default)
        return int(builder.EndObject())

    def _reference(self, field: FieldDef, item: bytes | tuple[object, ...] | TableValue) -> int:
        if isinstance(item, TableValue):
            return self.table(item)
        if isinstance(item, bytes):
            return self._bytes(field, item)
        if field.kind == "tables":
            return self._offsets([self.table(t) for t in item if isinstance(t, TableValue)])
        if field.kind == "strings":
            return self._offsets([self._bytes(field, t) for t in item if isinstance(t, bytes)])
        code = _SCALARS[field.type_name][1]
        return self._vector(struct.pack(f"<{len(item)}{code}", *item), struct.calcsize(code))

    def _bytes(self, field: FieldDef, item: bytes) -> int:
        if field.kind != "vector":
            key = ("string", item)
            if key not in self._written:
                self._written[key] = int(self._builder.CreateString(item))
            return self._written[key]
        return self._vector(item, 1)

    def _vector(self, data: bytes, item_bytes: int) -> int:
        """A vector of scalars; byte vectors hold the data of any type, so they are aligned."""
        key = (item_bytes, data)
        if key not in self._written:
            builder = self._builder
            align = _DATA_ALIGN_BYTES if item_bytes == 1 else item_bytes
            builder.StartVector(item_bytes, len(data) // item_bytes, align)
            builder.head -= len(data)
            builder.Bytes[builder.head : builder.head + len(data)] = data
            self._written[key] = int(builder.EndVector())
        return self._written[key]

    def _offsets(self, offsets: Sequence[int]) -> int:
        key = ("offsets", *offsets)
        if key not in self._written:
            self._builder.StartVector(4, len(offsets), 4)
            for offset in reversed(offsets):
                self._builder.PrependUOffsetTRelative(offset)
            self._written[key] = int(self._builder.EndVector())
        return self._written[key]
