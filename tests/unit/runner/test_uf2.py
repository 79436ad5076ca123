"""UF2 images, and the drive that takes them."""

from __future__ import annotations

import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.intel_hex import hex_file
from tflm_gen.errors import (
    FlashFailedError,
    NoDeviceError,
    ProjectModifiedError,
    UnsupportedChoiceError,
)
from tflm_gen.runner.flashers import uf2
from tflm_gen.runner.flashers._flasher import FlashRequest
from tflm_gen.toolchain.intel_hex import parse_intel_hex

if TYPE_CHECKING:
    from pathlib import Path

CHUNKS = st.dictionaries(
    st.integers(1, 40).map(lambda page: page * 0x1000 + 0x20000),
    st.binary(min_size=1, max_size=600),
    min_size=1,
    max_size=4,
)


@given(CHUNKS)
def test_uf2_carries_every_byte(chunks: dict[int, bytes]) -> None:
    parsed = parse_intel_hex(hex_file(chunks))
    assert parsed == chunks
    image = uf2.uf2_image(parsed, family=0xADA52840)
    assert len(image) % 512 == 0
    memory: dict[int, int] = {}
    for number in range(len(image) // 512):
        block = image[number * 512 : (number + 1) * 512]
        words = struct.unpack_from("<8I", block)
        assert words[:3] == (0x0A324655, 0x9E5D5157, 0x2000)
        assert words[4:] == (256, number, len(image) // 512, 0xADA52840)
        assert words[3] % 256 == 0
        assert struct.unpack_from("<I", block, 508) == (0x0AB16F30,)
        memory |= {words[3] + i: value for i, value in enumerate(block[32:288])}
    for start, data in chunks.items():
        assert bytes(memory[start + i] for i in range(len(data))) == data


@pytest.mark.parametrize(
    "line", ["", "10000000", ":0", ":00000001FE", ":02000000AB", ":zz000001FF"]
)
def test_damaged_hex_is_refused(line: str) -> None:
    with pytest.raises(ProjectModifiedError, match="line 1 is no valid Intel HEX"):
        parse_intel_hex(line + "\n")


def uf2_request(tmp_path: Path, start: int, drive: str | None) -> FlashRequest:
    image = tmp_path / "firmware.hex"
    image.write_text(hex_file({start: b"firmware"}))
    return FlashRequest(project=tmp_path, image=image, target="0xada52840", drive=drive)


def test_uf2_never_overwrites_the_bootloader(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedChoiceError, match="starts at 0x0"):
        uf2.flash(uf2_request(tmp_path, 0, str(tmp_path)))


def test_uf2_without_a_drive(tmp_path: Path) -> None:
    with pytest.raises(NoDeviceError, match=r"has no INFO_UF2\.TXT"):
        uf2.flash(uf2_request(tmp_path, 0x26000, str(tmp_path)))


def test_uf2_is_proved_by_the_drive_going_away(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader\n")

    def bootloader() -> None:
        while not (drive / "firmware.uf2").is_file():
            time.sleep(0.01)
        (drive / "INFO_UF2.TXT").unlink()

    thread = threading.Thread(target=bootloader)
    thread.start()
    report = uf2.flash(uf2_request(tmp_path, 0x26000, str(drive)))
    thread.join()
    assert report.proof == f"{drive} went away after 1 blocks"


def test_uf2_drive_that_stays_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "INFO_UF2.TXT").write_text("UF2 Bootloader\n")
    monkeypatch.setattr(uf2, "_GONE_TIMEOUT_S", 0.2)
    with pytest.raises(FlashFailedError, match="still there"):
        uf2.flash(uf2_request(tmp_path, 0x26000, str(tmp_path)))
