"""Tables of facts: sizes of a runtime's structures, and what each kernel allocates.

A table is a TOML file in ``tables/``; a new kernel library is a new file. ``base`` names another
table whose entries hold unless the file has its own. A kernel's ``prepare`` is a list of steps

    tensors in0 out0 ...      temporary descriptions of operands; absent operands are skipped
    persistent SIZE           permanent memory
    scratch SIZE              memory during the operator's run
    temp SIZE ALIGN           other temporary memory

each with an optional ``when CONDITION`` at its end.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from tflm_gen.arena_model.expressions import Expression, parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

Verb = Literal["tensors", "persistent", "scratch", "temp"]

_FOLDER = Path(__file__).parent / "tables"
_VERBS: tuple[Verb, ...] = ("tensors", "persistent", "scratch", "temp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a kernel's preparation."""

    verb: Verb
    operands: tuple[str, ...] = ()
    size: Expression | None = None
    align: int = 16
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """What an operator allocates.

    Attributes:
        parameters: (bytes, alignment) of its parsed options, or None.
        init: Bytes of its permanent data, or None.
        prepare: Steps of its preparation.
    """

    parameters: tuple[int, int] | None
    init: int | None
    prepare: tuple[Step, ...]


class _FileRecord(BaseModel):
    """Base: immutable, and no key that the record does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KernelEntry(_FileRecord):
    """A kernel as the file has it."""

    parameters: tuple[int, int] | None = None
    init: int | None = None
    prepare: tuple[str, ...] = ()


class Structures(_FileRecord):
    """(bytes, alignment) of a runtime's own structures, and its constants.

    Attributes:
        create: What construction takes from the tail, in order.
        parameter_allocator: Allocator of parsed options.
        scratch_request: One noted scratch request.
        scratch_slots: Requests an operator may make.
        subgraph: One subgraph's entry.
        eval_tensor: One tensor's entry.
        node: One operator's entry.
        scratch_handle: Pointer to scratch memory.
        tensor: Full description of a tensor.
        affine: Quantization of a described tensor.
        allocation_info: Planner's note of one tensor.
        size_t: A length.
        pointer: Bytes of a pointer.
        planner_buffer: Planner's bytes for one buffer.
        resource_variables: Bytes of the list of resource variables, and of one of them; None if
            the runtime is built without.
    """

    create: tuple[tuple[int, int], ...]
    parameter_allocator: tuple[int, int]
    scratch_request: tuple[int, int]
    scratch_slots: int
    subgraph: tuple[int, int]
    eval_tensor: tuple[int, int]
    node: tuple[int, int]
    scratch_handle: tuple[int, int]
    tensor: tuple[int, int]
    affine: tuple[int, int]
    allocation_info: tuple[int, int]
    size_t: tuple[int, int]
    pointer: int
    planner_buffer: int
    resource_variables: tuple[int, int] | None = None


class TableFile(_FileRecord):
    """A whole file over that of its base."""

    runtime: str
    kernels_id: str
    simd: Literal["mve", "dsp", "none", "host"]
    evidence: str
    structures: Structures
    kernels: dict[str, KernelEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeTable:
    """A runtime with its kernels.

    Attributes:
        id: Name of the file.
        runtime: What it describes.
        kernels_id: Kernel library.
        simd: Instruction set of the kernel library: "mve", "dsp", "none" or "host".
        evidence: Where the numbers come from.
        structures: Sizes of structures.
        kernels: By operator name.
    """

    id: str
    runtime: str
    kernels_id: str
    simd: str
    evidence: str
    structures: Structures
    kernels: Mapping[str, Kernel]


def list_tables() -> tuple[str, ...]:
    """Names of all tables."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def load_table(table_id: str) -> RuntimeTable:
    """Read a table.

    Raises:
        ValueError: If an entry is not of the form above.
    """
    file = TableFile.model_validate(_merged(table_id))
    return RuntimeTable(
        id=table_id,
        runtime=file.runtime,
        kernels_id=file.kernels_id,
        simd=file.simd,
        evidence=file.evidence,
        structures=file.structures,
        kernels={op: _kernel(op, entry) for op, entry in file.kernels.items()},
    )


def _merged(table_id: str) -> dict[str, Any]:
    """The file's entries over those of its base."""
    data = tomllib.loads((_FOLDER / f"{table_id}.toml").read_text(encoding="utf-8"))
    base_id = data.pop("base", None)
    if base_id is None:
        return data
    base = _merged(base_id)
    tables = {name: base[name] | data.get(name, {}) for name in ("structures", "kernels")}
    return base | data | tables


def _kernel(op: str, entry: KernelEntry) -> Kernel:
    return Kernel(
        parameters=entry.parameters,
        init=entry.init,
        prepare=tuple(_step(op, text) for text in entry.prepare),
    )


def _step(op: str, text: str) -> Step:
    body, _, condition = text.partition(" when ")
    verb, _, rest = body.partition(" ")
    when = parse_expression(condition) if condition else None
    known = next((item for item in _VERBS if item == verb), None)
    if known is None:
        raise ValueError(f"{op}: {text!r}: no such step")
    if known == "tensors":
        return Step(verb=known, operands=tuple(rest.split()), when=when)
    if known == "temp":
        size, _, align = rest.rpartition(" ")
        return Step(verb=known, size=parse_expression(size), align=int(align), when=when)
    return Step(verb=known, size=parse_expression(rest), when=when)
