"""The firmware as a program on this machine: proofs, faults, console, build errors, sanitizers."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.host_firmware import (
    LARGE_ARENA_BYTES,
    HostFirmware,
    build,
    build_host_firmware,
    check,
    host_spec,
    run,
    wire_command,
    write_host_project,
)
from tests.support.zoo import ZOO
from tflm_gen import resources
from tflm_gen.errors import DeviceFaultError, DeviceTimeoutError
from tflm_gen.oracle.client import run_oracle
from tflm_gen.vectors import make_vectors
from tflm_gen.verification import run_on_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tflm_gen.runner.session import DeviceSession

pytestmark = [pytest.mark.hostcc, pytest.mark.oracle]

PROVEN = ("cnn_1d", "two_leads_two_outputs", "cnn_1d_int16x8", "float_io")


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> HostFirmware:
    return build_host_firmware(ZOO["cnn_1d"](), tmp_path_factory.mktemp("plain"), name="cnn_1d")


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HostFirmware]:
    folder = tmp_path_factory.mktemp("sanitized")
    return {
        name: build_host_firmware(ZOO[name](), folder / name, name=name, is_sanitized=True)
        for name in PROVEN
    }


def test_firmware_without_golden_bytes_takes_inputs_all_the_same(tmp_path: Path) -> None:
    """A machine without an oracle builds such firmware, and ``verify`` to name an operator."""
    spec = host_spec(ZOO["two_leads_two_outputs"](), "silent")
    silent = dataclasses.replace(spec.golden, outputs=None)
    write_host_project(dataclasses.replace(spec, golden=silent), tmp_path, LARGE_ARENA_BYTES)
    build(tmp_path)
    vectors = make_vectors(spec.model.inputs, count=3)
    expected = run_oracle(spec.model.flatbuffer, vectors).outputs
    with HostFirmware(root=tmp_path, model=spec.model, spec=spec).open() as session:
        session.connect()
        found = [
            run_on_device(session, vector, len(outputs), is_stateful=False)
            for vector, outputs in zip(vectors, expected, strict=True)
        ]
    assert found == list(expected)


@pytest.fixture
def session(firmware: HostFirmware) -> Iterator[DeviceSession]:
    with firmware.open() as session:
        session.connect()
        yield session


def said(session: DeviceSession, name: str) -> list[str]:
    return [text for _, text in session.transcript().lines if f" {name} " in text]


def test_start_up_reports_and_passes_the_golden_vector(firmware: HostFirmware) -> None:
    with firmware.open() as session:
        report = session.connect()
    assert report.status == 0
    assert report.errors == ()
    assert report.banner.board == "host"
    assert report.banner.runtime == firmware.spec.source.runtime_id
    assert report.banner.model_bytes == len(firmware.model.flatbuffer)
    assert report.selftest is not None
    assert report.selftest.is_equal
    assert report.timer is not None
    assert (report.timer.source, report.timer.hz) == ("steady_clock", 10**9)
    assert report.timer.is_advancing
    assert report.arena is not None
    assert report.arena.reserved_bytes == LARGE_ARENA_BYTES


def test_stack_is_of_the_boards_size_and_painted(firmware: HostFirmware) -> None:
    with firmware.open() as session:
        stack = session.connect().stack
    assert stack is not None
    assert stack.reserved_bytes == firmware.spec.board.spec.firmware.stack_bytes
    assert 0 < stack.used_bytes < stack.reserved_bytes


@pytest.mark.parametrize("name", PROVEN)
def test_every_output_byte_equals_the_oracles_under_sanitizers(
    name: str, sanitized: dict[str, HostFirmware]
) -> None:
    firmware = sanitized[name]
    vectors = make_vectors(firmware.model.inputs, count=32, seed=3)
    expected = run_oracle(firmware.model.flatbuffer, vectors).outputs
    with firmware.open() as session:
        session.connect()
        for vector, outputs in zip(vectors, expected, strict=True):
            session.reset()
            for index, data in enumerate(vector.inputs):
                session.write_input(index, data)
            session.invoke()
            got = tuple(session.read_output(index) for index in range(len(outputs)))
            assert got == outputs, vector.name


def test_bench_names_each_operator_in_order(firmware: HostFirmware, session: DeviceSession) -> None:
    bench = session.bench(warmup=1, runs=3, profile=True)
    assert len(bench.invoke_ticks) == 3
    assert all(ticks > 0 for ticks in bench.invoke_ticks)
    assert [op.op for op in bench.ops] == [op.op for op in firmware.model.main.operators]


def test_an_arena_too_small_is_refused_and_survived(session: DeviceSession) -> None:
    sizes = range(0, 32 * 1024, 16)
    low, high = 0, len(sizes) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if session.probe(sizes[middle]).result == "ok":
            high = middle
        else:
            low = middle
    assert session.probe(sizes[high]).result == "ok"
    assert session.probe(sizes[low]).result == "allocate_failed"
    session.invoke()


def test_messages_of_the_runtime_become_log_records(session: DeviceSession) -> None:
    assert session.probe(512).result == "allocate_failed"
    assert any("Failed" in line for line in said(session, "LOG"))


def fault_of(firmware: HostFirmware, kind: str) -> dict[str, str]:
    """Fields of the FAULT record after an injected fault."""
    line = wire_command("INJECT", kind=kind)
    result = subprocess.run(
        [firmware.elf], input=line, capture_output=True, timeout=60, check=False
    )
    assert result.returncode == 3
    record = re.search(r" FAULT (.*) \*", result.stdout.decode())
    assert record is not None
    return dict(field.split("=", 1) for field in record[1].split(" "))


def test_a_fault_is_reported_with_its_place(firmware: HostFirmware) -> None:
    fault = fault_of(firmware, "fault")
    assert (fault["kind"], fault["phase"]) == ("SIGILL", "inject")
    place = check("addr2line", "-e", firmware.elf, fault["pc"])
    path, number = place.split(" ")[0].strip().split(":")
    # Paths in the firmware are relative to the project, so that builds repeat anywhere.
    source = resources.firmware_templates_dir() / path[path.index("common/") :]
    assert "__builtin_trap" in source.read_text(encoding="utf-8").splitlines()[int(number) - 1]


def test_a_stack_overflow_is_recognised(firmware: HostFirmware) -> None:
    fault = fault_of(firmware, "stack")
    assert (fault["kind"], fault["phase"]) == ("StackOverflow", "inject")
    assert abs(int(fault["sp"], 16) - int(fault["mmfar"], 16)) < 4096


def test_a_fault_inside_the_runtime_names_the_place_there(tmp_path: Path) -> None:
    spec = host_spec(ZOO["mlp"](), "mlp")
    write_host_project(spec, tmp_path, LARGE_ARENA_BYTES)
    # The first four bytes say where the model's root is: now nowhere near.
    far = "{0xff, 0xff, 0xff, 0x7f, "
    replace_in(tmp_path / "model" / "model_data.cc", r"\{\s*(0x[0-9a-f]{2}, ){4}", far)
    build(tmp_path)
    result = run(tmp_path / "out/tflm/firmware.elf")
    assert result.returncode == 3
    assert " FAULT kind=SIGSEGV phase=allocate " in result.stdout
    assert re.search(r" LOG text=fault%20at%20\S*tflm_wheel\.so\+0x[0-9a-f]+", result.stdout)


@pytest.mark.parametrize(("kind", "words"), [("fault", "SIGILL"), ("stack", "StackOverflow")])
def test_the_runner_turns_a_fault_into_an_error(
    firmware: HostFirmware, kind: str, words: str
) -> None:
    with firmware.open() as session:
        session.connect()
        with pytest.raises(DeviceFaultError, match=words):
            session.inject(kind)


def test_a_hang_ends_in_a_timeout_and_leaves_no_process(firmware: HostFirmware) -> None:
    with firmware.open(timeout_s=1.0) as session:
        session.connect()
        with pytest.raises(DeviceTimeoutError):
            session.inject("hang")
    names = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [name for name in names if os.fsencode(firmware.elf) in name]


def shorten_an_input(root: Path) -> None:
    """Take the last byte of the golden input away; its user does not know."""
    replace_in(root / "generated" / "test_vector.cc", r"0x[0-9a-f]{2},?\s*(\};)", r"\1")


def overflow_an_integer(root: Path) -> None:
    broken = "void Init() { volatile int n = 2147483647; n = n + 1; }"
    replace_in(root / "port" / "host" / "board_host.cc", r"void Init\(\) \{\}", broken)


def replace_in(path: Path, pattern: str, new: str) -> None:
    """Break a file of a project once, on purpose."""
    text, n_replaced = re.subn(pattern, new, path.read_text(encoding="utf-8"), count=1)
    assert n_replaced == 1
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("break_it", "report"),
    [
        (shorten_an_input, "AddressSanitizer: global-buffer-overflow"),
        (overflow_an_integer, "runtime error: signed integer overflow"),
    ],
)
def test_sanitizers_stop_what_is_broken(
    break_it: Callable[[Path], None], report: str, tmp_path: Path
) -> None:
    # An input of 40 bytes: 39 are no multiple of 8, the grain of the check.
    write_host_project(host_spec(ZOO["mlp"](), "mlp"), tmp_path, LARGE_ARENA_BYTES)
    break_it(tmp_path)
    build(tmp_path, "-DECG_SANITIZE=ON")
    result = run(tmp_path / "out/tflm/firmware.elf")
    assert result.returncode == 3
    assert report in result.stderr
    assert " FAULT kind=SIGABRT " in result.stdout
