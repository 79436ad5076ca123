"""UF2: boards whose bootloader shows a drive that firmware is copied to."""

from __future__ import annotations

import contextlib
import os
import struct
import time
from pathlib import Path

from tflm_gen.errors import FlashFailedError, NoDeviceError, UnsupportedChoiceError
from tflm_gen.runner.flashers._flasher import Flasher, FlashReport, FlashRequest
from tflm_gen.toolchain.intel_hex import parse_intel_hex

_BLOCK_BYTES = 256
_FLAG_HAS_FAMILY = 0x2000
_MAGIC_START = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
# Below this lies the bootloader's own start code on all chips that have such a bootloader.
_LOWEST_APPLICATION = 0x1000
_GONE_TIMEOUT_S = 20.0
_INFO_NAME = "INFO_UF2.TXT"
_MOUNT_POINTS = ("/media/*/*", "/run/media/*/*", "/media/*", "/mnt/*", "/Volumes/*")


def uf2_image(chunks: dict[int, bytes], *, family: int) -> bytes:
    """UF2 file of flash contents by address: blocks of 256 bytes at multiples of 256."""
    pages: dict[int, bytearray] = {}
    for start, data in chunks.items():
        for offset, value in enumerate(data):
            address = start + offset
            page = pages.setdefault(address // _BLOCK_BYTES, bytearray(b"\xff" * _BLOCK_BYTES))
            page[address % _BLOCK_BYTES] = value
    blocks = []
    for number, (index, page) in enumerate(sorted(pages.items())):
        header = struct.pack(
            "<8I",
            *_MAGIC_START,
            _FLAG_HAS_FAMILY,
            index * _BLOCK_BYTES,
            _BLOCK_BYTES,
            number,
            len(pages),
            family,
        )
        blocks.append(header + bytes(page).ljust(476, b"\0") + struct.pack("<I", _MAGIC_END))
    return b"".join(blocks)


def find_drives() -> list[Path]:
    """Mounted drives of UF2 bootloaders."""
    found: list[Path] = []
    for pattern in _MOUNT_POINTS:
        root = Path("/")
        with contextlib.suppress(OSError):
            found.extend(
                path for path in root.glob(pattern.lstrip("/")) if (path / _INFO_NAME).is_file()
            )
    return sorted(set(found))


def flash(request: FlashRequest) -> FlashReport:
    """Copy the firmware to the drive and wait until the bootloader has taken it.

    The bootloader restarts, and the drive goes, only when it has every block: that is the proof.

    Raises:
        UnsupportedChoiceError: If the image would lie where the bootloader is.
        NoDeviceError: If there is no such drive.
        FlashFailedError: If the drive stays.
    """
    chunks = parse_intel_hex(request.image.read_text(encoding="ascii"))
    lowest = min(chunks)
    if lowest < _LOWEST_APPLICATION:
        raise UnsupportedChoiceError(
            f"the firmware starts at {lowest:#x}, where a UF2 bootloader has its own code",
            hint="Flash it with a debug probe: --tool pyocd or --tool openocd.",
        )
    drive = _drive(request.drive)
    image = uf2_image(chunks, family=int(request.target, 16))
    _copy(image, drive)
    deadline = time.monotonic() + _GONE_TIMEOUT_S
    while (drive / _INFO_NAME).is_file():
        if time.monotonic() > deadline:
            raise FlashFailedError(
                f"{drive} is still there {_GONE_TIMEOUT_S:g} s after the copy: the bootloader did "
                "not take the firmware",
                hint="Its family id may be another one: look in INFO_UF2.TXT on the drive.",
            )
        time.sleep(0.1)
    return FlashReport(
        tool="uf2", proof=f"{drive} went away after {len(image) // 512} blocks", command=()
    )


def _copy(image: bytes, drive: Path) -> None:
    """Write the file, down to the device: left in the cache, it would not arrive for half a minute.

    Raises:
        FlashFailedError: If the drive fails. A bootloader that restarts at the last block and one
            that was unplugged before look alike then.
    """
    try:
        with (drive / "firmware.uf2").open("wb") as file:
            file.write(image)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise FlashFailedError(
            f"{drive} failed while the firmware was copied: {error.strerror}",
            hint="If the board has restarted, ask it: tflm-gen verify DIR --port PORT; if not, "
            "reset it into its bootloader and try again.",
        ) from error


def _drive(named: str | None) -> Path:
    """The drive that is named, or the only one there is."""
    drives = [Path(named)] if named is not None else find_drives()
    if len(drives) != 1 or not (drives[0] / _INFO_NAME).is_file():
        what = f"{drives[0]} has no" if len(drives) == 1 else f"{len(drives)} drives have an"
        raise NoDeviceError(
            f"no UF2 drive to write to: {what} {_INFO_NAME}",
            hint="Press reset twice so that the board's drive appears; name it with --drive PATH.",
        )
    return drives[0]


FLASHER = Flasher(
    name="uf2",
    told_by="drive",
    find=lambda: "built in",
    install_hint="",
    flash=flash,
)
