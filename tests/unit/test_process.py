"""Programs end with the tool, whatever ends the tool, and within their limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_line import ROOT
from tflm_gen import process
from tflm_gen.errors import MissingToolError, ProcessTimeoutError
from tflm_gen.process import CommandLine, run

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_interrupt_in_the_instant_a_child_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def interrupted(*args: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(real(*args, **options))
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)  # Let the interpreter take the signal, before the caller has the child.
        return started[0]

    former = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(process.subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(CommandLine(argv=SLEEP, purpose="wait", timeout_s=60))
    assert started[0].returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is former


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_child_goes_when_the_tool_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    child = f"import os, pathlib, time; p = pathlib.Path({str(mark)!r}); "
    child += "p.with_suffix('.new').write_text(str(os.getpid())); p.with_suffix('.new').rename(p); "
    child += "time.sleep(60)"
    parent = (
        "import sys; from tflm_gen.process import CommandLine, run; "
        f"run(CommandLine(argv=(sys.executable, '-c', {child!r}), purpose='wait', timeout_s=60))"
    )
    tool = subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT)
    while not mark.is_file() and tool.poll() is None:
        time.sleep(0.01)
    tool.kill()
    tool.wait()
    pid = int(mark.read_text())
    for _ in range(500):
        if not is_running(pid):
            break
        time.sleep(0.01)
    assert not is_running(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is set on Linux")
def test_memory_limit_is_the_programs_own() -> None:
    hungry = (sys.executable, "-c", "bytes(1 << 30)")
    limited = CommandLine(argv=hungry, purpose="eat", timeout_s=60, memory_bytes=1 << 29)
    completed = run(limited)
    assert completed.returncode == 1
    assert b"MemoryError" in completed.stderr
    free = run(CommandLine(argv=hungry, purpose="eat", timeout_s=60))
    assert free.returncode == 0


def test_time_limit_ends_the_group() -> None:
    with pytest.raises(ProcessTimeoutError, match=r"cannot wait: .* did not finish in 0\.2 s"):
        run(CommandLine(argv=SLEEP, purpose="wait", timeout_s=0.2))


def test_missing_program() -> None:
    with pytest.raises(MissingToolError, match="cannot wait: no-such-program is not installed"):
        run(CommandLine(argv=("no-such-program",), purpose="wait", timeout_s=1))
