"""Where the host firmware's console can be, and how the program ends."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.host_firmware import HostFirmware, build_host_firmware, run, wire_command
from tests.support.zoo import ZOO

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.hostcc, pytest.mark.oracle]

QUIT = wire_command("QUIT")


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> HostFirmware:
    return build_host_firmware(ZOO["mlp"](), tmp_path_factory.mktemp("plain"), name="mlp")


def test_standard_streams_are_the_console(firmware: HostFirmware) -> None:
    result = subprocess.run(
        [firmware.elf], input=QUIT, capture_output=True, timeout=60, check=False
    )
    assert result.returncode == 0
    assert b" READY status=0 " in result.stdout
    assert result.stdout.splitlines()[-1].split(b" ")[1] == b"DONE"
    assert result.stderr == b""


def test_the_end_of_the_input_ends_the_program(firmware: HostFirmware) -> None:
    assert run(firmware.elf).returncode == 0


def test_a_peer_that_has_gone_ends_the_program(firmware: HostFirmware) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        result = subprocess.run(
            [firmware.elf], stdin=subprocess.DEVNULL, stdout=gone, timeout=60, check=False
        )
    assert result.returncode == 5


def read_until(stream: socket.socket | int, word: bytes) -> bytes:
    data = b""
    while word not in data:
        piece = stream.recv(4096) if isinstance(stream, socket.socket) else os.read(stream, 4096)
        assert piece, data
        data += piece
    return data


def test_console_on_a_socket_that_the_program_connects_to(
    firmware: HostFirmware, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        with subprocess.Popen([firmware.elf, "--connect", tmp_path / "s"]) as program:
            peer, _ = listener.accept()
            with peer:
                read_until(peer, b" READY status=0 ")
                peer.sendall(QUIT)
                read_until(peer, b" DONE ")
        assert program.returncode == 0


def test_console_on_a_socket_that_the_program_makes(firmware: HostFirmware, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with (
        subprocess.Popen([firmware.elf, "--listen", path]) as program,
        socket.socket(socket.AF_UNIX) as peer,
    ):
        while peer.connect_ex(str(path)) != 0:
            assert program.poll() is None
        read_until(peer, b" READY status=0 ")
        peer.sendall(QUIT)
        read_until(peer, b" DONE ")
    assert program.returncode == 0
    assert not path.exists()


def test_console_on_a_terminal(firmware: HostFirmware) -> None:
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    with subprocess.Popen([firmware.elf, "--tty", name]) as program:
        lines = read_until(ours, b" READY status=0 ")
        os.write(ours, QUIT)
        lines += read_until(ours, b" DONE ")
    os.close(ours)
    os.close(theirs)
    assert program.returncode == 0
    assert b"\r" not in lines  # Raw: neither line ends nor echo are changed.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--help",), "usage: "),
        (("--connect",), "usage: "),
        (("--connect", "/nowhere/s"), "cannot connect to /nowhere/s: No such file"),
        (("--listen", "/nowhere/s"), "cannot listen on /nowhere/s: No such file"),
        (("--tty", "/dev/null"), "cannot open terminal /dev/null: Inappropriate ioctl"),
        (("--connect", "x" * 200), "File name too long"),
    ],
)
def test_bad_arguments_are_explained(
    firmware: HostFirmware, arguments: tuple[str, ...], message: str
) -> None:
    result = run(firmware.elf, *arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr
