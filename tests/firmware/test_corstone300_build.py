"""Firmware for corstone300: what is linked, and what must fail to build."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import corstone_firmware as corstone
from tests.support.command_line import ROOT
from tests.support.corstone_firmware import change
from tests.support.programs import check, run
from tflm_gen.tflm.image import IMAGE, find_image

if TYPE_CHECKING:
    from tests.support.corstone_firmware import CorstoneFirmware

pytestmark = [pytest.mark.cross, pytest.mark.image, pytest.mark.oracle]

TEMPLATES = ROOT / "firmware_templates"
HEAP = {"malloc", "free", "calloc", "realloc", "_sbrk", "_Znwj", "_Znaj", "_ZdlPv", "_ZdlPvj"}
UNWINDING = {"__cxa_throw", "__cxa_begin_catch", "_Unwind_Resume", "__gxx_personality_v0"}
AT_EXIT = {"atexit", "__cxa_atexit", "exit", "abort"}


def symbols(path: Path, *options: str) -> set[str]:
    """Names in the symbol table of an ELF file."""
    return {line.split()[-1] for line in check("arm-none-eabi-nm", *options, path).splitlines()}


def own_objects(project: CorstoneFirmware) -> list[Path]:
    """What our compiler made of our sources."""
    return sorted((project.root / corstone.BUILD / "CMakeFiles" / "firmware.dir").rglob("*.cc.obj"))


# --- what is linked ---------------------------------------------------------------------------


def test_our_code_uses_no_heap_no_exceptions_and_nothing_at_exit(
    firmware: CorstoneFirmware,
) -> None:
    objects = own_objects(firmware)
    assert len(objects) > 15
    for path in objects:
        assert symbols(path, "--undefined-only") & (HEAP | UNWINDING | AT_EXIT) == set(), path
    assert symbols(firmware.elf) & (HEAP | UNWINDING | AT_EXIT) == set()


def test_an_allocation_would_be_noticed(copy: CorstoneFirmware) -> None:
    change(
        copy,
        "common/src/progress.cc",
        "  current_phase = phase;",
        "  current_phase = phase == nullptr ? new char[8] : phase;",
    )
    image = find_image(IMAGE)
    assert corstone.configure(copy.root, f"-DTFLM_IMAGE={image}").returncode == 0
    corstone.compile_project(copy.root)
    found = [path.name for path in own_objects(copy) if symbols(path) & HEAP]
    assert found == ["progress.cc.obj"]


def test_only_the_listed_symbols_of_the_image_are_visible(firmware: CorstoneFirmware) -> None:
    listed = (TEMPLATES / "tflm_api/corstone300_image/api_symbols.txt").read_text().split()
    assert symbols(firmware.root / corstone.BUILD / "image" / "symbols.elf") == set(listed)


def test_a_hidden_symbol_of_the_image_does_not_link(copy: CorstoneFirmware) -> None:
    change(
        copy,
        "common/src/progress.cc",
        'const char* current_phase = "reset";\n',
        'const char* current_phase = "reset";\n}\n}\nextern "C" void ethosu_invoke_async();\n'
        "namespace ecg::progress {\nnamespace {\n",
    )
    change(copy, "common/src/progress.cc", "  current_phase = phase;", "  ethosu_invoke_async();")
    assert "ethosu_invoke_async" in symbols(find_image(IMAGE) or Path())
    image = find_image(IMAGE)
    assert corstone.configure(copy.root, f"-DTFLM_IMAGE={image}").returncode == 0
    result = corstone.compile_project(copy.root)
    assert result.returncode != 0
    assert "undefined reference to `ethosu_invoke_async'" in result.stdout


def section_bytes(path: Path, tmp_path: Path, *names: str) -> bytes:
    """Contents of sections of an ELF file, one behind the other as they lie in memory."""
    out = tmp_path / "sections.bin"
    check("arm-none-eabi-objcopy", "-O", "binary", *(f"-j{name}" for name in names), path, out)
    return out.read_bytes()


def test_the_images_code_is_linked_unchanged_at_its_addresses(
    firmware: CorstoneFirmware, tmp_path: Path
) -> None:
    image = find_image(IMAGE)
    assert image is not None
    pairs = {
        ".image_itcm": (
            *(".text.at_itcm", ".ARM.exidx.at_itcm"),
            *(".zero.table.at_itcm", ".copy.table.at_itcm"),
        ),
        ".image_ddr": (".text.at_ddr",),
        ".image_bram": (".bram.at_ddr", ".data.at_ddr"),
    }
    table = check("arm-none-eabi-objdump", "-h", firmware.elf).split()
    addresses = {name: table[table.index(name) + 2] for name in pairs}
    assert addresses == {
        ".image_itcm": "00000040",
        ".image_ddr": "70200000",
        ".image_bram": "7021afc8",
    }
    for ours, theirs in pairs.items():
        skipped = 0x40 if ours == ".image_itcm" else 0
        wanted = section_bytes(image, tmp_path, *theirs)[skipped:]
        assert section_bytes(firmware.elf, tmp_path, ours) == wanted


def test_the_build_needs_no_python(copy: CorstoneFirmware, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    names = ("g++", "gcc", "objcopy", "objdump", "size", "ar", "ranlib")
    for name in ("cmake", "ninja", *(f"arm-none-eabi-{name}" for name in names)):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    result = run(
        *("env", f"PATH={tools}", tools / "cmake", "-S", copy.root),
        *("-B", copy.root / corstone.BUILD, "-G", "Ninja", f"-DTFLM_IMAGE={find_image(IMAGE)}"),
    )
    assert result.returncode == 0, result.stderr
    build = run("env", f"PATH={tools}", tools / "cmake", "--build", copy.root / corstone.BUILD)
    assert build.returncode == 0, build.stdout
    assert sorted(path.name for path in (copy.root / "out/tflm").glob("firmware.*")) == [
        "firmware.elf",
        "firmware.hex",
        "firmware.map",
    ]


def test_changing_the_arena_compiles_one_file(firmware: CorstoneFirmware, tmp_path: Path) -> None:
    root = tmp_path / "p"
    shutil.copytree(firmware.root, root, ignore=shutil.ignore_patterns("out"))
    corstone.build_project(root, IMAGE)
    config = root / "generated" / "arena_config.h"
    config.write_text(config.read_text().replace(str(corstone.LARGE_ARENA_BYTES), "4096"))
    steps = check("cmake", "--build", root / corstone.BUILD)
    assert steps.count("Building") == 1
    assert "common/src/arena.cc.obj" in steps


# --- builds that must fail --------------------------------------------------------------------


def fail_to_build(project: CorstoneFirmware) -> str:
    """What the compiler or linker says; it must refuse."""
    image = find_image(IMAGE)
    assert corstone.configure(project.root, f"-DTFLM_IMAGE={image}").returncode == 0
    result = corstone.compile_project(project.root)
    assert result.returncode != 0
    return result.stdout


def test_a_resolver_that_is_one_too_small_does_not_compile(copy: CorstoneFirmware) -> None:
    ops = len(copy.spec.entries)
    change(copy, "generated/op_resolver.h", f"kOpCount = {ops};", f"kOpCount = {ops - 1};")
    assert "the resolver has no room for every operator" in fail_to_build(copy)


def test_an_operator_the_image_lacks_does_not_compile(copy: CorstoneFirmware) -> None:
    change(copy, "generated/op_resolver.h", "AddSoftmax()", "AddNoSuchThing()")
    assert "AddNoSuchThing" in fail_to_build(copy)


@pytest.mark.parametrize(
    ("code", "warning"),
    [
        ("int index = 0; { int index = 1; SetOperator(index); } SetOperator(index);", "-Wshadow"),
        ("SetOperator(1.5F);", "-Wfloat-conversion"),
        ("long long wide = 1; SetOperator(wide);", "-Wconversion"),
        ("int unused;", "-Wunused-variable"),
        ("SetOperator((int)1U);", "-Wold-style-cast"),
        ("#if NO_SUCH_MACRO\n#endif", "-Wundef"),
    ],
)
def test_a_warning_is_an_error(copy: CorstoneFirmware, code: str, warning: str) -> None:
    change(
        copy,
        "common/src/progress.cc",
        "  current_phase = phase;",
        f"  current_phase = phase;\n{code}\n",
    )
    image = find_image(IMAGE)
    assert corstone.configure(copy.root, f"-DTFLM_IMAGE={image}").returncode == 0
    result = run(
        *("cmake", "--build", copy.root / corstone.BUILD),
        *("--target", "CMakeFiles/firmware.dir/common/src/progress.cc.obj"),
    )
    assert result.returncode != 0
    assert f"[-Werror={warning[2:]}]" in result.stdout


def test_an_arena_larger_than_the_sram_does_not_link(copy: CorstoneFirmware) -> None:
    change(copy, "generated/arena_config.h", str(corstone.LARGE_ARENA_BYTES), str(3 * 1024 * 1024))
    assert "region `ARENA' overflowed" in fail_to_build(copy)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ((), "TFLM_IMAGE='' does not exist"),
        (("-DTFLM_IMAGE=/no/such/file",), "TFLM_IMAGE='/no/such/file' does not exist"),
        ((f"-DTFLM_IMAGE={Path(__file__)}",), "cannot read TFLM_IMAGE="),
    ],
)
def test_a_missing_or_wrong_image_is_named(
    copy: CorstoneFirmware, option: tuple[str, ...], says: str
) -> None:
    result = corstone.configure(copy.root, *option)
    assert result.returncode != 0
    assert says in " ".join(result.stderr.split())


def test_another_program_is_not_taken_for_the_image(copy: CorstoneFirmware, tmp_path: Path) -> None:
    other = tmp_path / "other.axf"
    source = tmp_path / "other.c"
    source.write_text("int start(void) { return 0; }\n")
    check("arm-none-eabi-gcc", "-nostdlib", "-Wl,--entry=start", source, "-o", other)
    result = corstone.configure(copy.root, f"-DTFLM_IMAGE={other}")
    assert result.returncode != 0
    assert "has no section .text.at_ddr: not the image" in " ".join(result.stderr.split())
