"""Reads layouts out of debug information: sizes, member offsets, virtual tables, enumerators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from elftools.dwarf.die import DIE

_RECORDS = {"DW_TAG_class_type", "DW_TAG_structure_type", "DW_TAG_union_type"}
_WRAPPERS = {"DW_TAG_const_type", "DW_TAG_typedef", "DW_TAG_volatile_type"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a compiler laid out a struct, class or union.

    Attributes:
        size: Bytes.
        members: (offset, bytes) by member name; virtual table pointers are left out.
        virtuals: Slot in the virtual table by mangled name; destructors are left out (they have
            no slot in debug information, but shift those behind them).
        functions: Mangled names of all member functions.
    """

    size: int
    members: dict[str, tuple[int, int]] = field(default_factory=dict)
    virtuals: dict[str, int] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugTypes:
    """Types found, by plain name: layouts, and enumerators with the enum's size."""

    layouts: dict[str, Layout]
    enums: dict[str, tuple[int, dict[str, int]]]


def read_types(path: Path, wanted: Collection[str], units: Sequence[str] = ("",)) -> DebugTypes:
    """Types of an ELF file.

    Args:
        path: The file.
        wanted: Plain names.
        units: Ends of the names of the source files to look into.
    """
    layouts: dict[str, Layout] = {}
    enums: dict[str, tuple[int, dict[str, int]]] = {}
    with path.open("rb") as stream:
        dwarf = ELFFile(stream).get_dwarf_info()
        for unit in dwarf.iter_CUs():
            top = unit.get_top_DIE()
            if not _text(top, "DW_AT_name").endswith(tuple(units)):
                continue
            for die in _types(top):
                name = _text(die, "DW_AT_name")
                if name not in wanted or "DW_AT_declaration" in die.attributes:
                    continue
                target = _strip(die)
                if target.tag == "DW_TAG_enumeration_type":
                    enums.setdefault(name, _enum(target))
                elif target.tag in _RECORDS and "DW_AT_byte_size" in target.attributes:
                    layouts.setdefault(name, _layout(target))
    return DebugTypes(layouts=layouts, enums=enums)


def _types(die: DIE) -> Iterator[DIE]:
    for child in die.iter_children():
        if child.tag == "DW_TAG_namespace":
            yield from _types(child)
        elif child.tag in _RECORDS | {"DW_TAG_enumeration_type", "DW_TAG_typedef"}:
            yield child


def _strip(die: DIE) -> DIE:
    while die.tag in _WRAPPERS and "DW_AT_type" in die.attributes:
        die = die.get_DIE_from_attribute("DW_AT_type")
    return die


def _text(die: DIE, attribute: str) -> str:
    found = die.attributes.get(attribute)
    return found.value.decode() if found is not None else ""


def _number(die: DIE, attribute: str) -> int:
    found = die.attributes.get(attribute)
    return int(found.value) if found is not None else 0


def _enum(die: DIE) -> tuple[int, dict[str, int]]:
    values = {_text(c, "DW_AT_name"): _number(c, "DW_AT_const_value") for c in die.iter_children()}
    return _number(die, "DW_AT_byte_size"), values


def _layout(die: DIE) -> Layout:
    members: dict[str, tuple[int, int]] = {}
    virtuals: dict[str, int] = {}
    functions: set[str] = set()
    for child in die.iter_children():
        name = _text(child, "DW_AT_name")
        if child.tag == "DW_TAG_member" and not name.startswith("_vptr"):
            members[name] = (_number(child, "DW_AT_data_member_location"), _size(child))
        elif child.tag == "DW_TAG_subprogram":
            linkage = _text(child, "DW_AT_linkage_name")
            functions.add(linkage)
            slot = child.attributes.get("DW_AT_vtable_elem_location")
            if slot is not None and not name.startswith("~"):
                virtuals[linkage] = slot.value[1]
    return Layout(
        size=_number(die, "DW_AT_byte_size"),
        members=members,
        virtuals=virtuals,
        functions=frozenset(functions),
    )


def _size(member: DIE) -> int:
    """Bytes of a member; a reference is as large as a pointer, a flexible array has none."""
    die = _strip(member.get_DIE_from_attribute("DW_AT_type"))
    if die.tag == "DW_TAG_array_type":
        element = _size(die)
        count = 1
        for bound in die.iter_children():
            upper = bound.attributes.get("DW_AT_upper_bound")
            count *= 0 if upper is None else int(upper.value) + 1
        return element * count
    if die.tag in {"DW_TAG_pointer_type", "DW_TAG_reference_type"}:
        return 4
    return _number(die, "DW_AT_byte_size")
