"""The operator tables are read again from the binaries and compared."""

from __future__ import annotations

import pytest

from tests.support.requirements import require
from tflm_gen.model.ops import builtin_operators
from tflm_gen.tflm.image import DEBUG_IMAGE, IMAGE, find_image
from tflm_gen.tflm.op_table import load_op_table
from tflm_gen.tflm.sources import find_wheel_library
from tflm_gen.tflm.table_extract import plain_name, read_image_ops, read_wheel_ops
from tflm_gen.toolchain.elf_file import ElfFile, NotElfError


def builtin_names() -> list[str]:
    names = builtin_operators()
    return [names[code] for code in range(len(names))]


@pytest.mark.debug_image
def test_image_table_is_what_the_debug_image_registers() -> None:
    path = find_image(DEBUG_IMAGE)
    assert path is not None
    found = read_image_ops(ElfFile(path.read_bytes()), builtin_names())
    assert {entry.op: entry for entry in found} == load_op_table("corstone300_image").ops
    assert len(found) == 98


@pytest.mark.image
def test_linked_image_has_every_function_of_its_table() -> None:
    path = find_image(IMAGE)
    assert path is not None
    names = {plain_name(symbol.name) for symbol in ElfFile(path.read_bytes()).symbols()}
    table = load_op_table("corstone300_image")
    wanted = {entry.register for entry in table.ops.values()}
    wanted |= {entry.parse for entry in table.ops.values() if entry.parse}
    assert wanted <= names
    # And no other: an operator that is in the image but not in the table would be a loss.
    assert {name for name in names if name and name.startswith("Register_")} <= wanted


@pytest.mark.parametrize("name", ["wheel", "upstream"])
def test_tables_are_what_the_wheel_registers(name: str) -> None:
    require("oracle")
    path = find_wheel_library()
    assert path is not None
    table = load_op_table(name)
    methods = {entry.register: entry.add_method for entry in table.ops.values()}
    found = read_wheel_ops(ElfFile(path.read_bytes()), builtin_names(), methods)
    assert {entry.op: entry for entry in found} == table.ops


def test_another_library_is_refused() -> None:
    require("image")
    path = find_image(IMAGE)
    assert path is not None
    with pytest.raises(NotElfError, match="no function named PythonOpsResolverC"):
        read_wheel_ops(ElfFile(path.read_bytes()), builtin_names(), {})


@pytest.mark.parametrize(
    ("mangled", "plain"),
    [
        ("_ZN6tflite16Register_CONV_2DEv", "Register_CONV_2D"),
        ("___ZN6tflite16Register_CONV_2DEv_veneer", "Register_CONV_2D"),
        ("_ZN6tflite5micro8ParseAbsEPKNS_8OperatorEPNS0_20BuiltinDataAllocatorEPPv", "ParseAbs"),
        ("_ZN6tflite5micro11tflm_signal13Register_RFFTEv", "Register_RFFT"),
        ("_ZN5other16Register_CONV_2DEv", None),
        ("main", None),
    ],
)
def test_plain_names(mangled: str, plain: str | None) -> None:
    assert plain_name(mangled) == plain
