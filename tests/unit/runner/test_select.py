from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dummy_target import dummy_target
from tflm_gen.errors import MissingToolError, PortError, UnsupportedChoiceError, UsageError
from tflm_gen.runner.emulators import discover
from tflm_gen.runner.emulators.qemu import command, firmware_path
from tflm_gen.runner.select import PREFERENCE, select_device
from tflm_gen.runner.target import DeviceTarget


def target(board_id: str) -> DeviceTarget:
    return dummy_target(Path("p"), board_id)


@pytest.fixture
def empty_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH with nothing on it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str) -> None:
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


def test_qemus_command_line():
    argv = command(
        machine="mps3-an547", icount_shift=6, elf_path=Path("a b/firmware.elf"), serial="fd=7"
    )
    assert argv == (
        "qemu-system-arm",
        "-M",
        "mps3-an547",
        "-display",
        "none",
        "-monitor",
        "none",
        "-parallel",
        "none",
        "-no-user-config",
        "-icount",
        "shift=6",
        "-semihosting-config",
        "enable=on,target=native",
        "-chardev",
        "socket,id=wire,fd=7",
        "-serial",
        "chardev:wire",
        "-kernel",
        "a b/firmware.elf",
    )


def test_qemus_command_line_on_a_terminal():
    argv = command(machine="m", icount_shift=0, elf_path=Path("e"), serial="pty")
    assert argv[argv.index("-chardev") + 1] == "pty,id=wire"


def test_every_emulator_is_found_and_has_its_place():
    found = discover()
    assert {"qemu", "host"} <= set(found)
    assert set(found) <= set(PREFERENCE)
    assert all(name == emulator.name for name, emulator in found.items())


def test_qemu_is_chosen_for_a_board_it_has(empty_path):
    install(empty_path, "qemu-system-arm")
    choice = select_device(target("corstone300"))
    assert (choice.name, choice.timing_basis) == ("qemu", "emulated_instructions")
    assert not choice.is_real
    assert choice.reason


def test_the_host_program_is_chosen_for_the_host_board():
    choice = select_device(target("host"))
    assert (choice.name, choice.timing_basis) == ("host", "host_wall_clock")


def test_a_missing_emulator_is_said_with_its_install_line(empty_path):
    with pytest.raises(MissingToolError, match="qemu-system-arm") as caught:
        select_device(target("corstone300"), with_name="qemu")
    assert "apt-get install" in caught.value.hint
    assert caught.value.exit_code == 3
    with pytest.raises(MissingToolError):
        select_device(target("corstone300"))


def test_a_twin_of_another_machine_has_its_own_firmware():
    assert firmware_path(target("corstone300")) == Path("p/out/tflm/firmware.elf")
    assert firmware_path(target("nrf52840")) == Path("p/out/tflm-twin/firmware.elf")


@pytest.mark.parametrize(
    ("board", "options", "error", "words"),
    [
        ("corstone300", {"with_name": "qemo"}, UsageError, "there are: "),
        ("corstone300", {"with_name": "qemu", "port": "x"}, UsageError, "exclude"),
        ("corstone300", {"with_name": "host"}, UnsupportedChoiceError, "built for corstone300"),
        ("host", {"with_name": "qemu"}, UnsupportedChoiceError, "no machine for host"),
    ],
)
def test_options_that_do_not_fit_are_refused(board, options, error, words):
    with pytest.raises(error, match=words) as caught:
        select_device(target(board), **options)
    assert caught.value.exit_code == 2


def test_a_port_is_a_real_board_and_is_opened_only_on_use():
    choice = select_device(target("corstone300"), port="/dev/no-such-port")
    assert choice.is_real
    assert choice.timing_basis == "measured_cycles"
    with pytest.raises(PortError), choice.open():
        raise AssertionError
