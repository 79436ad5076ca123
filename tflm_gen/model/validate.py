"""Walks a whole flatbuffer before anything else reads it: bounds, alignment, and total work.

Interpreters trust a model file; a wrong offset in one reads or writes foreign memory. The walk
visits every field of every table the schema knows, without recursion, and stops when a file
refers to more bytes than it has (tables shared to make a small file cost much).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tflm_gen.model.flatbuffer import Table, fail_malformed, scalar_bytes

if TYPE_CHECKING:
    from tflm_gen.model.schema import FieldDef

# Ten times what the largest models for microcontrollers have: some seconds of checks.
MAX_TABLES = 50_000
MAX_REFERENCES = 100_000
MAX_ELEMENTS = 1_000_000

# A writer may share equal strings, shapes and vtables; four times the file is beyond any of them.
_SHARE_FACTOR = 4
_SHARE_SLACK_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What a walk through a file found out.

    Attributes:
        string_bytes: Bytes of all strings.
        spans: First byte, and the one behind the last, of all that something refers to.
    """

    string_bytes: int
    spans: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Walk:
    """What has been visited so far, against the limits."""

    file_bytes: int
    visited_bytes: int = 0
    n_tables: int = 0
    n_references: int = 0
    n_elements: int = 0
    pending: list[Table] = field(default_factory=list)
    string_spans: set[tuple[int, int]] = field(default_factory=set)
    spans: set[tuple[int, int]] = field(default_factory=set)

    def charge(self, size_bytes: int, path: str) -> None:
        """Count visited bytes."""
        self.visited_bytes += size_bytes
        if self.visited_bytes > _SHARE_FACTOR * self.file_bytes + _SHARE_SLACK_BYTES:
            fail_malformed(
                f"{path}: the tables up to here refer to {self.visited_bytes:,} bytes, "
                f"but the file has {self.file_bytes:,}"
            )


def walk_structure(root: Table, file_bytes: int) -> Structure:
    """Visit everything below the root.

    Raises:
        MalformedModelError: At the first broken reference, or past a limit.
    """
    walk = _Walk(file_bytes=file_bytes)
    _push(walk, root)
    while walk.pending:
        table = walk.pending.pop()
        for definition in table.definition.fields.values():
            _visit_field(walk, table, definition)
    return Structure(
        string_bytes=sum(length + 1 for _, length in walk.string_spans),
        spans=tuple(walk.spans),
    )


def _push(walk: _Walk, table: Table) -> None:
    walk.n_tables += 1
    if walk.n_tables > MAX_TABLES:
        fail_malformed(f"{table.path}: more than {MAX_TABLES:,} tables")
    walk.charge(table.structure_bytes, table.path)
    walk.spans.update(table.spans)
    walk.pending.append(table)


def _visit_field(walk: _Walk, table: Table, definition: FieldDef) -> None:
    name, kind = definition.name, definition.kind
    if kind == "scalar":
        table.scalar(name)
    elif kind == "vector":
        _visit_vector(walk, table, definition)
    elif kind == "string":
        span = table.span(name)
        if span is not None:
            _visit_string(walk, span, table.path)
    elif kind in ("table", "union"):
        child = table.table(name) if kind == "table" else table.union(name)
        if child is not None:
            _push(walk, child)
    else:
        _visit_references(walk, table, definition)


def _visit_vector(walk: _Walk, table: Table, definition: FieldDef) -> None:
    span = table.span(definition.name)
    if span is None:
        return
    # Byte vectors are never decoded element by element, so only their bounds matter.
    if definition.type_name != "u8":
        walk.n_elements += span[1]
        if walk.n_elements > MAX_ELEMENTS:
            fail_malformed(f"{table.path}: more than {MAX_ELEMENTS:,} vector elements")
    walk.charge(span[1], table.path)
    _add_vector(walk, span, scalar_bytes(definition.type_name))


def _add_vector(walk: _Walk, span: tuple[int, int], element_bytes: int) -> None:
    """A vector's data, and its length before that."""
    walk.spans.add((span[0] - 4, span[0] + element_bytes * span[1]))


def _visit_string(walk: _Walk, span: tuple[int, int], path: str) -> None:
    walk.charge(span[1], path)
    walk.string_spans.add(span)
    _add_vector(walk, (span[0], span[1] + 1), 1)


def _visit_references(walk: _Walk, table: Table, definition: FieldDef) -> None:
    span = table.reference_span(definition.name)
    if span is None:
        return
    walk.n_references += span[1]
    if walk.n_references > MAX_REFERENCES:
        fail_malformed(f"{table.path}: more than {MAX_REFERENCES:,} references")
    walk.charge(4 * span[1], table.path)
    _add_vector(walk, span, 4)
    if definition.kind == "strings":
        for string_span in table.string_spans(definition.name):
            _visit_string(walk, string_span, table.path)
        return
    for child in table.tables(definition.name):
        _push(walk, child)
