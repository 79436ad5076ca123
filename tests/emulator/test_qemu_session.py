"""Conversations with real firmware in QEMU."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import time

import pytest

from tests.support.device_processes import processes_with
from tests.support.noisy_stream import NoisyStream
from tflm_gen.arena.search import ArenaProber, prove_device_arena
from tflm_gen.benchmark import EMULATOR_PLAN, run_benchmark
from tflm_gen.errors import (
    DeviceFaultError,
    DeviceTimeoutError,
    FirmwareError,
    ProtocolError,
)
from tflm_gen.oracle.client import run_oracle
from tflm_gen.runner.emulators.qemu import open_qemu
from tflm_gen.runner.launch import check_identity
from tflm_gen.runner.session import DeviceSession, Limits
from tflm_gen.vectors import make_vectors

pytestmark = [pytest.mark.qemu, pytest.mark.cross, pytest.mark.image, pytest.mark.oracle]


def test_the_device_introduces_itself(cnn):
    with cnn.open() as session:
        report = session.connect()
    check_identity(report, cnn.target)
    assert report.status == 0
    assert report.timer.is_advancing
    assert [(t.io, t.dtype, t.n_bytes) for t in report.inputs] == [("input", "int8", 64)]
    assert [(t.io, t.dtype, t.n_bytes) for t in report.outputs] == [("output", "int8", 4)]
    assert report.inputs[0].scale == pytest.approx(cnn.model.inputs[0].quantization.scales[0])
    assert report.selftest.is_equal
    assert report.selftest.n_bytes == 4
    assert 0 < report.arena.used_bytes < report.arena.reserved_bytes
    assert 0 < report.stack.used_bytes < report.stack.reserved_bytes
    assert report.init_ticks > 0
    assert report.first_invoke_ticks > 0


def test_a_running_device_can_be_asked_again(session):
    assert session.hello().banner == session.hello().banner
    assert session.hello().stack is not None


def test_another_project_is_refused(cnn):
    with cnn.open() as session:
        report = session.connect()
    other = dataclasses.replace(cnn.target, model_crc=cnn.target.model_crc ^ 1)
    with pytest.raises(ProtocolError, match="CRC-32"):
        check_identity(report, other)


def test_outputs_equal_the_oracle_through_a_noisy_line(cnn):
    vectors = make_vectors(cnn.model.inputs, count=4)
    expected = run_oracle(cnn.model.flatbuffer, vectors).outputs
    with open_qemu(cnn.target) as link:
        noisy = NoisyStream(link.stream)
        session = DeviceSession(noisy, source="noisy", clock=link.clock, limits=Limits())
        session.connect()
        noisy.start()
        for vector, outputs in zip(vectors, expected, strict=True):
            session.write_input(0, vector.inputs[0])
            noisy.stop()  # An inference is not repeated: its answer must come through.
            session.invoke()
            noisy.start()
            assert session.read_output(0) == outputs[0]
    assert all(noisy.damaged.count(fault) >= 2 for fault in ("flip", "tear", "garble"))


def test_a_hang_is_a_timeout_that_names_the_phase(cnn):
    with cnn.open(timeout_s=2.0) as session:
        session.connect()
        before = time.monotonic()
        with pytest.raises(DeviceTimeoutError, match="last phase 'inject'") as caught:
            session.inject("hang")
        assert time.monotonic() - before < 10
    assert caught.value.exit_code == 4


def test_a_fault_is_reported_with_registers_and_phase(session):
    with pytest.raises(DeviceFaultError, match=r"UsageFault .*phase 'inject'.*pc=0x[0-9a-f]{8}"):
        session.inject("fault")


def test_a_stack_overflow_is_named(session):
    with pytest.raises(DeviceFaultError, match="StackOverflow"):
        session.inject("stack")


def test_a_killed_emulator_is_a_fault_that_names_the_signal(cnn):
    with cnn.open() as session:
        session.connect()
        (qemu,) = processes_with(str(cnn.target.elf_path))
        os.kill(qemu, signal.SIGKILL)
        with pytest.raises(DeviceFaultError, match="SIGKILL"):
            session.invoke()


def test_a_lockup_is_diagnosed_from_the_emulators_words(lockup):
    with lockup.open() as session, pytest.raises(DeviceFaultError, match="lockup") as caught:
        session.connect()
    assert "pc=0x" in caught.value.message
    assert "sent nothing at all" in caught.value.message


def test_silence_is_a_timeout(silent):
    with (
        silent.open(timeout_s=1.0) as session,
        pytest.raises(DeviceTimeoutError, match="it sent nothing at all"),
    ):
        session.connect()


@pytest.mark.parametrize("ending", ["normal", "error"])
def test_no_emulator_is_left_behind(cnn, ending):
    try:
        with cnn.open() as session:
            session.connect()
            assert processes_with(str(cnn.target.elf_path))
            if ending == "error":
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert processes_with(str(cnn.target.elf_path)) == []


def test_quit_ends_the_program(cnn):
    with cnn.open() as session:
        session.connect()
        session.quit()
        with pytest.raises(DeviceFaultError, match="exit code 0"):
            session.invoke()


def test_wrong_arguments_are_refused_by_the_device(session):
    with pytest.raises(ProtocolError, match="bad_argument"):
        session.write_input(5, b"\0")
    with pytest.raises(ProtocolError, match="bad_argument"):
        session.read_output(9)
    session.invoke()


def test_the_benchmark_repeats_exactly(cnn):
    results = []
    for _ in range(2):
        with cnn.open() as session:
            boot = session.connect()
            results.append(run_benchmark(session, boot, EMULATOR_PLAN))
    first, second = results
    assert first == second
    assert first.basis == "emulated_instructions"
    assert first.invoke.maximum - first.invoke.minimum <= 1
    assert [op.op for op in first.ops] == [op.op for op in cnn.flashed_model().main.operators]
    total = sum(op.count for op in first.ops)
    assert 0.9 * first.invoke.median < total < 1.1 * first.invoke.median
    assert sum(op.percent for op in first.ops) == pytest.approx(100)


def test_a_counter_that_stands_still_is_refused(cnn):
    with cnn.open() as session:
        boot = session.connect()
        still = dataclasses.replace(boot.timer, is_advancing=False)
        with pytest.raises(FirmwareError, match="stands still"):
            run_benchmark(session, dataclasses.replace(boot, timer=still), EMULATOR_PLAN)


def test_a_crash_at_one_arena_size_is_a_no_and_the_next_size_is_tried_afresh(cnn):
    boots = []

    def open_counted():
        boots.append(1)
        return cnn.open()

    with contextlib.ExitStack() as stack:
        prober = ArenaProber(open_counted, stack)
        assert not prober.runs_at(16)
        assert prober.runs_at(65536)
        assert prober.runs_at(32768)
        assert len(boots) == 2
    assert processes_with(str(cnn.target.elf_path)) == []


def test_the_smallest_arena_is_proven(cnn):
    boots = []

    def open_counted():
        boots.append(1)
        return cnn.open()

    with cnn.open() as session:
        high = session.connect().arena.reserved_bytes
    found = prove_device_arena(open_counted, high_bytes=high)
    assert found.ran_at_bytes - found.failed_at_bytes == 16
    with cnn.open() as session:
        session.connect()
        assert session.probe(found.ran_at_bytes).ran
        assert session.probe(found.ran_at_bytes + 16).ran
        try:
            ran_below = session.probe(found.failed_at_bytes).ran
        except DeviceFaultError:
            ran_below = False
    assert not ran_below
    assert len(boots) <= len(found.trials)
