"""Reads operator tables out of compiled TFLM: Arm's debug image and the tflite-micro wheel.

Both contain a function that registers every operator. In the image (unoptimised Thumb code) it
calls ``Register_X`` and then the resolver's ``AddX``, whose own code loads the operator number
and the address of the parse function. In the wheel (optimised x86-64 code) the ``AddX`` methods
are inlined: the registering function calls ``Register_X`` and takes the parse function's address.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.tflm.op_table import OpEntry
from tflm_gen.toolchain.elf_file import ElfFile, NotElfError, Symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CUSTOM_BUILTIN_CODE = 32

_REGISTER_ALL_IMAGE = "CreateAllOpsResolver"
_REGISTER_ALL_WHEEL = "PythonOpsResolverC"
_ADD_METHOD = re.compile(r"22MicroMutableOpResolverILj\d+EE\d+(Add\w+?)E(?:v|RK16TFLM)")
_LENGTH_AND_NAME = re.compile(r"(\d{1,2})((?:Register_|Parse)\w+)")
_C_STRING = re.compile(rb"[A-Za-z][\w-]{3,40}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Added:
    """What one ``AddX`` method does: found in its code."""

    code: int
    parse: str | None
    register: str | None
    custom_name: str | None


def plain_name(mangled: str) -> str | None:
    """``Register_X`` or ``ParseX`` out of a mangled name (or the name of its veneer)."""
    match = _LENGTH_AND_NAME.search(mangled)
    if match is None or "6tflite" not in mangled or "::" in mangled:
        return None
    return match.group(2)[: int(match.group(1))]


def read_image_ops(image: ElfFile, builtin_names: Sequence[str]) -> tuple[OpEntry, ...]:
    """The operators that Arm's debug image registers, in its own order.

    Args:
        image: The unoptimised image with its symbols.
        builtin_names: TFLite's operator names by number.

    Raises:
        NotElfError: If the image has no function that registers all operators.
    """
    symbols = list(image.symbols())
    by_address = {symbol.address & ~1: symbol.name for symbol in symbols if symbol.name[:1] == "_"}
    methods = {
        match.group(1): symbol
        for symbol in symbols
        if (match := _ADD_METHOD.search(symbol.name)) is not None
    }
    entries: list[OpEntry] = []
    pending: str | None = None
    for target in _thumb_calls(image, _find(symbols, _REGISTER_ALL_IMAGE)):
        callee = by_address.get(target, "")
        method = _ADD_METHOD.search(callee)
        if method is None:
            pending = plain_name(callee) or pending
            continue
        added = _read_thumb_add(image, methods[method.group(1)], by_address)
        entries.append(
            _entry(
                add_method=method.group(1),
                register=added.register or pending or "",
                added=added,
                builtin_names=builtin_names,
            )
        )
    return tuple(entries)


def _entry(
    *, add_method: str, register: str, added: _Added, builtin_names: Sequence[str]
) -> OpEntry:
    """One table entry; a custom operator is named as it stands in a model."""
    is_custom = added.custom_name is not None
    return OpEntry(
        op=f"CUSTOM:{added.custom_name}" if is_custom else builtin_names[added.code],
        builtin_code=CUSTOM_BUILTIN_CODE if is_custom else added.code,
        add_method=add_method,
        register=register,
        parse=added.parse,
        max_version=None,
    )


def _find(symbols: Sequence[Symbol], part: str) -> Symbol:
    """The largest function whose name holds ``part``."""
    found = [symbol for symbol in symbols if part in symbol.name and symbol.size_bytes]
    if not found:
        raise NotElfError(f"no function named {part}")
    return max(found, key=lambda symbol: symbol.size_bytes)


def _thumb_calls(image: ElfFile, function: Symbol) -> Iterator[int]:
    """Targets of the BL instructions of a Thumb function, in order."""
    start = function.address & ~1
    code = image.read(start, function.size_bytes)
    at = 0
    while at + 4 <= len(code):
        first, second = struct.unpack_from("<HH", code, at)
        is_wide = first >> 11 in (0b11101, 0b11110, 0b11111)
        if first >> 11 == 0b11110 and second >> 14 == 0b11 and second & 0x1000:
            yield start + at + 4 + _branch_offset(first, second)
        at += 4 if is_wide else 2


def _branch_offset(first: int, second: int) -> int:
    """Signed byte offset of a 32-bit Thumb BL."""
    sign = first >> 10 & 1
    i1 = 1 - ((second >> 13 & 1) ^ sign)
    i2 = 1 - ((second >> 11 & 1) ^ sign)
    offset = i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    return offset - (1 << 24) if sign else offset


def _read_thumb_add(image: ElfFile, method: Symbol, by_address: dict[int, str]) -> _Added:
    """Operator number, parse function and registration of one ``AddX`` method."""
    start = method.address & ~1
    code = image.read(start, method.size_bytes)
    parse = custom_name = register = None
    for target in _thumb_calls(image, method):
        callee = by_address.get(target, "")
        register = register or (plain_name(callee) if "Register_" in callee else None)
        if "GetString_ETHOSU" in callee:
            custom_name = "ethos-u"
    builtin = -1
    for (halfword,) in struct.iter_unpack("<H", code[: len(code) & ~1]):
        if halfword >> 8 == 0x21 and builtin < 0:  # movs r1, #number
            builtin = halfword & 0xFF
    for (word,) in struct.iter_unpack("<I", code[len(code) % 4 : len(code)]):
        name = by_address.get(word & ~1, "")
        if "Parse" in name:
            parse = plain_name(name)
        elif custom_name is None and register and (text := _string_at(image, word)):
            custom_name = text
    if parse is not None:
        custom_name = None
    return _Added(code=builtin, parse=parse, register=register, custom_name=custom_name)


def _string_at(image: ElfFile, address: int) -> str | None:
    """The C string stored at an address, if it looks like an operator's name."""
    try:
        text = image.read(address, 42).split(b"\0", 1)[0]
    except NotElfError:
        return None
    return text.decode("ascii") if _C_STRING.match(text) else None


def read_wheel_ops(
    library: ElfFile, builtin_names: Sequence[str], add_methods: dict[str, str]
) -> tuple[OpEntry, ...]:
    """The operators that the wheel's interpreter registers, in its own order.

    Args:
        library: The wheel's shared object.
        builtin_names: TFLite's operator names by number.
        add_methods: Resolver method by registering function; inlined here, so it cannot be read.

    Raises:
        NotElfError: If the library has no function that registers all operators.
    """
    symbols = list(library.symbols())
    names = {
        symbol.address: plain
        for symbol in symbols
        if symbol.size_bytes and (plain := plain_name(symbol.name)) is not None
    }
    codes = {name: code for code, name in enumerate(builtin_names)}
    entries: list[OpEntry] = []
    for register, parse, text in _x86_registrations(
        library, _find(symbols, _REGISTER_ALL_WHEEL), names
    ):
        op = register.removeprefix("Register_")
        if parse is None and op.endswith("POOL_2D"):
            parse = "ParsePool"  # One address in a register serves all three pools.
        is_custom = parse is None
        custom_name = "ethos-u" if register == "Register_ETHOSU" else text
        entries.append(
            OpEntry(
                op=f"CUSTOM:{custom_name}" if is_custom else op,
                builtin_code=CUSTOM_BUILTIN_CODE if is_custom else codes[op],
                add_method=add_methods[register],
                register=register,
                parse=parse,
                max_version=None,
            )
        )
    return tuple(entries)


def _x86_registrations(
    library: ElfFile, function: Symbol, names: dict[int, str]
) -> Iterator[tuple[str, str | None, str | None]]:
    """(registering function, parse function, operator name) of each call of ``Register_X``."""
    code = library.read(function.address, function.size_bytes)
    register: str | None = None
    parse: str | None = None
    text: str | None = None
    for at in range(len(code) - 7):
        if code[at] == 0xE8:  # call
            (offset,) = struct.unpack_from("<i", code, at + 1)
            name = names.get(function.address + at + 5 + offset, "")
            if name.startswith("Register_"):
                if register is not None:
                    yield register, parse, text
                register, parse, text = name, None, None
        elif code[at] in (0x48, 0x4C) and code[at + 1] == 0x8D and code[at + 2] & 0xC7 == 0x05:
            (offset,) = struct.unpack_from("<i", code, at + 3)  # lea register, [rip + offset]
            target = function.address + at + 7 + offset
            name = names.get(target, "")
            parse = parse or (name if name.startswith("Parse") else None)
            text = text or _string_at(library, target)
    if register is not None:
        yield register, parse, text
