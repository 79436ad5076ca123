"""What the session makes of devices that misbehave; good ones are tested with real firmware."""

from __future__ import annotations

import pytest

from tests.support.scripted_device import BANNER, scripted
from tflm_gen.errors import DeviceFaultError, DeviceTimeoutError, FirmwareError, ProtocolError

FAULT = {
    "kind": "HardFault",
    "phase": "invoke",
    "op": 3,
    "pc": 0x1234,
    "lr": 0x5678,
    "sp": 0x2000_0000,
    "psr": 0x6100_0000,
    "cfsr": 0x0000_8200,
    "hfsr": 0x4000_0000,
    "mmfar": 0,
    "bfar": 0xE000_0000,
    **dict.fromkeys(("r0", "r1", "r2", "r3", "r12"), 0),
}


def test_start_up_is_read_to_ready():
    with scripted() as (session, device):
        device.start_up()
        report = session.connect()
    assert report.banner.board == "corstone300"
    assert report.has_started
    assert report.timer is None
    assert report.inputs == ()


def test_another_wire_version_is_refused():
    with scripted() as (session, device):
        device.send("BANNER", **{**BANNER, "wire": 99})
        with pytest.raises(ProtocolError, match="wire version 99, this tool 1"):
            session.connect()


def test_ready_without_a_banner_is_refused():
    with scripted() as (session, device):
        device.send("READY", status=0)
        with pytest.raises(ProtocolError, match="no BANNER"):
            session.connect()


def test_a_failed_start_names_the_operator():
    with scripted() as (session, device):
        device.send("BANNER", **BANNER)
        device.send("ERROR", where="resolver", detail="CONV_2D", value=-1)
        device.send("READY", status=1)
        with pytest.raises(FirmwareError, match=r"start-up failed: resolver: CONV_2D \(-1\)"):
            session.connect()


def test_a_failed_start_can_be_looked_at():
    with scripted() as (session, device):
        device.start_up(status=2)
        report = session.connect(require_ready=False)
    assert not report.has_started


def test_a_golden_vector_that_differs_does_not_stop_the_conversation():
    with scripted() as (session, device):
        device.send("BANNER", **BANNER)
        device.send("SELFTEST", bytes=4, equal=0, first_difference=2)
        device.send("READY", status=4)
        report = session.connect()
    assert not report.selftest.is_equal
    assert report.selftest.first_difference == 2


def test_a_silent_port_is_asked_who_it_is():
    def introduce(device, command):
        assert command.name == "HELLO"
        device.start_up()
        device.done(command)

    with scripted(hello_after_s=0.1) as (session, device):
        device.on_command = introduce
        assert session.connect().banner.model == "m"
        assert len(device.commands) == 1


def test_a_board_that_was_in_the_middle_of_its_start_up_is_asked_to_begin_again():
    def introduce(device, command):
        device.start_up()
        device.done(command)

    with scripted(hello_after_s=2.0) as (session, device):
        device.on_command = introduce
        device.send("PHASE", name="selftest")
        device.send("READY", status=0)
        assert session.connect().banner.model == "m"
        assert [command.name for command in device.commands] == ["HELLO"]


def test_a_board_that_missed_the_first_question_is_asked_again():
    def deaf_at_first(device, command):
        if len(device.commands) == 2:
            device.start_up()
            device.done(command)

    with scripted(hello_after_s=0.1) as (session, device):
        device.on_command = deaf_at_first
        session.connect()
        assert len(device.commands) == 2


def test_a_restart_during_a_command_is_a_fault():
    def restart(device, command):
        device.sequence = 0
        device.start_up()

    with scripted() as (session, device):
        device.start_up()
        session.connect()
        device.on_command = restart
        with pytest.raises(DeviceFaultError, match="restarted during INVOKE"):
            session.invoke()


def test_a_fault_is_put_into_words():
    with scripted() as (session, device):
        device.start_up()
        session.connect()
        device.on_command = lambda device, _: device.send("FAULT", **FAULT)
        with pytest.raises(DeviceFaultError) as caught:
            session.invoke()
    text = caught.value.message
    assert "HardFault (precise data bus error; address 0xe0000000)" in text
    assert "in phase 'invoke', operator 3" in text
    assert "pc=0x00001234 lr=0x00005678" in text


def test_a_line_that_closes_tells_the_last_phase_and_words():
    def leave(device, command):
        device.send("PHASE", name="invoke")
        device.raw(b"assertion failed at kern")
        device.hang_up()

    with scripted() as (session, device):
        device.start_up()
        session.connect()
        device.on_command = leave
        with pytest.raises(DeviceFaultError) as caught:
            session.invoke()
    assert "last phase 'invoke'" in caught.value.message
    assert "assertion failed at kern" in caught.value.message


def test_endless_chatter_does_not_hold_off_the_time_limit():
    def chatter(device, command):
        for number in range(100_000):
            device.send("LOG", text=f"line {number}")

    with scripted(timeout_s=0.3) as (session, device):
        device.start_up()
        session.connect()
        device.on_command = chatter
        with pytest.raises(DeviceTimeoutError, match="the answer to INVOKE"):
            session.invoke()


def read_answer(*pieces: tuple[int, int, bytes]):
    def answer(device, command):
        for offset, total, data in pieces:
            device.send("OUTPUT", index=0, offset=offset, total=total, data=data)
        device.done(command)

    return answer


def test_an_output_is_put_together():
    with scripted() as (session, device):
        device.on_command = read_answer((0, 5, b"abc"), (3, 5, b"de"))
        assert session.read_output(0) == b"abcde"


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [(0, 5, b"abc")],
        [(3, 5, b"de")],
        [(0, 5, b"abc"), (4, 5, b"e")],
        [(0, 5, b"abc"), (0, 5, b"abc")],
    ],
)
def test_an_output_with_holes_is_refused(pieces):
    with scripted() as (session, device):
        device.on_command = read_answer(*pieces)
        with pytest.raises(ProtocolError):
            session.read_output(0)


def test_an_answer_that_lost_a_line_is_asked_for_again():
    def lossy_once(device, command):
        if len(device.commands) == 1:
            device.sequence += 1  # OUTPUT got lost
        else:
            device.send("OUTPUT", index=0, offset=0, total=1, data=b"x")
        device.done(command)

    with scripted() as (session, device):
        device.start_up()
        session.connect()
        device.on_command = lossy_once
        assert session.read_output(0) == b"x"
        assert len(device.commands) == 2


def test_the_end_of_an_earlier_answer_is_not_taken_for_this_one():
    def late(device, command):
        device.send("OUTPUT", index=0, offset=0, total=1, data=b"o")
        device.send("DONE", command=77, status="ok")
        device.send("OUTPUT", index=0, offset=0, total=1, data=b"n")
        device.done(command)

    with scripted() as (session, device):
        device.on_command = late
        assert session.read_output(0) == b"n"


def test_an_answer_that_always_loses_lines_is_an_error():
    def lossy(device, command):
        device.sequence += 1
        device.done(command)

    with scripted() as (session, device):
        device.start_up()
        session.connect()
        device.on_command = lossy
        with pytest.raises(ProtocolError, match="lost lines"):
            session.read_output(0)
        assert len(device.commands) == 5


def test_an_unread_command_is_sent_again_even_if_it_must_not_run_twice():
    def deaf_once(device, command):
        device.done(command, "bad_crc" if len(device.commands) == 1 else "ok")

    with scripted() as (session, device):
        device.on_command = deaf_once
        session.invoke()
        assert [command.name for command in device.commands] == ["INVOKE", "INVOKE"]


def test_an_inference_is_never_run_twice():
    def lossy(device, command):
        device.send("PHASE", name="invoke")
        device.sequence += 1
        device.done(command)

    with scripted() as (session, device):
        device.on_command = lossy
        session.invoke()
        assert len(device.commands) == 1


def test_a_failed_step_gives_the_devices_reasons():
    def fail(device, command):
        device.send("ERROR", where="invoke", detail="SOFTMAX", value=7)
        device.done(command, "failed")

    with scripted() as (session, device):
        device.on_command = fail
        with pytest.raises(FirmwareError, match=r"INVOKE failed: invoke: SOFTMAX \(7\)"):
            session.invoke()


def test_a_benchmark_must_report_every_run():
    def one_short(device, command):
        for run in range(command.integer("runs") - 1):
            device.send("LATENCY", what="invoke", run=run, ticks=5)
        device.done(command)

    with scripted() as (session, device):
        device.on_command = one_short
        with pytest.raises(ProtocolError, match="2 of 3 timed runs"):
            session.bench(warmup=0, runs=3, profile=False)


def test_long_inputs_are_sent_in_pieces():
    with scripted() as (session, device):
        session.write_input(1, bytes(1000))
        sent = [(c.integer("offset"), len(c.data("data"))) for c in device.commands]
    assert sent == [(0, 384), (384, 384), (768, 232)]


def test_the_transcript_has_every_raw_line():
    with scripted() as (session, device):
        device.raw(b"boot rom v1\r\n")
        device.start_up()
        session.connect()
        lines = session.transcript().lines
    assert lines[0][1] == "boot rom v1"
    assert len(lines) == 4
    assert [at for at, _ in lines] == sorted(at for at, _ in lines)
