from __future__ import annotations

import errno
import os
import socket
import threading
import tty

import pytest

from tflm_gen.errors import PortError
from tflm_gen.runner.serial_port import open_serial, port_error
from tflm_gen.runner.stream import StreamClosedError


@pytest.fixture
def terminal():
    """Both ends of a pseudo-terminal: our descriptor, and the name of the other end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    os.close(slave)
    yield master, name
    os.close(master)


def test_bytes_go_both_ways_through_a_terminal(terminal):
    master, name = terminal
    port = open_serial(name)
    os.write(master, b"$0 READY\n\x00\xff")
    assert port.read(100, 5.0) == b"$0 READY\n\x00\xff"
    assert port.read(100, 0.01) == b""
    port.write(b"hello\n", 1.0)
    assert os.read(master, 100) == b"hello\n"
    os.write(master, b"abc")
    assert port.read(1, 5.0) == b"a"
    port.close()
    port.close()


def test_a_second_program_cannot_take_the_port(terminal):
    _, name = terminal
    port = open_serial(name)
    with pytest.raises(PortError, match="in use by another program") as caught:
        open_serial(name)
    assert "fuser" in caught.value.hint
    port.close()
    open_serial(name).close()


def test_a_missing_port_is_said_with_the_ports_there_are():
    with pytest.raises(PortError, match=r"no such port \(ports here: ") as caught:
        open_serial("/dev/ttyNoSuch0")
    assert caught.value.exit_code == 3


def test_a_file_is_no_port(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(PortError, match="cannot be opened as a serial port"):
        open_serial(str(path))


def test_an_unknown_url_is_refused():
    with pytest.raises(PortError, match="cannot be opened"):
        open_serial("telepathy://x")


def test_a_port_of_another_user_is_said_with_the_group():
    error = port_error("/dev/ttyACM0", PermissionError(errno.EACCES, "Permission denied"))
    assert "permission denied" in error.message
    assert "dialout" in error.hint


def test_a_pulled_cable_closes_the_stream(terminal):
    master, name = terminal
    port = open_serial(name)
    spare = os.dup(master)
    os.close(master)
    os.close(spare)
    try:
        with pytest.raises(StreamClosedError):
            port.read(10, 1.0)
    finally:
        # The fixture closes its number again.
        os.dup2(os.open(os.devnull, os.O_RDONLY), master)


def test_a_socket_url_is_the_same_stream():
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        received = []

        def serve():
            connection, _ = server.accept()
            with connection:
                # pyserial throws away what comes before its port is open: let it speak first.
                received.append(connection.recv(100))
                connection.sendall(b"from afar\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = open_serial(f"socket://127.0.0.1:{number}")
        port.write(b"here\n", 1.0)
        assert port.read(1, 20.0) == b"f"
        thread.join(timeout=10)
        port.close()
    assert received == [b"here\n"]
