"""``tflm-gen flash`` on built projects: the real tools with no board, and a UF2 drive that is one."""

from __future__ import annotations

import os
import pty
import random
import struct
import threading
import time
import tty
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from tests.support.device_projects import small_cnn
from tests.support.esp_chip import EspChip
from tflm_gen.board_new import write_new_board
from tflm_gen.cli import run
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, build_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.oracle
APPLICATION_START = 0x2_6000
FAMILY = 0xADA5_2840
MOVED = {
    "origin = 0x0000_0000": f"origin = {APPLICATION_START:#010x}",
    "size_bytes = 0x10_0000": "size_bytes = 0xC_6000",
    'tool = "pyocd"\ntarget = "nrf52840"': f'tool = "uf2"\ntarget = "{FAMILY:#x}"',
}


# Not images of this chip: esptool would change settings in the header of one.
ESP_FILES = {
    0x0: ("bootloader.bin", bytes(range(256)) * 8),
    0x1_0000: ("ecg_firmware.bin", random.Random(1).randbytes(3000) + bytes(3000)),
}


def build(board_id: str, root: Path, **changes: str) -> Path:
    build_project(
        BuildRequest(
            model=parse_model(small_cnn(), "small.tflite"), board_id=board_id, out=root, **changes
        )
    )
    return root


@pytest.fixture(scope="module")
def nrf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("nrf52840", tmp_path_factory.mktemp("nrf") / "project", engine="compiled")


@pytest.fixture(scope="module")
def esp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("esp32s3", tmp_path_factory.mktemp("esp") / "project")


@pytest.fixture
def built_esp(esp: Path) -> Path:
    """With the files that ``idf.py build`` leaves for esptool; their contents do not matter here."""
    folder = esp / "build"
    folder.mkdir(exist_ok=True)
    (folder / "ecg_firmware.elf").write_bytes(b"\x7fELF")
    for name, data in ESP_FILES.values():
        (folder / name).write_bytes(data)
    lines = [f"{address:#x} {name}" for address, (name, _) in ESP_FILES.items()]
    options = "--flash-mode dio --flash-freq 80m --flash-size 8MB"
    (folder / "flash_args").write_text("\n".join([options, *lines, ""]))
    return esp


@pytest.fixture
def dead_port() -> Iterator[str]:
    """A serial port that takes everything and never answers."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@pytest.mark.cross
@pytest.mark.parametrize("tool", ["openocd", "pyocd"])
def test_a_probe_tool_without_a_probe(
    tool: str, nrf: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.support.requirements import require

    require(tool)
    assert run(["flash", str(nrf), "--tool", tool]) == 3
    error = capsys.readouterr().err
    assert f"no board found: {tool} looked for" in error
    assert "Connect the board" in error
    assert "tflm-gen emulate" in error


@pytest.mark.cross
def test_platformio_flashes_only_what_it_builds(
    nrf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["flash", str(nrf), "--tool", "pio"]) == 2
    assert "--project platformio" in capsys.readouterr().err


def test_an_esp_idf_project_that_was_not_built_says_how(
    esp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["flash", str(esp), "--port", "/dev/null"]) == 2
    error = capsys.readouterr().err
    assert "is not built yet: there is no build/ecg_firmware.elf" in error
    assert "idf.py set-target esp32s3 && idf.py build" in error


@pytest.mark.esptool
def test_esptool_at_a_chip_that_never_answers(
    built_esp: Path, dead_port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["flash", str(built_esp), "--port", dead_port]) == 3
    error = capsys.readouterr().err
    assert "Failed to connect to ESP32-S3: No serial data received" in error
    assert "tflm-gen emulate" in error


@pytest.mark.esptool
def test_esptool_writes_every_file_at_its_address(
    built_esp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chip = EspChip()
    chip.start()
    assert run(["flash", str(built_esp), "--port", chip.port]) == 0
    assert "Hash of data verified" in capsys.readouterr().out
    for address, (_, data) in ESP_FILES.items():
        assert bytes(chip.flash[address + i] for i in range(len(data))) == data
    chip.close()


@pytest.mark.esptool
def test_esptool_at_a_chip_whose_flash_is_broken(
    built_esp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chip = EspChip(broken_at=0x1_0010)
    chip.start()
    assert run(["flash", str(built_esp), "--port", chip.port]) == 4
    assert "esptool did not prove that the firmware was written" in capsys.readouterr().err
    chip.close()


@pytest.mark.esptool
def test_esptool_at_a_port_that_is_not_there(
    built_esp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["flash", str(built_esp), "--port", "/dev/ttyNOPE"]) == 3
    assert "/dev/ttyNOPE" in capsys.readouterr().err


@pytest.mark.esptool
def test_esptool_is_not_let_loose_on_all_ports(
    built_esp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["flash", str(built_esp)]) == 2
    assert "--port" in capsys.readouterr().err


class Bootloader(threading.Thread):
    """A UF2 drive: takes a file that is complete and for its chip, then goes away."""

    def __init__(self, drive: Path, family: int) -> None:
        super().__init__()
        self.drive = drive
        self.family = family
        self.flash: dict[int, int] = {}
        drive.mkdir()
        (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader 0.6.1\nModel: test\n")

    def run(self) -> None:
        """Wait for the file, and restart when every block has come."""
        file = self.drive / "firmware.uf2"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if file.is_file() and self.take(file.read_bytes()):
                (self.drive / "INFO_UF2.TXT").unlink()
                return
            time.sleep(0.02)

    def take(self, data: bytes) -> bool:
        """Read the blocks as a bootloader does; whether all have come."""
        missing = None
        for start in range(0, len(data) - 511, 512):
            block = data[start : start + 512]
            first, second, flags, address, size, number, count, family = struct.unpack_from(
                "<8I", block
            )
            ends = struct.unpack_from("<I", block, 508)[0] == 0x0AB16F30
            if (first, second, ends) != (0x0A324655, 0x9E5D5157, True):
                continue
            if not flags & 0x2000 or family != self.family:
                continue
            missing = set(range(count)) if missing is None else missing
            missing.discard(number)
            self.flash |= {address + i: block[32 + i] for i in range(size)}
        return missing == set()


@pytest.fixture(scope="module")
def uf2_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The nRF52840 behind a bootloader that keeps the flash below the application."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFLM_GEN_BOARDS", str(tmp_path_factory.mktemp("boards")))
        path = write_new_board("behind_uf2", from_id="nrf52840")
        text = path.read_text()
        for old, new in MOVED.items():
            assert old in text
            text = text.replace(old, new, 1)
        path.write_text(text[: text.index("[platformio]")])
        yield build("behind_uf2", tmp_path_factory.mktemp("uf2") / "project", engine="compiled")


def flash_bytes(project: Path) -> dict[int, int]:
    """What the linked firmware wants in flash, by address."""
    with (project / "out" / "compiled" / "firmware.elf").open("rb") as file:
        return {
            segment["p_paddr"] + i: value
            for segment in ELFFile(file).iter_segments("PT_LOAD")
            for i, value in enumerate(segment.data())
        }


@pytest.mark.cross
def test_a_uf2_drive_gets_every_byte_of_the_firmware(
    uf2_project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive = tmp_path / "FTHR840BOOT"
    bootloader = Bootloader(drive, FAMILY)
    bootloader.start()
    assert run(["flash", str(uf2_project), "--drive", str(drive)]) == 0
    bootloader.join()
    assert f"written:  {drive} went away after" in capsys.readouterr().out
    wanted = flash_bytes(uf2_project)
    assert min(wanted) == APPLICATION_START
    assert {address: bootloader.flash.get(address) for address in wanted} == wanted
    padding = set(bootloader.flash) - set(wanted)
    assert {bootloader.flash[address] for address in padding} <= {0xFF}


@pytest.mark.cross
def test_a_uf2_drive_of_another_chip_keeps_standing_there(
    uf2_project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tflm_gen.runner.flashers.uf2._GONE_TIMEOUT_S", 0.3)
    drive = tmp_path / "RPI-RP2"
    bootloader = Bootloader(drive, 0xE48B_FF56)
    bootloader.start()
    assert run(["flash", str(uf2_project), "--drive", str(drive)]) == 4
    assert "is still there" in capsys.readouterr().err
    bootloader.family = FAMILY
    bootloader.join()


@pytest.mark.cross
def test_no_uf2_drive_is_exit_3(
    uf2_project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["flash", str(uf2_project), "--drive", str(tmp_path)]) == 3
    assert "Press reset twice" in capsys.readouterr().err


@pytest.mark.cross
def test_firmware_that_begins_where_the_bootloader_is_is_refused(
    nrf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TFLM_GEN_BOARDS", str(tmp_path / "boards"))
    path = write_new_board("at_zero", from_id="nrf52840")
    old, new = list(MOVED.items())[2]
    path.write_text(path.read_text().replace(old, new, 1))
    manifest = nrf / "manifest.json"
    kept = manifest.read_bytes()
    try:
        manifest.write_bytes(kept.replace(b'"id": "nrf52840"', b'"id": "at_zero"'))
        assert run(["flash", str(nrf), "--drive", str(tmp_path)]) == 2
    finally:
        manifest.write_bytes(kept)
    assert "the firmware starts at 0x0" in capsys.readouterr().err
