"""A program that answers Renode's monitor commands the way the tool uses them; not an emulator.

Run as ``renode``; the environment variable ``FAKE_RENODE`` says what goes wrong. With
``FAKE_RENODE_QEMU`` (machine, icount shift and firmware, by commas) QEMU runs the firmware behind it.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

PROMPT = b"\x1b[33;1m(nrf52840) \x1b[0m"
TELNET_NEGOTIATION = b"\xff\xfd\x00\xff\xfb\x00\xff\xfb\x01"


def listen(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen(1)
    return server


def run_script(path: str, fault: str) -> tuple[bytes, socket.socket | None]:
    """What the monitor prints, and the server of the serial line."""
    if fault == "script":
        return b"There was an error executing command 'machine LoadPlatformDescription'\n", None
    said = b""
    uart = None
    with Path(path).open(encoding="utf-8") as script:
        for line in script:
            served = re.match(r"emulation CreateServerSocketTerminal (\d+) \"wire\" false", line)
            if served:
                uart = listen(int(served[1]))
            echoed = re.match(r'echo "(.*)"', line)
            if echoed and fault != "silent":
                said += echoed[1].encode() + b"\r\n"
    return said, uart


def start_qemu(line: socket.socket) -> None:
    """Real firmware on the serial line; it ends with this program's process group."""
    machine, shift, elf = os.environ["FAKE_RENODE_QEMU"].split(",")
    subprocess.Popen(
        [
            *("qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none"),
            *("-icount", f"shift={shift}", "-kernel", elf),
            *("-chardev", f"socket,id=wire,fd={line.fileno()}", "-serial", "chardev:wire"),
        ],
        stdin=subprocess.DEVNULL,
        pass_fds=[line.fileno()],
    )


def main() -> None:
    fault = os.environ.get("FAKE_RENODE", "")
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(os.environ.get("FAKE_RENODE_VERSION", "Renode, version 1.16.1.1") + "\n")
        return
    if fault == "dies":
        sys.exit("Fatal error: Mono is missing")
    monitor, _ = listen(int(sys.argv[sys.argv.index("-P") + 1])).accept()
    monitor.sendall(TELNET_NEGOTIATION + PROMPT)
    uart: socket.socket | None = None
    with monitor.makefile("rb") as commands:
        for raw in commands:
            command = raw.decode().strip()
            monitor.sendall(raw)  # The monitor echoes.
            included = re.fullmatch(r'include @"(.*)"', command)
            if included:
                if fault == "leaves":
                    return
                said, uart = run_script(included[1], fault)
                monitor.sendall(said + PROMPT)
            elif command == "start" and uart is not None:
                line, _ = uart.accept()
                if "FAKE_RENODE_QEMU" in os.environ:
                    start_qemu(line)
                    continue
                line.sendall(b"$0 READY after start\n")
                line.recv(100)
                time.sleep(0.05)
                line.sendall(b"heard you\n")


if __name__ == "__main__":
    main()
