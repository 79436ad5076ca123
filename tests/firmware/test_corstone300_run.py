"""Firmware for corstone300 in QEMU: equal bytes, every kind of failure, and the exact clock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import corstone_firmware as corstone
from tests.support.command_line import ROOT
from tests.support.corstone_firmware import change
from tests.support.programs import check
from tests.support.zoo import ZOO
from tflm_gen.errors import DeviceFaultError
from tflm_gen.runner.emulators import qemu
from tflm_gen.tflm.image import DEBUG_IMAGE, IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.corstone_firmware import CorstoneFirmware
    from tflm_gen.wire import Line

pytestmark = [pytest.mark.cross, pytest.mark.image, pytest.mark.oracle, pytest.mark.qemu]

TEMPLATES = ROOT / "firmware_templates"
PORT = TEMPLATES / "port" / "corstone300"


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


def test_every_output_byte_equals_the_oracles(firmware: CorstoneFirmware) -> None:
    records = boot(firmware)
    assert "SELFTEST bytes=4 equal=1 first_difference=-1" in records
    assert records[-1] == "READY status=0"
    assert not any(record.startswith(("ERROR", "LOG")) for record in records)


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


def test_a_fault_inside_an_operator_is_reported_with_its_number(copy: CorstoneFirmware) -> None:
    change(
        copy,
        "common/src/op_trace.cc",
        "  return index;",
        "  if (index == 2) {\n    __builtin_trap();\n  }\n  return index;",
    )
    corstone.build_project(copy.root, IMAGE)
    assert boot(copy)[-1].startswith("FAULT kind=UsageFault phase=selftest op=2 pc=0x000")


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


@pytest.mark.debug_image
def test_a_failed_check_inside_the_image_is_no_silence(tmp_path: Path) -> None:
    """The unoptimised image checks shapes that this model breaks, and gives up."""
    project = corstone.write_project(corstone.image_spec(ZOO["attention"]()), tmp_path / "p")
    corstone.build_project(project.root, DEBUG_IMAGE)
    assert boot(project)[-1].startswith("FAULT kind=Abort phase=selftest op=0 ")


def test_too_small_an_arena_is_said_in_tflms_own_words(copy: CorstoneFirmware) -> None:
    change(copy, "generated/arena_config.h", str(corstone.LARGE_ARENA_BYTES), "1024")
    corstone.build_project(copy.root, IMAGE)
    records = boot(copy)
    assert any(record.startswith("LOG text=Failed%20to%20") for record in records)
    assert "ERROR where=allocate detail=arena value=1024" in records
    assert records[-1] == "READY status=2"


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
