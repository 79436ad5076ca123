from __future__ import annotations

import sys
import time
import uuid

import pytest

from tests.support.device_processes import processes_with
from tflm_gen.errors import MissingToolError
from tflm_gen.runner.link import run_with_socket
from tflm_gen.runner.stream import StreamClosedError

ECHO = "import sys\nfor line in sys.stdin: sys.stdout.write(line.upper()); sys.stdout.flush()"
ON_DESCRIPTOR = "import os, sys; os.write(int(sys.argv[1]), b'over %d' % 7)"
STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)"
)


def read_line(stream) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += stream.read(1, 20.0)
    return line


def python(code: str):
    return lambda descriptor: (sys.executable, "-c", code, str(descriptor))


def test_standard_streams_are_a_byte_stream():
    with run_with_socket(python(ECHO), on_standard_streams=True) as program:
        program.stream.write(b"abc\n", 5.0)
        assert read_line(program.stream) == b"ABC\n"
        assert program.stream.read(100, 0.01) == b""


def test_an_inherited_descriptor_is_a_byte_stream():
    with run_with_socket(python(ON_DESCRIPTOR)) as program:
        assert program.stream.read(100, 20.0) == b"over 7"
        with pytest.raises(StreamClosedError):
            program.stream.read(100, 20.0)


def test_the_end_comes_with_exit_code_and_standard_error():
    code = "import sys; sys.stderr.write('why'); sys.exit(3)"
    with run_with_socket(python(code)) as program:
        with pytest.raises(StreamClosedError):
            program.stream.read(100, 20.0)
        assert program.end() == (3, "why")
        with pytest.raises(StreamClosedError):
            program.stream.write(b"x" * 1000, 5.0)


def test_a_program_that_reads_nothing_is_a_timeout():
    with run_with_socket(python("import time; time.sleep(600)")) as program:
        before = time.monotonic()
        with pytest.raises(TimeoutError, match="bytes not taken"):
            program.stream.write(bytes(10_000_000), 0.3)
        assert time.monotonic() - before < 10


def test_a_program_that_ignores_sigterm_is_killed():
    marker = f"stubborn-{uuid.uuid4()}"
    code = f"{STUBBORN}  # {marker}"
    with run_with_socket(python(code), on_standard_streams=True) as program:
        assert read_line(program.stream) == b"up\n"
        assert len(processes_with(marker)) == 1
    assert processes_with(marker) == []


def test_a_missing_program_is_said():
    with (
        pytest.raises(MissingToolError, match="no-such-emulator"),
        run_with_socket(lambda _: ("no-such-emulator",)),
    ):
        raise AssertionError
