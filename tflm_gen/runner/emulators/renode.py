"""Renode: the board's own chip, one instruction a clock cycle.

Its platform files are in the project's ``renode/`` folder; they fetch nothing. The firmware's
serial line is a socket, connected before the machine starts, so that no line is lost.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen import process, resources
from tflm_gen.errors import MissingToolError, TflmGenError, UnsupportedChoiceError
from tflm_gen.runner.clock import INSTRUCTIONS, mips_clock
from tflm_gen.runner.emulators import _renode_monitor as monitor
from tflm_gen.runner.emulators._emulator import Emulator
from tflm_gen.runner.faults import describe_program_end
from tflm_gen.runner.link import DeviceLink
from tflm_gen.runner.stream import SocketStream

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tflm_gen.board_spec import RenodePlatform
    from tflm_gen.runner.target import DeviceTarget

PROGRAM = "renode"
_START_TIMEOUT_S = 60.0
_VERSION_TIMEOUT_S = 30.0
_STDERR_LIMIT_BYTES = 64 * 1024
_HOW_TO_GET = (
    "No package index has Renode: install the portable archive of release 1.16.1 "
    "(renode-run install 1.16.1), or run with QEMU: --with qemu"
)
# The first nightly whose Helium is complete enough for int8 networks.
_HELIUM_SINCE = "20260715"
_VERSION = re.compile(r"\b(\d+)\.(\d+)\.(\d+)(?:\+(\d{8})git)?")


def command(*, program: str, monitor_port: int) -> tuple[str, ...]:
    """Renode's command line: no window, and the monitor on a port of this host.

    Not on the console: there the end of standard input would end the program.
    """
    return (
        program,
        "--disable-gui",
        "--plain",
        "--hide-log",
        *("-P", str(monitor_port)),
    )


def has_integer_helium(version_text: str) -> bool | None:
    """Whether a Renode of that version runs int8 networks on a Cortex-M55; None if unknown."""
    match = _VERSION.search(version_text)
    if match is None:
        return None
    release = tuple(int(part) for part in match.groups()[:3])
    if release != (1, 16, 1):
        return release > (1, 16, 1)
    return match[4] is not None and match[4] >= _HELIUM_SINCE


def platform_path(platform: RenodePlatform) -> Path:
    """The platform description, in the folder that ships with the tool."""
    return resources.renode_dir() / platform.platform


def _is_described_for(target: DeviceTarget) -> bool:
    platform = target.board.emulator.renode
    return platform is not None and platform.has_clock


def _obstacle(target: DeviceTarget) -> TflmGenError | None:
    if target.board.emulator.renode is None:
        return UnsupportedChoiceError(
            f"there is no Renode platform for {target.board_id}",
            hint="Use another emulator with --with, or the board with --port PORT.",
        )
    program = shutil.which(PROGRAM)
    if program is None:
        return MissingToolError(f"{PROGRAM} is not on PATH", hint=_HOW_TO_GET)
    if target.board.cpu.core == "cortex-m55" and has_integer_helium(_version(program)) is False:
        return UnsupportedChoiceError(
            f"this Renode lacks integer Helium instructions, which {target.board_id} runs",
            hint="Install a nightly of mid-July 2026 or newer, or run with QEMU: --with qemu",
        )
    return None


def _version(program: str) -> str:
    done = process.run(
        process.CommandLine(
            argv=(program, "--version"),
            purpose="ask Renode for its version",
            timeout_s=_VERSION_TIMEOUT_S,
        )
    )
    return done.text


@contextlib.contextmanager
def open_renode(target: DeviceTarget) -> Iterator[DeviceLink]:
    """Boot the project's firmware in Renode."""
    platform = target.board.emulator.renode
    if platform is None:
        raise ValueError(f"{target.board_id} has no Renode platform")
    program = process.find_tool(PROGRAM, install_hint=_HOW_TO_GET)
    monitor_port, uart_port = monitor.free_port(), monitor.free_port()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tflm-gen-")))
        script = folder / "machine.resc"
        script.write_text(
            monitor.script_text(
                machine=target.board_id,
                platform=platform_path(platform).resolve(),
                elf_path=target.elf_path.resolve(),
                uart=platform.uart,
                uart_port=uart_port,
            ),
            encoding="utf-8",
        )
        log = stack.enter_context(tempfile.TemporaryFile())
        running = process.spawn(
            command(program=program, monitor_port=monitor_port),
            stdout=log.fileno(),
            stderr=log.fileno(),
        )
        stack.callback(process.end_group, running)

        def explain(wait_s: float = 1.0) -> str | None:
            returncode = process.wait_for_end(running, timeout_s=wait_s)
            if returncode is None:
                return None
            log.seek(0)
            said = log.read(_STDERR_LIMIT_BYTES).decode("utf-8", "replace")
            return describe_program_end(returncode, said)

        def connect(port: int, what: str) -> socket.socket:
            return monitor.connect(
                port, timeout_s=_START_TIMEOUT_S, what=what, explain_end=lambda: explain(0.0)
            )

        control_socket = connect(monitor_port, "monitor port")
        stack.callback(control_socket.close)
        control = monitor.Monitor(control_socket)
        control.send(f'include @"{script}"')
        control.wait_for(monitor.SENTINEL, timeout_s=_START_TIMEOUT_S)
        stream = SocketStream(connect(uart_port, "serial port"))
        stack.callback(stream.close)
        control.send("start")
        yield DeviceLink(
            stream=stream,
            title=f"Renode {target.board_id}",
            clock=mips_clock(platform.mips),
            explain=explain,
        )


EMULATOR = Emulator(
    name="renode",
    timing_basis=INSTRUCTIONS,
    is_described_for=_is_described_for,
    obstacle=_obstacle,
    open=open_renode,
)
