"""What each flash tool is started with, and how its output is judged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tflm_gen.errors import FlashFailedError, NoDeviceError, UsageError
from tflm_gen.runner.flashers import (
    _flasher,
    discover,
    esptool,
    jlink,
    nrfjprog,
    openocd,
    pio,
    pyocd,
)
from tflm_gen.runner.flashers._flasher import FlashRequest

if TYPE_CHECKING:
    from types import ModuleType

    from tflm_gen.runner.flashers._flasher import Program

PROJECT = Path("/home/user/my project")
IMAGE = PROJECT / "out" / "tflm" / "firmware.hex"


def request(target: str, **options: str) -> FlashRequest:
    return FlashRequest(project=PROJECT, image=IMAGE, target=target, **options)


ARGV = [
    (
        pyocd,
        request("nrf52840"),
        [
            "P",
            "flash",
            "--no-wait",
            "--no-config",
            "--color",
            "never",
            "--target",
            "nrf52840",
            str(IMAGE),
        ],
        PROJECT,
    ),
    (
        pyocd,
        request("nrf52840", probe="0668"),
        [
            "P",
            "flash",
            "--no-wait",
            "--no-config",
            "--color",
            "never",
            "--target",
            "nrf52840",
            "--uid",
            "0668",
            str(IMAGE),
        ],
        PROJECT,
    ),
    (
        openocd,
        request("board/nordic_nrf52_dk.cfg"),
        ["P", "-f", "board/nordic_nrf52_dk.cfg", "-c", "program firmware.hex verify reset exit"],
        IMAGE.parent,
    ),
    (
        openocd,
        request("board/x.cfg", probe="42"),
        [
            "P",
            "-f",
            "board/x.cfg",
            "-c",
            "adapter serial 42",
            "-c",
            "program firmware.hex verify reset exit",
        ],
        IMAGE.parent,
    ),
    (
        esptool,
        request("esp32s3", port="/dev/ttyACM0"),
        [
            "P",
            "--chip",
            "esp32s3",
            "--port",
            "/dev/ttyACM0",
            "--after",
            "hard-reset",
            "write-flash",
            "@flash_args",
        ],
        PROJECT / "build",
    ),
    (
        nrfjprog,
        request("NRF52", probe="1050"),
        [
            "P",
            "--family",
            "NRF52",
            "--snr",
            "1050",
            "--program",
            str(IMAGE),
            "--sectorerase",
            "--verify",
            "--reset",
        ],
        PROJECT,
    ),
    (
        jlink,
        request("nRF52840_xxAA", probe="683"),
        [
            "P",
            "-NoGui",
            "1",
            "-ExitOnError",
            "1",
            "-Device",
            "nRF52840_xxAA",
            "-If",
            "SWD",
            "-Speed",
            "4000",
            "-AutoConnect",
            "1",
            "-USB",
            "683",
        ],
        IMAGE.parent,
    ),
    (
        pio,
        request("nrf52840_local", port="/dev/ttyACM0"),
        [
            "P",
            "run",
            "--project-dir",
            str(PROJECT),
            "--environment",
            "nrf52840_local",
            "--target",
            "nobuild",
            "--target",
            "upload",
            "--disable-auto-clean",
            "--upload-port",
            "/dev/ttyACM0",
        ],
        PROJECT,
    ),
]


@pytest.mark.parametrize(("module", "asked", "argv", "cwd"), ARGV)
def test_command_lines(module: ModuleType, asked: FlashRequest, argv: list[str], cwd: Path) -> None:
    command = module.command("P", asked)
    assert list(command.argv) == argv
    assert command.cwd == cwd
    assert command.timeout_s <= 600


def test_jlink_commands_come_on_standard_input() -> None:
    command = jlink.command("P", request("nRF52840_xxAA"))
    assert command.stdin == b"loadfile firmware.hex\nr\ng\nexit\n"


def test_esptool_never_tries_all_ports() -> None:
    with pytest.raises(UsageError, match="serial port"):
        esptool.command("P", request("esp32s3"))


# Output of the tools themselves: of runs without hardware where marked, else of their sources.
SUCCESS = [
    (
        pyocd,
        "0001003 I Loading firmware.hex [load_cmd]\n"
        "[==================================================] 100%\n"
        "0003010 I Erased 28672 bytes (7 sectors), programmed 28672 bytes (7 pages), "
        "identical 0 bytes (0 pages) at 20.11 kB/s [loader]\n",
        "Erased 28672 bytes",
    ),
    (
        openocd,
        "** Programming Started **\n** Programming Finished **\n** Verify Started **\n"
        "** Verified OK **\n** Resetting Target **\nshutdown command invoked\n",
        "** Verified OK **",
    ),
    (esptool, "Writing at 0x00010000... (100 %)\nHash of data verified.\n", "Hash of data"),
    (nrfjprog, "[ #### ]   0.321s | Verify file - Done verifying\n", "Verify file - Done"),
    (jlink, "Downloading file [firmware.hex]...\nO.K.\n\nReset delay: 0 ms\n", "O.K."),
    (pio, "\x1b[32m** Verified OK **\x1b[0m\n==== [SUCCESS] Took 3.1 s\n", "** Verified OK **"),
]


@pytest.mark.parametrize(("module", "output", "proof"), SUCCESS)
def test_success_needs_its_line(module: ModuleType, output: str, proof: str) -> None:
    program: Program = module.PROGRAM
    assert proof in program.judge(output, returncode=0)
    with pytest.raises(FlashFailedError):
        program.judge(output, returncode=1)
    kept = "\n".join(line for line in output.splitlines() if proof not in line)
    with pytest.raises(FlashFailedError):
        program.judge(kept, returncode=0)


NO_DEVICE = [
    # Seen without hardware: pyOCD 0.46.0, OpenOCD 0.12.0, esptool 5.6.0.
    (pyocd, "No connected debug probes\n0000448 E No target device available [load_cmd]\n", 1),
    (openocd, "Error: unable to find a matching CMSIS-DAP device\n** OpenOCD init failed **\n", 1),
    (openocd, "Error: No J-Link device found\n** OpenOCD init failed **\n", 1),
    (esptool, "Could not open /dev/ttyNOPE, the port is busy or doesn't exist.\n", 2),
    (jlink, "Connecting to J-Link via USB...FAILED: Cannot connect to J-Link.\n", 0),
    (nrfjprog, "ERROR: There is no debugger connected to the PC.\n", 41),
]


@pytest.mark.parametrize(("module", "output", "returncode"), NO_DEVICE)
def test_no_device_is_exit_3(module: ModuleType, output: str, returncode: int) -> None:
    with pytest.raises(NoDeviceError) as caught:
        module.PROGRAM.judge(output, returncode=returncode)
    assert caught.value.exit_code == 3
    assert "tflm-gen emulate" in caught.value.hint


@pytest.mark.parametrize(
    ("module", "output"),
    [
        (openocd, "** Programming Started **\n** Verified OK **\n** Verify Failed **\n"),
        (jlink, "Cannot connect to target.\nO.K.\n"),
        (jlink, "Writing failed.\nScript processing completed.\n"),
        (pio, "==== [SUCCESS] Took 1.2 s\n"),
        (pyocd, ""),
    ],
)
def test_success_that_is_none(module: ModuleType, output: str) -> None:
    """Tools that leave with 0 after a failure, and PlatformIO's SUCCESS without an upload."""
    with pytest.raises(FlashFailedError) as caught:
        module.PROGRAM.judge(output, returncode=0)
    assert caught.value.exit_code == 4


def test_discover_finds_what_board_files_may_name() -> None:
    from typing import get_args

    from tflm_gen.board_spec import FlashTool

    assert set(discover()) == set(get_args(FlashTool.model_fields["tool"].annotation))


def test_colours_and_progress_are_not_text() -> None:
    assert _flasher._plain("\x1b[31m 10%\r 50%\rO.K.\x1b[0m") == "O.K."


def test_no_shell_text_in_any_command() -> None:
    for module, asked, _, _ in ARGV:
        for word in module.command("P", asked).argv:
            assert not re.search(r"[;&|`$]", word), word
