"""Firmware for corstone300: what is linked, how it fails to build, and how it runs in QEMU."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import corstone_firmware as corstone
from tests.support.command_line import ROOT
from tests.support.device_projects import small_cnn
from tests.support.programs import check, run
from tests.support.requirements import require
from tests.support.zoo import ZOO
from tflm_gen.errors import DeviceFaultError
from tflm_gen.runner.emulators import qemu
from tflm_gen.tflm.image import DEBUG_IMAGE, IMAGE, find_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.corstone_firmware import CorstoneFirmware
    from tflm_gen.wire import Line

pytestmark = [pytest.mark.cross, pytest.mark.image, pytest.mark.oracle]

TEMPLATES = ROOT / "firmware_templates"
PORT = TEMPLATES / "port" / "corstone300"
HEAP = {"malloc", "free", "calloc", "realloc", "_sbrk", "_Znwj", "_Znaj", "_ZdlPv", "_ZdlPvj"}
UNWINDING = {"__cxa_throw", "__cxa_begin_catch", "_Unwind_Resume", "__gxx_personality_v0"}
AT_EXIT = {"atexit", "__cxa_atexit", "exit", "abort"}


@pytest.fixture(scope="session")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> CorstoneFirmware:
    """A small network, linked with the optimised image."""
    for need in ("cross", "image", "oracle"):
        require(need)
    root = tmp_path_factory.mktemp("corstone") / "p"
    built = corstone.write_project(corstone.image_spec(small_cnn()), root)
    corstone.build_project(root, IMAGE)
    return built


@pytest.fixture
def copy(firmware: CorstoneFirmware, tmp_path: Path) -> CorstoneFirmware:
    """The project without its build, to be changed."""
    root = tmp_path / "p"
    shutil.copytree(firmware.root, root, ignore=shutil.ignore_patterns("out"))
    return replace(firmware, root=root)


def change(project: CorstoneFirmware, path: str, old: str, new: str) -> None:
    """Replace text that must be there in one file of a project."""
    file = project.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def symbols(path: Path, *options: str) -> set[str]:
    """Names in the symbol table of an ELF file."""
    return {line.split()[-1] for line in check("arm-none-eabi-nm", *options, path).splitlines()}


def own_objects(project: CorstoneFirmware) -> list[Path]:
    """What our compiler made of our sources."""
    return sorted((project.root / corstone.BUILD / "CMakeFiles" / "firmware.dir").rglob("*.cc.obj"))


def boot(project: CorstoneFirmware) -> list[str]:
    """Payloads of the start-up's records, up to READY or the end, without sequence numbers."""
    lines: list[Line] = []
    try:
        with project.open(lines.append) as session:
            session.connect(require_ready=False)
    except DeviceFaultError:  # Its record is what the tests look at.
        pass
    texts = [line.text for line in lines if line.text.startswith("$")]
    return [text.split(" ", 1)[1].rsplit(" *", 1)[0] for text in texts]


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
        'const char* current_phase = "reset";\n}\n}\nextern "C" void ethosu_init();\n'
        "namespace ecg::progress {\nnamespace {\n",
    )
    change(copy, "common/src/progress.cc", "  current_phase = phase;", "  ethosu_init();")
    assert "ethosu_init" in symbols(find_image(IMAGE) or Path())
    image = find_image(IMAGE)
    assert corstone.configure(copy.root, f"-DTFLM_IMAGE={image}").returncode == 0
    result = corstone.compile_project(copy.root)
    assert result.returncode != 0
    assert "undefined reference to `ethosu_init'" in result.stdout


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
    environment = {**os.environ, "PATH": str(tools)}
    result = run(
        *("env", f"PATH={environment['PATH']}", tools / "cmake", "-S", copy.root),
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


# --- how it runs ------------------------------------------------------------------------------


@pytest.mark.qemu
def test_every_output_byte_equals_the_oracles(firmware: CorstoneFirmware) -> None:
    records = boot(firmware)
    assert "SELFTEST bytes=4 equal=1 first_difference=-1" in records
    assert records[-1] == "READY status=0"
    assert not any(record.startswith(("ERROR", "LOG")) for record in records)


@pytest.mark.qemu
@pytest.mark.debug_image
@pytest.mark.parametrize("name", ["cnn_1d_open_batch", "two_leads_two_outputs", "mlp_int16x8"])
def test_both_images_give_the_oracles_bytes(name: str, tmp_path: Path) -> None:
    """The second image is built without optimisation: what is equal there is no accident."""
    spec = corstone.image_spec(ZOO[name](), name)
    reports = []
    for pin in (IMAGE, DEBUG_IMAGE):
        project = corstone.write_project(spec, tmp_path / pin.dependency)
        corstone.build_project(project.root, pin)
        with project.open() as session:
            report = session.connect()
            assert report.selftest is not None
            assert report.selftest.is_equal
            reports.append((report.arena.used_bytes, session.read_output(0)))
    assert reports[0] == reports[1]


@pytest.mark.qemu
def test_a_fault_inside_an_operator_is_reported_with_its_number(copy: CorstoneFirmware) -> None:
    change(
        copy,
        "common/src/op_trace.cc",
        "  return index;",
        "  if (index == 2) {\n    __builtin_trap();\n  }\n  return index;",
    )
    corstone.build_project(copy.root, IMAGE)
    assert boot(copy)[-1].startswith("FAULT kind=UsageFault phase=selftest op=2 pc=0x000")


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("*reinterpret_cast<volatile int*>(0x0FFFFFF0) = 1;", "FAULT kind=BusFault phase=selftest"),
        ('asm volatile("svc 0");', "FAULT kind=SVCall phase=selftest"),
        ('asm volatile("udf #0xAB");', "FAULT kind=Abort phase=selftest"),
        (
            'asm volatile("cpsid i"); *reinterpret_cast<volatile int*>(0x0FFFFFF0) = 1;',
            "FAULT kind=HardFault phase=selftest",
        ),
        (
            'asm volatile("sub sp, #0x10000\\n push {r0}");',
            "FAULT kind=StackOverflow phase=selftest",
        ),
    ],
)
def test_every_kind_of_fault_is_reported(copy: CorstoneFirmware, code: str, says: str) -> None:
    change(copy, "common/src/op_trace.cc", "  return index;", f"  {code}\n  return index;")
    corstone.build_project(copy.root, IMAGE)
    assert boot(copy)[-1].startswith(says)


@pytest.mark.qemu
@pytest.mark.debug_image
def test_a_failed_check_inside_the_image_is_no_silence(tmp_path: Path) -> None:
    """The unoptimised image checks shapes that this model breaks, and gives up."""
    project = corstone.write_project(corstone.image_spec(ZOO["attention"]()), tmp_path / "p")
    corstone.build_project(project.root, DEBUG_IMAGE)
    assert boot(project)[-1].startswith("FAULT kind=Abort phase=selftest op=0 ")


@pytest.mark.qemu
def test_too_small_an_arena_is_said_in_tflms_own_words(copy: CorstoneFirmware) -> None:
    change(copy, "generated/arena_config.h", str(corstone.LARGE_ARENA_BYTES), "1024")
    corstone.build_project(copy.root, IMAGE)
    records = boot(copy)
    assert any(record.startswith("LOG text=Failed%20to%20") for record in records)
    assert "ERROR where=allocate detail=arena value=1024" in records
    assert records[-1] == "READY status=2"


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "tflm_api/corstone300_image/image_interpreter.h",
            "micro_context_[8]",
            "micro_context_[6]",
            "ERROR where=allocate detail=interpreter value=-1",
        ),
        (
            "engine/tflm/inference_tflm.cc",
            "Guarded<sizeof(Observer)>",
            "Guarded<sizeof(Observer) - 4>",
            "ERROR where=allocate detail=observer value=-1",
        ),
    ],
)
def test_an_object_that_is_larger_than_declared_is_noticed(
    copy: CorstoneFirmware, file: str, old: str, new: str, says: str
) -> None:
    change(copy, file, old, new)
    header = copy.root / "tflm_api/corstone300_image/image_interpreter.h"
    header.write_text(header.read_text().replace("== 196", "> 0"))
    corstone.build_project(copy.root, IMAGE)
    assert says in boot(copy)


@pytest.mark.qemu
def test_counts_repeat_exactly_from_boot_to_boot(firmware: CorstoneFirmware) -> None:
    def counts() -> list[int]:
        with firmware.open() as session:
            session.connect()
            bench = session.bench(warmup=2, runs=3, profile=True)
            ticks = [*bench.invoke_ticks, *(op.ticks for op in bench.ops)]
            return [session.clock.convert(tick, 32_000_000) for tick in ticks]

    first, second = counts(), counts()
    assert first == second
    assert len(set(first[:3])) == 1
    # The timed runs have no observer: the traced operators take a little more.
    assert 0 < sum(first[3:]) - first[0] < 100 * len(first[3:])


@pytest.fixture(scope="session")
def calibration(
    firmware: CorstoneFirmware, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], dict[int, int]]:
    """Runs loops of known length; (turns, ticks) at an icount shift."""
    elf = tmp_path_factory.mktemp("calibration") / "calibration.elf"
    common = TEMPLATES / "common"
    sources = ("paint", "fault", "wire", "crc32", "progress", "log_lines")
    ports = ("startup", "board_corstone300", "fault_handler")
    check(
        *("arm-none-eabi-g++", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-O2"),
        *("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"),
        *("-nostartfiles", "--specs=nano.specs", "-ffunction-sections", "-Wl,--gc-sections"),
        *(f"-I{common / 'include'}", f"-I{PORT}", f"-I{firmware.root / 'generated'}"),
        *(f"-L{PORT / 'no_image'}", f"-T{PORT / 'link.ld'}"),
        Path(__file__).parent / "calibration_app.cc",
        *(PORT / f"{name}.cc" for name in ports),
        *(common / "src" / f"{name}.cc" for name in sources),
        *("-o", elf),
    )

    def measure(shift: int) -> dict[int, int]:
        argv = qemu.command(machine="mps3-an547", icount_shift=shift, elf_path=elf, serial="stdio")
        numbers = [int(line) for line in check(*argv).split()]
        assert numbers[0] == 32_000_000
        return dict(zip(numbers[1::2], numbers[2::2], strict=True))

    return measure


@pytest.mark.qemu
@pytest.mark.parametrize("shift", [6, 10])
def test_ticks_are_instructions_exactly(
    calibration: Callable[[int], dict[int, int]], shift: int
) -> None:
    def instructions(ticks: int) -> int:
        per_instruction_ps = (1 << shift) * 1000
        return (ticks * 31_250 + per_instruction_ps // 2) // per_instruction_ps

    measured = calibration(shift)
    assert sorted(measured) == [1000, 2000, 51_000, 101_000, 1_001_000]
    # Two a turn, and the same few for the counter reads every time.
    overheads = {instructions(ticks) - 2 * turns for turns, ticks in measured.items()}
    assert overheads == {10}
