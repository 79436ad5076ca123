"""Which operators a TFLM source has, and how firmware registers them: one checked table a source.

The tables are read from the binaries themselves by :mod:`tflm_gen.tflm.table_extract`; a test
reads them again and compares.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.errors import UnsupportedOperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tflm_gen.model.records import OpUsage, SubgraphSpec

TABLE_NAMES = ("corstone300_image", "upstream", "wheel")
# Espressif's component is upstream's code with kernels of its own for some operators.
_FOLLOWS = {"esp_tflite_micro": "upstream"}
_TABLES = Path(__file__).resolve().parent / "tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpEntry:
    """One operator of a TFLM source.

    Attributes:
        op: TFLite's name in capitals, or "CUSTOM:<name>".
        builtin_code: TFLite's BuiltinOperator number (32 for custom operators).
        add_method: Method of MicroMutableOpResolver that registers it.
        register: Function that returns the kernel's registration.
        parse: Function that reads the operator's options; None for custom operators.
        max_version: Highest operator version the source carries, or None if it does not check.
    """

    op: str
    builtin_code: int
    add_method: str
    register: str
    parse: str | None
    max_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpTable:
    """The operators of one TFLM source.

    Attributes:
        source: Name of the table.
        tflm: Which TFLM it is, in words fit for a report.
        evidence: Where the table was read.
        ops: Entries by operator name.
    """

    source: str
    tflm: str
    evidence: tuple[str, ...]
    ops: Mapping[str, OpEntry]


@cache
def load_op_table(source: str) -> OpTable:
    """Read the table of a TFLM source.

    Args:
        source: One of :data:`TABLE_NAMES`, or a source that follows one of them.
    """
    name = _FOLLOWS.get(source, source)
    raw = json.loads((_TABLES / f"{name}.json").read_text(encoding="utf-8"))
    entries = [OpEntry(**entry) for entry in raw["ops"]]
    return OpTable(
        source=raw["source"],
        tflm=raw["tflm"],
        evidence=tuple(raw["evidence"]),
        ops={entry.op: entry for entry in entries},
    )


def select_ops(
    usages: Iterable[OpUsage], table: OpTable, *, subgraphs: Sequence[SubgraphSpec] = ()
) -> tuple[OpEntry, ...]:
    """The table entries that a model needs, sorted by operator name.

    Args:
        usages: Operators of the model.
        table: Operators of the TFLM that will be linked.
        subgraphs: The model's subgraphs, to say in an error where the operator is.

    Raises:
        UnsupportedOperatorError: If an operator is not in the table, naming it, its count, its
            first position, and who has it instead.
    """
    missing = [usage for usage in usages if usage.op not in table.ops]
    if missing:
        raise _unsupported(missing, table, subgraphs)
    return tuple(sorted((table.ops[usage.op] for usage in usages), key=lambda entry: entry.op))


def _unsupported(
    missing: Sequence[OpUsage], table: OpTable, subgraphs: Sequence[SubgraphSpec]
) -> UnsupportedOperatorError:
    """The error for operators a source does not have."""
    found = "; ".join(
        f"{usage.op} (used {usage.count} time{'s' if usage.count != 1 else ''}"
        f"{_first_place(usage.op, subgraphs)})"
        for usage in missing
    )
    holders = sorted(
        name
        for name in TABLE_NAMES
        if name != table.source and all(usage.op in load_op_table(name).ops for usage in missing)
    )
    if holders:
        other = " or ".join(load_op_table(name).tflm for name in holders)
        hint = f"{other} has it: choose a board that links it, or convert the model without it."
    else:
        # A custom operator is like no other, whatever its name.
        plain = [op for op in table.ops if not op.startswith("CUSTOM:")]
        near = difflib.get_close_matches(missing[0].op, plain, n=3, cutoff=0.5)
        nearest = f" (nearest names it has: {', '.join(near)})" if near else ""
        hint = f"No TFLM we know has it{nearest}: change the layer and convert the model again."
    return UnsupportedOperatorError(
        f"{table.tflm} has no operator {found}; it has {len(table.ops)} operators", hint=hint
    )


def _first_place(op: str, subgraphs: Sequence[SubgraphSpec]) -> str:
    """Where an operator first stands, as words for the error, or nothing."""
    for subgraph in subgraphs:
        for operator in subgraph.operators:
            if operator.op == op:
                inside = f" of subgraph {subgraph.index}" if subgraph.index else ""
                return f", first at operator {operator.index}{inside}"
    return ""
