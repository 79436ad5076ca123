"""Which file of TFLM calls into which other, read from Arm's debug image: DWARF and disassembly."""

from __future__ import annotations

import bisect
import functools
import re
import subprocess
from collections import defaultdict
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

from tflm_gen.tflm.image import DEBUG_IMAGE, find_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_KERNELS = "tensorflow/lite/micro/kernels/"
_CMSIS_NN = "cmsis_nn/Source/"
_FUNCTION = re.compile(r"^([0-9a-f]{8}) <(.*)>:$")
_BRANCH = re.compile(r"\b(?:bl|b|b\.w|blx|b\.n)\s+([0-9a-f]+) <([^>+]+)")
_POINTER = re.compile(r"\.word\s+0x([0-9a-f]{8})")


def _image() -> Path:
    image = find_image(DEBUG_IMAGE)
    assert image is not None, "the test is marked debug_image"
    return image


class _Functions:
    """Functions of the image: addresses, sizes, names, and the file each was compiled from."""

    def __init__(self, elf: ELFFile) -> None:
        self.names: dict[str, int] = {}
        self.sizes: dict[int, int] = {}
        self.public: set[int] = set()
        for symbol in elf.get_section_by_name(".symtab").iter_symbols():
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_size"] > 0:
                address = symbol["st_value"] & ~1
                self.names[symbol.name] = address
                self.sizes[address] = symbol["st_size"]
                if symbol["st_info"]["bind"] == "STB_GLOBAL":
                    self.public.add(address)
        self.starts = sorted(self.sizes)
        self.files = dict(_function_files(elf))

    def at(self, address: int) -> int | None:
        """Start of the function that holds an address."""
        index = bisect.bisect_right(self.starts, address) - 1
        if index < 0:
            return None
        start = self.starts[index]
        return start if address < start + self.sizes[start] else None

    def behind_veneer(self, name: str) -> int | None:
        """Function that a linker's veneer jumps to."""
        plain = name.removesuffix("_veneer")
        return self.names.get(plain[2:]) or self.names.get(plain[3:])


def _function_files(elf: ELFFile) -> Iterator[tuple[int, str]]:
    for unit in elf.get_dwarf_info().iter_CUs():
        name = unit.get_top_DIE().attributes["DW_AT_name"].value.decode()
        if "/tensorflow/tensorflow/" in name:
            path = "tensorflow/" + name.split("/tensorflow/tensorflow/")[1]
        elif "cmsis" in name.lower() and "/Source/" in name:
            path = _CMSIS_NN + name.split("/Source/")[1]
        else:
            continue
        for die in unit.iter_DIEs():
            if die.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in die.attributes:
                yield die.attributes["DW_AT_low_pc"].value & ~1, path


@functools.cache
def _functions() -> _Functions:
    with _image().open("rb") as file:
        return _Functions(ELFFile(file))


def registration_files() -> Mapping[str, str]:
    """File of each registration function ("Register_CONV_2D")."""
    functions = _functions()
    found = {}
    for name, address in functions.names.items():
        match = re.fullmatch(r"_ZN6tflite\d+(Register_[A-Z0-9_]+)Ev", name)
        if match and functions.files.get(address, "").startswith(_KERNELS):
            found[match[1]] = functions.files[address]
    return found


@functools.cache
def kernel_calls() -> Mapping[str, set[str]]:
    """Kernel files that a kernel file calls into, by their public functions."""
    functions = _functions()
    calls: dict[str, set[str]] = defaultdict(set)
    for caller, callee in _all_references():
        source, target = functions.files.get(caller), functions.files.get(callee)
        if source is None or target is None or callee not in functions.public:
            continue
        if source != target and source.startswith(_KERNELS) and target.startswith(_KERNELS):
            calls[source].add(target)
    return calls


@functools.cache
def cmsis_nn_folders(source: str) -> frozenset[str]:
    """Folders of CMSIS-NN with a function that a kernel file calls, directly or through others."""
    functions = _functions()
    targets: dict[int, set[int]] = defaultdict(set)
    for caller, callee in _all_references():
        targets[caller].add(callee)
    waiting = [address for address, path in functions.files.items() if path == source]
    seen: set[int] = set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        # Other kernel files have entries of their own in the recipe.
        if functions.files.get(address, "") == source or _is_cmsis_nn(functions, address):
            waiting += targets[address]
    paths = (functions.files[address] for address in seen if _is_cmsis_nn(functions, address))
    return frozenset(path.removeprefix(_CMSIS_NN).split("/")[0] for path in paths)


def _is_cmsis_nn(functions: _Functions, address: int) -> bool:
    return functions.files.get(address, "").startswith(_CMSIS_NN)


@functools.cache
def _all_references() -> tuple[tuple[int, int], ...]:
    return tuple(_references(_functions()))


def _references(functions: _Functions) -> Iterator[tuple[int, int]]:
    """Pairs of functions of which the first calls, or takes the address of, the second."""
    process = subprocess.Popen(
        ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(_image())],
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    current: int | None = None
    for line in process.stdout:
        if header := _FUNCTION.match(line):
            current = int(header[1], 16)
        elif current is not None and (callee := _callee(functions, line)) is not None:
            yield current, callee
    assert process.wait() == 0


def _callee(functions: _Functions, line: str) -> int | None:
    if branch := _BRANCH.search(line):
        if branch[2].endswith("_veneer"):
            return functions.behind_veneer(branch[2])
        return functions.at(int(branch[1], 16))
    if pointer := _POINTER.search(line):
        value = int(pointer[1], 16)
        return value & ~1 if value & 1 and value & ~1 in functions.sizes else None
    return None
