"""Archives that mean harm are refused before anything in them is opened."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from tflm_gen.errors import ModelFileError
from tflm_gen.quantize.archive import MAX_MEMBERS, keras_members
from tflm_gen.quantize.source import source_kind

GOOD = ("metadata.json", "config.json", "model.weights.h5")


def archive(path: Path, names: tuple[str, ...], data: bytes = b"{}") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, data)
    return path


def test_a_keras_archive_is_one(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", GOOD, b'{"class_name": "Functional"}')
    assert keras_members(path) == GOOD
    assert source_kind(path) == "keras"


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/passwd", "..\\evil", "C:\\evil", "\\\\host\\share\\evil"],
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "m.keras", (*GOOD, name))
    with pytest.raises(ModelFileError, match="leads out of it"):
        source_kind(path)
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", "{}")
        file.writestr(link, "/etc")
    with pytest.raises(ModelFileError, match="leads out of it"):
        source_kind(path)


def test_a_bomb_is_refused_by_its_sizes(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", GOOD, bytes(24 << 20))
    assert path.stat().st_size < 200_000
    with pytest.raises(ModelFileError, match=r"unpack to 75,497,472"):
        source_kind(path)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", tuple(f"m{n}" for n in range(MAX_MEMBERS + 1)), b"")
    with pytest.raises(ModelFileError, match="10,001 members"):
        source_kind(path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", GOOD, b'{"class_name": "Functional"}')
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelFileError, match="damaged zip archive"):
        source_kind(path)
