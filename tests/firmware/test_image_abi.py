"""Our declarations of TFLM against the debug information and symbols of Arm's own images."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import ROOT
from tests.support.dwarf_layout import DebugTypes, Layout, read_types
from tests.support.programs import check, run
from tflm_gen.tflm.image import DEBUG_IMAGE, IMAGE, find_image
from tflm_gen.tflm.op_table import load_op_table

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.cross

API = ROOT / "firmware_templates" / "tflm_api" / "corstone300_image"
DECLARED = Path(__file__).parent / "image_abi" / "declared.cc"
COMPILER = (
    *("arm-none-eabi-g++", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-std=c++17"),
    *("-fno-rtti", "-fno-exceptions", "-g", "-O0", "-c"),
)
UNITS = ("MicroMutableAllOpsResolver.cc", "/micro_interpreter.cc")
C_TYPES = (
    "TfLiteIntArray",
    "TfLiteQuantizationParams",
    "TfLiteQuantization",
    "TfLitePtrUnion",
    "TfLiteTensor",
    "TFLMRegistration",
)
CLASSES = (
    "MicroInterpreter",
    "MicroMutableOpResolver<98>",
    "MicroOpResolver",
    "MicroProfilerInterface",
)
# Only ever made and used by the image itself: no layout of ours, but functions.
OPAQUE = ("MicroAllocator",)
ENUMS = (
    "TfLiteStatus",
    "TfLiteType",
    "TfLiteAllocationType",
    "TfLiteQuantizationType",
    "MemoryPlannerType",
    "BuiltinOperator",
)
NAMES = frozenset((*C_TYPES, *CLASSES, *OPAQUE, *ENUMS))
COMPILE_ERROR = "not the image's MicroInterpreter"
# A misspelling of the image's that we do not repeat.
SPELLING = {"num_buitin_ops_": "num_builtin_ops_"}


def declared_types(api: Path, tmp_path: Path) -> DebugTypes:
    """Debug information of the declarations in a folder."""
    compiled = tmp_path / "declared.o"
    check(*COMPILER, "-fno-eliminate-unused-debug-types", f"-I{api}", DECLARED, "-o", compiled)
    return read_types(compiled, NAMES)


def complete(layout: Layout) -> dict[str, tuple[int, int]]:
    """Members of a class of the image. A type that is only declared there ends at the next one."""
    ends = sorted({offset for offset, _ in layout.members.values()} | {layout.size})
    return {
        SPELLING.get(name, name): (offset, size or ends[ends.index(offset) + 1] - offset)
        for name, (offset, size) in layout.members.items()
        if offset < layout.size
    }


def differences(ours: DebugTypes, image: DebugTypes) -> list[str]:
    """What differs, in words; empty if the image can be used through our declarations."""
    found = []
    for name in (*C_TYPES, *CLASSES):
        mine, its = ours.layouts[name], image.layouts[name]
        its_members = complete(its)
        if name == "TfLitePtrUnion":  # The members that nobody here uses are left out.
            its_members = {member: its_members.get(member, (-1, -1)) for member in mine.members}
        if mine.size != its.size:
            found.append(f"{name}: {mine.size} bytes, in the image {its.size}")
        if {name: at for name, at in mine.members.items() if at[1]} != its_members:
            found.append(f"{name}: members {mine.members}, in the image {its_members}")
        if mine.virtuals != its.virtuals:
            found.append(f"{name}: virtuals {mine.virtuals}, in the image {its.virtuals}")
    for name in ENUMS:
        size, values = ours.enums[name]
        its_size, its_values = image.enums[name]
        known = {key: its_values.get(key) for key in values}
        if size != its_size or values != known:
            found.append(f"enum {name}: {size} {values}, in the image {its_size} {known}")
    return found


@pytest.fixture(scope="module")
def image_types() -> DebugTypes:
    path = find_image(DEBUG_IMAGE)
    assert path is not None
    return read_types(path, NAMES, UNITS)


@pytest.mark.debug_image
def test_layouts_enumerators_and_virtual_tables_are_the_images(
    image_types: DebugTypes, tmp_path: Path
) -> None:
    ours = declared_types(API, tmp_path)
    assert set(ours.layouts) >= {*C_TYPES, *CLASSES}
    assert differences(ours, image_types) == []
    assert ours.layouts["MicroInterpreter"].size == 196
    # The destructor takes the first two places.
    assert sorted(ours.layouts["MicroProfilerInterface"].virtuals.values()) == [2, 3]
    assert sorted(ours.layouts["MicroOpResolver"].virtuals.values()) == [0, 1, 2]
    assert len(ours.enums["BuiltinOperator"][1]) == 96


@pytest.mark.debug_image
def test_enumerations_are_complete(image_types: DebugTypes, tmp_path: Path) -> None:
    ours = declared_types(API, tmp_path)
    for name in set(ENUMS) - {"BuiltinOperator"}:
        assert ours.enums[name] == image_types.enums[name]


def _swap(first: str, second: str) -> Callable[[str], str]:
    return lambda text: text.replace(first, "@").replace(second, first).replace("@", second)


@pytest.mark.debug_image
@pytest.mark.parametrize(
    ("header", "change", "says"),
    [
        ("image_c_types.h", _swap("std::size_t bytes;", "TfLiteType type;"), "TfLiteTensor"),
        ("image_c_types.h", _swap("kTfLiteInt16 = 7", "kTfLiteInt8 = 9"), ""),
        (
            "image_c_types.h",
            lambda text: text.replace("kTfLiteInt8 = 9", "kTfLiteInt8 = 10"),
            "enum TfLiteType",
        ),
        (
            "image_c_types.h",
            lambda text: text.replace("TfLiteStatus : std::uint8_t", "TfLiteStatus : int"),
            COMPILE_ERROR,
        ),
        (
            "image_interpreter.h",
            _swap("MicroAllocator* allocator_;", "MicroOpResolver* op_resolver_;"),
            "MicroInterpreter: members",
        ),
        (
            "image_interpreter.h",
            lambda text: text.replace("context_[25]", "context_[26]"),
            COMPILE_ERROR,
        ),
        (
            "image_interpreter.h",
            _swap(
                "virtual std::uint32_t BeginEvent(const char* tag) = 0;",
                "virtual void EndEvent(std::uint32_t event_handle) = 0;",
            ),
            "MicroProfilerInterface: virtuals",
        ),
        (
            "image_interpreter.h",
            lambda text: text.replace("virtual ~MicroProfilerInterface", "~MicroProfilerInterface"),
            "MicroProfilerInterface: virtuals",
        ),
        (
            "image_op_resolver.h",
            lambda text: text.replace(
                " public:\n  virtual const TFLMRegistration* FindOp(BuiltinOperator op)",
                " public:\n  virtual void First() {}\n"
                "  virtual const TFLMRegistration* FindOp(BuiltinOperator op)",
            ),
            "MicroOpResolver: virtuals",
        ),
    ],
)
def test_a_wrong_declaration_is_noticed(
    image_types: DebugTypes, tmp_path: Path, header: str, change: Callable[[str], str], says: str
) -> None:
    api = tmp_path / "api"
    shutil.copytree(API, api)
    text = (api / header).read_text()
    changed = change(text)
    assert changed != text
    (api / header).write_text(changed)
    if says == COMPILE_ERROR:
        result = run(*COMPILER, f"-I{api}", DECLARED, "-o", tmp_path / "declared.o")
        assert result.returncode != 0
        assert COMPILE_ERROR in result.stderr
        return
    found = differences(declared_types(api, tmp_path), image_types)
    if says:
        assert any(line.startswith(says) for line in found), found
    else:  # The order of enumerators does not matter, their values do.
        assert found == []


def symbols(path: Path, *options: str) -> set[str]:
    """Names in the symbol table of an ELF file."""
    return {line.split()[-1] for line in check("arm-none-eabi-nm", *options, path).splitlines()}


def listed_symbols() -> list[str]:
    return (API / "api_symbols.txt").read_text().split()


@pytest.mark.image
def test_every_listed_symbol_is_in_the_image() -> None:
    path = find_image(IMAGE)
    assert path is not None
    assert set(listed_symbols()) - symbols(path, "--defined-only") == set()


@pytest.mark.debug_image
def test_every_listed_symbol_is_in_the_debug_image() -> None:
    path = find_image(DEBUG_IMAGE)
    assert path is not None
    assert set(listed_symbols()) - symbols(path, "--defined-only") == set()


def test_what_the_declarations_need_is_listed_and_nothing_else(tmp_path: Path) -> None:
    compiled = tmp_path / "declared.o"
    check(*COMPILER, f"-I{API}", DECLARED, "-o", compiled)
    needed = {name for name in symbols(compiled, "--undefined-only") if "tflite" in name}
    needed |= {"RegisterDebugLogCallback", "_Z11MicroPrintfPKcz"}
    needed |= {"ethosu_init", "ethosu_irq_handler"}  # image_npu_driver.h
    start_up = {name for name in listed_symbols() if "_table_" in name or name == "_exit"}
    assert len(start_up) == 5
    assert needed == set(listed_symbols()) - start_up
    assert listed_symbols() == sorted(set(listed_symbols()))


def test_operators_are_those_of_the_checked_table() -> None:
    text = (API / "ops_image.inc").read_text()
    found = re.findall(r"^ECG_IMAGE_OP\((\w+), (\w+), (\d+), (\w+)\)$", text, re.M)
    table = load_op_table("corstone300_image").ops.values()
    builtin = [
        (e.add_method, e.op, str(e.builtin_code), e.parse) for e in table if e.parse is not None
    ]
    assert sorted(found) == sorted(builtin)
    assert all(e.register == f"Register_{e.op}" for e in table if e.parse is not None)
    resolver = (API / "image_op_resolver.h").read_text()
    for entry in (e for e in table if e.parse is None):
        assert f"TfLiteStatus {entry.add_method}()" in resolver
        assert f"{entry.register}()" in resolver


@pytest.mark.parametrize(
    "guard",
    ["TENSORFLOW_LITE_MICRO_MICRO_INTERPRETER_H_", "TENSORFLOW_LITE_CORE_C_COMMON_H_"],
)
def test_the_declarations_refuse_to_meet_the_real_headers(tmp_path: Path, guard: str) -> None:
    source = tmp_path / "both.cc"
    source.write_text(f'#define {guard}\n#include "ecg_tflm_api.h"\n')
    result = run(*COMPILER, f"-I{API}", source, "-o", tmp_path / "both.o")
    assert result.returncode != 0
    assert "use tflm_api/upstream instead" in result.stderr


def test_no_header_of_ours_has_a_path_of_the_real_tree() -> None:
    for path in API.rglob("*.h"):
        assert '#include "tensorflow/' not in path.read_text()
    assert not (API / "tensorflow").exists()
