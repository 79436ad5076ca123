"""Which tool flashes a board, and that the command does not believe one without proof."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.dummy_target import dummy_target
from tests.support.requirements import require
from tflm_gen.board_loader import load_board
from tflm_gen.errors import (
    MissingToolError,
    NoDeviceError,
    ProcessTimeoutError,
    ProjectModifiedError,
    UnsupportedChoiceError,
    UsageError,
)
from tflm_gen.runner.flash import FlashChoice, choose_flasher, firmware_image, flash_request
from tflm_gen.runner.flashers import pio, pyocd
from tflm_gen.runner.target import DeviceTarget


@pytest.fixture
def bin_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder on PATH, and no tools beside this Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


def install(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def target(tmp_path: Path, board_id: str = "nrf52840") -> DeviceTarget:
    elf = tmp_path / "p" / "out" / "tflm" / "firmware.elf"
    elf.parent.mkdir(parents=True, exist_ok=True)
    elf.with_suffix(".hex").write_text(":00000001FF\n")
    return dummy_target(tmp_path / "p", board_id, elf_path=elf)


def test_first_installed_tool_is_chosen(bin_dir: Path, tmp_path: Path) -> None:
    install(bin_dir, "openocd", "echo")
    install(bin_dir, "JLinkExe", "echo")
    choice = choose_flasher(target(tmp_path))
    assert choice.flasher.name == "openocd"
    assert choice.target == "board/nordic_nrf52_dk.cfg"
    assert choice.reason == "not installed: pyocd, nrfjprog"


def test_no_tool_is_exit_3_with_all_install_lines(bin_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingToolError) as caught:
        choose_flasher(target(tmp_path))
    assert "pyocd, openocd, nrfjprog, jlink" in caught.value.message
    assert "apt-get install openocd" in caught.value.hint
    assert "tflm-gen emulate" in caught.value.hint


def test_named_tool(bin_dir: Path, tmp_path: Path) -> None:
    install(bin_dir, "JLinkExe", "echo")
    assert choose_flasher(target(tmp_path), tool_name="jlink").target == "nRF52840_xxAA"
    with pytest.raises(MissingToolError, match="pyocd is not installed"):
        choose_flasher(target(tmp_path), tool_name="pyocd")
    with pytest.raises(UsageError, match="no flash tool 'avrdude'"):
        choose_flasher(target(tmp_path), tool_name="avrdude")
    with pytest.raises(UnsupportedChoiceError, match="esptool is not known to flash nrf52840"):
        choose_flasher(target(tmp_path), tool_name="esptool")


def test_emulated_board_cannot_be_flashed(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedChoiceError, match="corstone300"):
        choose_flasher(target(tmp_path, "corstone300"))


def flash_with(tool: str, tmp_path: Path) -> None:
    device = target(tmp_path)
    choice = choose_flasher(device, tool_name=tool)
    choice.flasher.flash(
        flash_request(device, choice, image=firmware_image(device, choice), port=None, probe=None)
    )


def test_program_is_run_in_the_image_s_folder(bin_dir: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    install(bin_dir, "openocd", f'{{ pwd; echo "$@"; }} > {seen}\necho "** Verified OK **"')
    flash_with("openocd", tmp_path)
    folder, arguments = seen.read_text().splitlines()
    assert folder == str(tmp_path / "p" / "out" / "tflm")
    assert arguments.endswith("-c program firmware.hex verify reset exit")


def test_hanging_program_is_stopped(
    bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = shutil.which("sleep", path="/bin:/usr/bin")
    install(bin_dir, "pyocd", f"{sleep} 600")
    monkeypatch.setattr(pyocd, "PROGRAM_TIMEOUT_S", 0.5)
    with pytest.raises(ProcessTimeoutError, match="flash with pyocd"):
        flash_with("pyocd", tmp_path)


def test_missing_image_is_named(tmp_path: Path) -> None:
    device = target(tmp_path)
    choice = FlashChoice(flasher=pyocd.FLASHER, target="nrf52840", reason="")
    device.elf_path.with_suffix(".hex").unlink()
    with pytest.raises(ProjectModifiedError, match=r"firmware\.hex is missing"):
        firmware_image(device, choice)


def test_platformio_writes_what_it_has_built_itself(tmp_path: Path) -> None:
    device = target(tmp_path)
    with pytest.raises(UnsupportedChoiceError, match="pio is not known to flash nrf52840"):
        choose_flasher(device, tool_name="pio")
    (device.root / "platformio.ini").touch()
    choice = FlashChoice(flasher=pio.FLASHER, target="nrf52840_local", reason="")
    image = device.root / ".pio" / "build" / "nrf52840_local" / "firmware.hex"
    assert firmware_image(device, choice) == image
    with pytest.raises(ProjectModifiedError, match="has not built environment nrf52840_local"):
        pio.FLASHER.flash(flash_request(device, choice, image=image, port=None, probe=None))


@pytest.mark.parametrize("tool", ["openocd", "pyocd"])
def test_real_tool_without_hardware(tool: str, tmp_path: Path) -> None:
    """The installed tool itself; no probe is connected to a machine that runs tests."""
    require(tool)
    with pytest.raises(NoDeviceError):
        flash_with(tool, tmp_path)


def test_pyocd_knows_the_board_s_target() -> None:
    require("pyocd")
    from pyocd.target.builtin import BUILTIN_TARGETS

    names = {entry.target for entry in load_board("nrf52840").spec.flash if entry.tool == "pyocd"}
    assert names <= set(BUILTIN_TARGETS)


def test_openocd_has_the_board_s_file() -> None:
    require("openocd")
    scripts = Path("/usr/share/openocd/scripts")
    for entry in load_board("nrf52840").spec.flash:
        if entry.tool == "openocd":
            assert (scripts / entry.target).is_file()


def flash_command(monkeypatch: pytest.MonkeyPatch, device: DeviceTarget, *options: str) -> int:
    from tflm_gen.cli import run

    monkeypatch.setattr("tflm_gen.runner.target.load_target", lambda _: device)
    device.root.mkdir(parents=True, exist_ok=True)
    return run(["flash", str(device.root), *options])


def test_flash_command_prints_the_proof(
    bin_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(bin_dir, "openocd", 'echo "** Verified OK **"')
    device = target(tmp_path)
    assert flash_command(monkeypatch, device) == 0
    assert "written:  ** Verified OK **" in capsys.readouterr().out
    assert flash_command(monkeypatch, device, "--json", "--probe", "42") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "tflm-gen/flash/1"
    assert document["proof"] == "** Verified OK **"
    assert "adapter serial 42" in document["command"]


@pytest.mark.parametrize(
    ("body", "options", "exit_code"),
    [
        ("exit 0", [], 4),
        ("echo 'Error: unable to find a matching CMSIS-DAP device'; exit 1", [], 3),
        ("echo '** Verified OK **'; exit 1", [], 4),
        ("", ["--tool", "avrdude"], 2),
        ("", ["--tool", "esptool"], 2),
        ("", ["--tool", "pyocd"], 3),
        # It would write into whatever board its probe is at.
        ("echo '** Verified OK **'", ["--port", "/dev/ttyACM0"], 2),
        ("echo '** Verified OK **'", ["--drive", "/media/x/BOOT"], 2),
    ],
)
def test_flash_command_exit_codes(
    bin_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    body: str,
    options: list[str],
    exit_code: int,
) -> None:
    install(bin_dir, "openocd", body)
    assert flash_command(monkeypatch, target(tmp_path), "--json", *options) == exit_code
    printed = capsys.readouterr()
    assert json.loads(printed.out)["exit_code"] == exit_code
    assert printed.err.startswith("error[TG")
    assert "\nhint: " in printed.err
