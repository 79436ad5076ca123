"""Which files of TFLM an operator's kernel reaches in the wheel: symbols and disassembly, no DWARF.

The wheel is the one build of the pinned commit that can be looked into. Its symbol table has the
name of every object file, followed by that file's local functions; the linker laid objects out one
after the other, so a public function belongs to a file between the two local functions around it.
"""

from __future__ import annotations

import bisect
import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

from tflm_gen.tflm.sources import find_wheel_library

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LINE = re.compile(r"^ +([0-9a-f]+):\t(.*)$")
_BRANCH = re.compile(r"^(?:call|j[a-z]+) +([0-9a-f]+) <")
_ADDRESS = re.compile(r"# ([0-9a-f]+) <")
_REGISTER = re.compile(r"\d(Register_[A-Z0-9_]+)Ev$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of the wheel's library.

    Attributes:
        name: Mangled.
        size: In bytes.
        is_weak: A template or inline function: in any object that uses it.
        files: Files that it can be from; one, if that is certain.
    """

    name: str
    size: int
    is_weak: bool
    files: frozenset[str]


@cache
def _library() -> ELFFile:
    path = find_wheel_library()
    assert path is not None, "the test is marked oracle"
    return ELFFile(path.open("rb"))


@cache
def functions() -> Mapping[int, Function]:
    """All functions by address."""
    order: list[str] = []
    found = {}
    local = {}
    for symbol in _library().get_section_by_name(".symtab").iter_symbols():
        info = symbol["st_info"]
        if info["type"] == "STT_FILE":
            order.append(symbol.name)
        elif info["type"] == "STT_FUNC" and symbol["st_size"] and symbol["st_value"]:
            address = symbol["st_value"]
            found.setdefault(address, (symbol.name, symbol["st_size"], info["bind"]))
            if info["bind"] == "STB_LOCAL":
                local[address] = len(order) - 1
    # Cold parts of functions lie before all others, in an order of their own.
    places = sorted(address for address in local if order[local[address]].endswith(".cc"))

    def files(address: int) -> frozenset[str]:
        if address in local:
            return frozenset({order[local[address]]})
        index = bisect.bisect_right(places, address)
        if not 0 < index < len(places):
            return frozenset(order)
        first, last = local[places[index - 1]], local[places[index]]
        between = order[first : last + 1] if first <= last else order
        return frozenset(name for name in between if name.endswith(".cc"))

    return {
        address: Function(name=name, size=size, is_weak=bind == "STB_WEAK", files=files(address))
        for address, (name, size, bind) in found.items()
    }


@cache
def calls() -> Mapping[int, frozenset[int]]:
    """Functions that a function calls or takes the address of."""
    known = functions()
    starts = sorted(known)
    slots = dict(_slots())

    def start(address: int) -> int | None:
        index = bisect.bisect_right(starts, address) - 1
        if index < 0 or address >= starts[index] + known[starts[index]].size:
            return None
        return starts[index]

    found: dict[int, set[int]] = defaultdict(set)
    for caller, target in _references():
        source, callee = start(caller), start(slots.get(target, target))
        if source is not None and callee is not None:
            found[source].add(callee)
    return {source: frozenset(targets) for source, targets in found.items()}


def _slots() -> Iterator[tuple[int, int]]:
    """Addresses that the loader fills in, and with what."""
    for name in (".rela.dyn", ".rela.plt"):
        section = _library().get_section_by_name(name)
        symbols = _library().get_section(section["sh_link"])
        for relocation in section.iter_relocations():
            if relocation["r_info_sym"]:
                value = symbols.get_symbol(relocation["r_info_sym"])["st_value"]
            else:
                value = relocation["r_addend"]
            yield relocation["r_offset"], value


def _references() -> Iterator[tuple[int, int]]:
    path = find_wheel_library()
    text = subprocess.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    for line in text.splitlines():
        if body := _LINE.match(line):
            target = _BRANCH.match(body[2]) or _ADDRESS.search(body[2])
            if target:
                yield int(body[1], 16), int(target[1], 16)


def registrations() -> Mapping[str, int]:
    """Address of each registration function ("Register_CONV_2D")."""
    found = {}
    for address, function in functions().items():
        match = _REGISTER.search(function.name)
        if match:
            found[match[1]] = address
    return found


def reached(address: int) -> frozenset[int]:
    """Functions that are reached from one, itself among them."""
    graph = calls()
    seen: set[int] = set()
    waiting = [address]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += graph.get(at, ())
    return frozenset(seen)
