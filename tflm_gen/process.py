"""The one module that starts other programs: argv lists, a time limit, and the whole group ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.errors import MissingToolError, ProcessTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType


# Address space of converters and interpreters of foreign models: TensorFlow alone maps a few GiB.
CONVERTER_MEMORY_BYTES = 16 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """One program run, decided before anything happens.

    Attributes:
        argv: Program and arguments; never passed through a shell.
        purpose: What the run is for, in words that fit an error message ("configure the build").
        timeout_s: Wall-clock limit; the whole process group is killed past it.
        cwd: Working folder, or None for the current one.
        env: Variables added to the current environment.
        stdin: Bytes given on standard input (which is closed otherwise).
        memory_bytes: Limit of the program's address space; None leaves the current one.
    """

    argv: tuple[str, ...]
    purpose: str
    timeout_s: float
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a finished program left: exit code (negative: killed by that signal) and its output."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output, then standard error, decoded leniently."""
        return (self.stdout + self.stderr).decode("utf-8", "replace")


def find_tool(name: str, *, install_hint: str) -> str:
    """Absolute path of a program on PATH.

    Raises:
        MissingToolError: If it is not there; the hint is the install line.
    """
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(f"{name} is not on PATH", hint=install_hint)
    return path


def _prepare_child(memory_bytes: int | None = None) -> Callable[[], None] | None:
    """What a child runs before the program: its limits, and SIGKILL when the parent dies."""
    if sys.platform != "linux":
        return None
    import ctypes
    import resource

    prctl = ctypes.CDLL(None).prctl
    pr_set_pdeathsig = 1

    def prepare() -> None:
        prctl(pr_set_pdeathsig, signal.SIGKILL)
        if memory_bytes is None:
            return
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return prepare


@contextlib.contextmanager
def _interrupt_held() -> Iterator[None]:
    """Ctrl-C inside the block counts at its end: a child that just started has a name by then."""
    former = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(former):
        yield
        return
    seen: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *signum_and_frame: seen.append(signum_and_frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
    if seen:
        former(*seen[0])


def spawn(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a long-running program (an emulator) in a process group of its own.

    The caller ends it with :func:`end_group`; standard input is closed unless given. On Linux
    the program is also killed when this process dies without the chance to clean up.

    Raises:
        MissingToolError: If the program does not exist.
    """
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            preexec_fn=_prepare_child(),
        )
    except FileNotFoundError as error:
        raise MissingToolError(
            f"cannot start {argv[0]}: no such program", hint="Run: tflm-gen doctor"
        ) from error


def wait_for_end(process: subprocess.Popen[bytes], *, timeout_s: float) -> int | None:
    """Exit code of a program (negative: ended by that signal); None if it still runs then."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(timeout=timeout_s)
    return None


def end_group(process: subprocess.Popen[bytes], *, grace_s: float = 2.0) -> None:
    """Stop a program and all its children: SIGTERM, then SIGKILL after the grace time."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace_s)
            break
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def run(command: CommandLine) -> Completed:
    """Run a program to its end and capture what it prints.

    Raises:
        MissingToolError: If the program does not exist.
        ProcessTimeoutError: If it ran past its limit; its whole process group was killed.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with _interrupt_held():
            process = _start(command)
        stdout, stderr = process.communicate(command.stdin, timeout=command.timeout_s)
    except subprocess.TimeoutExpired as error:
        assert process is not None
        end_group(process, grace_s=1.0)
        raise ProcessTimeoutError(
            f"cannot {command.purpose}: {Path(command.argv[0]).name} did not finish "
            f"in {command.timeout_s:g} s",
            hint="Try again on an idle machine; if it repeats, run the printed step by hand.",
        ) from error
    except BaseException:
        if process is not None:
            end_group(process, grace_s=1.0)
        raise
    return Completed(returncode=process.returncode, stdout=stdout, stderr=stderr)


def _start(command: CommandLine) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(command.argv),
            cwd=command.cwd,
            env={**os.environ, **command.env},
            stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_prepare_child(command.memory_bytes),
        )
    except FileNotFoundError as error:
        raise MissingToolError(
            f"cannot {command.purpose}: {command.argv[0]} is not installed",
            hint="Run: tflm-gen doctor",
        ) from error
