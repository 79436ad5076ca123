"""Firmware of the nRF52840 on its QEMU twin, a Cortex-M4F: all but the port's devices is the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.cortex_m4 import M4Project, running_twin, write_tflm_shape
from tests.support.model_builder import ModelBuilder
from tests.support.programs import check, run
from tflm_gen import resources
from tflm_gen.board_loader import load_board
from tflm_gen.errors import DeviceFaultError
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.runner.clock import icount_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.runner.clock import DeviceClock
    from tflm_gen.runner.session import DeviceSession

pytestmark = [pytest.mark.cross, pytest.mark.qemu]

CLOCK_CHECK = Path(__file__).parents[1] / "firmware" / "mps2_clock" / "clock_check.cc"
OPS = ("CONV_2D", "RESHAPE", "SOFTMAX")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The self-test image without a model, linked for the twin."""
    project = M4Project(root=tmp_path_factory.mktemp("none"), engine="none").write()
    return project.build(is_twin=True)


@pytest.fixture
def session(twin: Path) -> Iterator[DeviceSession]:
    with running_twin(twin) as opened:
        opened.connect()
        yield opened


def test_boots_and_passes_its_self_test(twin: Path) -> None:
    with running_twin(twin) as opened:
        report = opened.connect()
    assert report.status == 0
    assert report.banner.board == "nrf52840"
    assert report.selftest is not None
    assert (report.selftest.n_bytes, report.selftest.is_equal) == (4, True)
    assert report.timer is not None
    assert (report.timer.source, report.timer.hz, report.timer.is_advancing) == (
        "cmsdk_timer0",
        25_000_000,
        True,
    )


def test_stack_is_painted_and_used(session: DeviceSession) -> None:
    report = session.hello()
    assert report.stack is not None
    assert report.stack.reserved_bytes == 8192
    assert 0 < report.stack.used_bytes < 2048


def test_echoes_every_byte_value(session: DeviceSession) -> None:
    for start in range(0, 256, 4):
        data = bytes(range(start, start + 4))
        session.write_input(0, data)
        session.invoke()
        assert session.read_output(0) == data


def test_bench_repeats_exactly(session: DeviceSession) -> None:
    first = session.bench(warmup=2, runs=10, profile=True)
    second = session.bench(warmup=2, runs=10, profile=True)
    instructions = {
        twin_clock().convert(ticks, 25_000_000)
        for ticks in (*first.invoke_ticks, *second.invoke_ticks)
    }
    assert len(instructions) == 1
    assert [op.op for op in first.ops] == ["ECHO"]


def twin_clock() -> DeviceClock:
    machine = load_board("nrf52840").spec.emulator.qemu
    assert machine is not None
    return icount_clock(machine.icount_shift)


def test_probe_finds_the_smallest_arena(session: DeviceSession) -> None:
    assert session.probe(32).ran
    assert not session.probe(16).ran
    assert session.probe(4096).ran


@pytest.mark.parametrize(
    ("kind", "says"),
    [("fault", r"^UsageFault .*undefined instruction"), ("stack", r"^StackOverflow ")],
)
def test_injected_faults_are_reported(twin: Path, kind: str, says: str) -> None:
    with running_twin(twin) as opened:
        opened.connect()
        with pytest.raises(DeviceFaultError) as caught:
            opened.inject(kind)
    text = caught.value.message
    found = re.search(r"(UsageFault|StackOverflow|HardFault|BusFault|MemManage).*", text)
    assert found is not None, text
    assert re.match(says, found[0]), text
    assert "phase 'inject'" in text


def test_clock_counts_instructions_exactly(tmp_path: Path) -> None:
    """Loops of n turns take 2n instructions; what reading the clock costs is the same for all."""
    project = M4Project(root=tmp_path / "p", engine="none").write()
    build = project.configure(is_twin=True)
    cmake = project.root / "CMakeLists.txt"
    cmake.write_text(cmake.read_text().replace("common/src/app.cc", CLOCK_CHECK.as_posix()))
    check("cmake", "--build", build, "--parallel", "2")
    machine = load_board("nrf52840").spec.emulator.qemu
    assert machine is not None
    result = run(
        *("qemu-system-arm", "-M", machine.machine, "-display", "none", "-monitor", "none"),
        *("-icount", f"shift={machine.icount_shift}", "-semihosting", "-serial", "stdio"),
        *("-kernel", project.folder(is_twin=True) / "firmware.elf"),
    )
    assert result.returncode == 0, result.stderr
    rows = [tuple(map(int, line.split())) for line in result.stdout.splitlines()]
    assert len(rows) == 15
    clock = twin_clock()
    overheads = {clock.convert(ticks, 25_000_000) - 2 * turns for turns, ticks in rows[1:]}
    assert len(overheads) == 1, overheads


def test_memory_limits_are_the_real_chip_s(tmp_path: Path) -> None:
    project = M4Project(root=tmp_path / "p", engine="none").write(arena_bytes=256 * 1024)
    build = project.configure(is_twin=True)
    result = run("cmake", "--build", build, "--parallel", "2")
    assert result.returncode != 0
    assert "region `RAM' overflowed" in result.stdout


def test_linker_knows_the_real_chip_s_memories_only(twin: Path) -> None:
    text = (twin.parent / "firmware.map").read_text()
    table = text.split("Memory Configuration")[1].split("Linker script")[0]
    rows = re.findall(r"^(\w+) +(0x[0-9a-f]+) +(0x[0-9a-f]+)", table, re.M)
    spec = load_board("nrf52840").spec
    assert {(name, int(start, 16), int(size, 16)) for name, start, size in rows} == {
        (region.name, region.origin, region.size_bytes) for region in spec.memory
    }


def test_engine_tflm_links_and_runs_against_tflm_s_shape(tmp_path: Path) -> None:
    """The engine, the recipe and the flags fit together; TFLM itself is a stand-in here."""
    tree = write_tflm_shape(tmp_path / "tflm")
    project = M4Project(root=tmp_path / "p", engine="tflm").write(kernels="cmsis-nn", ops=OPS)
    elf = project.build(is_twin=True, tflm_dir=tree)
    with running_twin(elf) as opened:
        report = opened.connect()
        assert report.status == 0
        assert report.selftest is not None
        assert report.selftest.is_equal
        assert report.inputs[0].scale == 0.5
        assert [op.op for op in opened.bench(warmup=0, runs=1, profile=True).ops] == ["CONV_2D"]


def test_the_tool_builds_the_board_s_image_and_its_twin(tmp_path: Path) -> None:
    """From a model and a tree to both images, the arena proven on the twin."""
    net = ModelBuilder(seed=1)
    x = net.conv_1d(net.input((1, 16, 1), name="ecg_mv"), 2, 3, activation="RELU")
    flatbuffer = net.finish([net.softmax(net.reshape(x, (1, 32)))])
    result = build_project(
        BuildRequest(
            model=parse_model(flatbuffer, "shape.tflite"),
            board_id="nrf52840",
            out=tmp_path / "project",
            tflm_dir=write_tflm_shape(tmp_path / "tflm"),
        )
    )
    out = result.root / "out"
    assert {path.name for path in out.iterdir()} == {"tflm", "tflm-twin"}
    assert result.plan.arena_basis == "proven"
    start = {(out / name / "firmware.elf").read_bytes()[:4] for name in ("tflm", "tflm-twin")}
    assert start == {b"\x7fELF"}
    script = (result.root / "renode" / "nrf52840.resc").read_text()
    assert "@out/tflm/firmware.elf" in script
    with running_twin(out / "tflm-twin" / "firmware.elf") as opened:
        assert opened.connect().banner.model == "shape"


def test_real_board_s_image_links(tmp_path: Path) -> None:
    elf = M4Project(root=tmp_path / "p", engine="none").write().build()
    attributes = check("arm-none-eabi-readelf", "-A", elf)
    assert "Tag_ABI_VFP_args: VFP registers" in attributes
    symbols = check("arm-none-eabi-nm", elf)
    assert re.search(r"^00000000 . ecg_vectors$", symbols, re.M)
    assert not re.search(r" (malloc|_malloc_r|_sbrk|__cxa_throw)$", symbols, re.M)
    assert (elf.parent / "firmware.hex").read_text().startswith(":")


def test_vector_table_of_the_real_chip(tmp_path: Path) -> None:
    """Reset and the console's interrupt go where they must, all else to the fault handler."""
    elf = M4Project(root=tmp_path / "p", engine="none").write().build()
    binary = tmp_path / "vectors.bin"
    check("arm-none-eabi-objcopy", "-O", "binary", "--only-section=.vectors", elf, binary)
    data = binary.read_bytes()
    words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
    assert len(words) == 16 + 48
    symbols = {
        name: int(address, 16)
        for address, _, name in (
            line.split(maxsplit=2) for line in check("arm-none-eabi-nm", elf).splitlines()
        )
    }
    assert words[0] == symbols["ecg_handler_stack_top"]
    assert words[1] == symbols["Reset_Handler"] | 1
    assert words[16 + 2] == symbols["Console_Handler"] | 1
    others = set(words[2:]) - {words[16 + 2]}
    assert others == {symbols["Fault_Handler"] | 1}


def test_ports_do_not_name_each_other() -> None:
    ports = resources.firmware_templates_dir() / "port"
    for path in (ports / "cortex_m").iterdir():
        assert not re.search(r"mps2|nrf", path.read_text()), path
