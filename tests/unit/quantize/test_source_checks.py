"""Float models are looked at before TensorFlow sees them, and good ones pass."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from pathlib import Path

import pytest

from tests.support.small_model import SMALL
from tflm_gen.errors import MalformedModelError, ModelFileError
from tflm_gen.quantize import source_checks
from tflm_gen.quantize.source import source_kind

CONFIG = {"module": "keras", "class_name": "Functional", "config": {}}


def keras_file(folder: Path, config: bytes, name: str = "config.json") -> Path:
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, config)
        archive.writestr("model.weights.h5", b"")
    return path


def hdf5(version: int, end: int, size: int) -> bytes:
    """The head of an HDF5 file that says where it ends."""
    data = bytearray(size)
    data[:9] = b"\x89HDF\r\n\x1a\n" + bytes([version])
    if version < 2:
        data[13] = 8
        struct.pack_into("<Q", data, 40, end)
    else:
        data[9] = 8
        struct.pack_into("<Q", data, 28, end)
    return bytes(data)


def test_good_models_pass(tmp_path: Path) -> None:
    assert source_kind(keras_file(tmp_path, json.dumps(CONFIG).encode())) == "keras"
    (tmp_path / "model.tflite").write_bytes(SMALL)
    assert source_kind(tmp_path / "model.tflite") == "tflite"
    saved = tmp_path / "saved"
    (saved / "variables").mkdir(parents=True)
    (saved / "saved_model.pb").write_bytes(b"x")
    assert source_kind(saved) == "saved_model"


@pytest.mark.parametrize("version", [0, 2, 3])
def test_hdf5_must_reach_its_end(tmp_path: Path, version: int) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(hdf5(version, 400, 400))
    assert source_kind(path) == "keras"
    path.write_bytes(hdf5(version, 400, 399))
    with pytest.raises(ModelFileError, match=r"damaged HDF5 file \(of 399 bytes, says 400\)"):
        source_kind(path)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"[" * 200_000, "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[]", "describes no model"),
        (b"{}", "describes no model"),
        (b" " * (17 << 20), "describes no model"),
    ],
)
def test_keras_archive_without_a_model(tmp_path: Path, config: bytes, words: str) -> None:
    with pytest.raises(ModelFileError, match=words):
        source_kind(keras_file(tmp_path, config))


def test_size_and_number_of_files_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = keras_file(tmp_path, json.dumps(CONFIG).encode())
    os.truncate(path, source_checks.MAX_BYTES + 1)
    with pytest.raises(ModelFileError, match="the limit is 536,870,912"):
        source_kind(path)
    saved = tmp_path / "saved"
    saved.mkdir()
    for name in ("saved_model.pb", "a", "b"):
        (saved / name).write_bytes(bytes(100))
    monkeypatch.setattr(source_checks, "MAX_BYTES", 299)
    with pytest.raises(ModelFileError, match="300 bytes"):
        source_kind(saved)
    monkeypatch.setattr(source_checks, "MAX_FILES", 2)
    with pytest.raises(ModelFileError, match="more than 2 files"):
        source_kind(saved)


def test_a_broken_tflite_is_refused_before_tensorflow(tmp_path: Path) -> None:
    path = tmp_path / "float.tflite"
    path.write_bytes(SMALL[:-9])
    with pytest.raises(MalformedModelError):
        source_kind(path)
