"""What is no .tflite file is named, with a hint; no other exception ever comes out."""

from __future__ import annotations

import io
import os
import socket
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.zoo import ZOO
from tflm_gen.errors import ModelFileError, NotTfliteError, TflmGenError
from tflm_gen.model.file_kind import MAX_FILE_BYTES
from tflm_gen.model.reader import parse_model, read_model


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file") as error:
        read_model(tmp_path / "absent.tflite")
    assert "absent.tflite" in error.value.message
    assert error.value.exit_code == 2


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"a folder, not a \.tflite file"):
        read_model(tmp_path)


def test_saved_model_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(ModelFileError, match="SavedModel folder") as error:
        read_model(tmp_path)
    assert "TFLiteConverter" in error.value.hint


def test_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "pipe.tflite"
    os.mkfifo(path)
    with pytest.raises(ModelFileError, match="a named pipe"):
        read_model(path)


def test_device_and_socket_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="a character device"):
        read_model(Path("/dev/zero"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(ModelFileError, match="a socket"):
            read_model(tmp_path / "s")


def test_path_through_a_file_and_broken_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ModelFileError, match="cannot be opened"):
        read_model(tmp_path / "file" / "model.tflite")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match="no such file"):
        read_model(tmp_path / "link")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ModelFileError, match="cannot be opened"):
        read_model(tmp_path / "loop")


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.tflite"
    path.touch()
    with pytest.raises(ModelFileError, match="empty \\(0 bytes\\)"):
        read_model(path)


def test_file_over_the_size_bound_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.tflite"
    path.touch()
    os.truncate(path, MAX_FILE_BYTES + 1)  # Sparse: takes no disk.
    with pytest.raises(ModelFileError, match="268,435,457 bytes, and the limit"):
        read_model(path)


def zip_of(*members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members:
            archive.writestr(member, b"x" * 100)
    return buffer.getvalue()


# Field 1 is ONNX's IR version, field 2 the producer's name; field 7 is the graph.
ONNX = b"\x08\x08\x12\x07pytorch\x1a\x051.9.0:\x10" + bytes(64)
SAVED_MODEL = b"\x08\x01\x12\xa0\x01\x0a\x10\x22\x05serve\x2a\x06\x2e" + bytes(64)


@pytest.mark.parametrize(
    ("data", "kind", "hint"),
    [
        (zip_of("metadata.json", "config.json", "model.weights.h5"), "Keras 3", "TFLiteConverter"),
        (zip_of("m/saved_model.pb"), "SavedModel", "TFLiteConverter"),
        (zip_of("net/data.pkl"), "PyTorch", "litert-torch"),
        (zip_of("ecg.tflite"), "with a .tflite file", "Unpack"),
        (zip_of("a.txt"), "a zip archive", "Unpack"),
        (b"PK\x03\x04" + bytes(50), "damaged zip archive", "TFLiteConverter"),
        (zip_of("model.weights.h5")[:90], "damaged zip archive", "TFLiteConverter"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5", "TFLiteConverter"),
        (ONNX, "ONNX", "onnx2tf"),
        (SAVED_MODEL, "SavedModel", "TFLiteConverter"),
        (b"\n\x12\n\x01x\x12\x0bPlaceholder" + bytes(30), "frozen .pb", "TFLiteConverter"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9", "pickle", "litert-torch"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip", "Unpack"),
        (bytes(257) + b"ustar\x00" + bytes(20), "tar archive", "Unpack"),
        (b"\x7fELF\x01\x01", "ELF", "Pass the model"),
        (b"\x93NUMPY\x01\x00", "NumPy", ".tflite"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page", "Download"),
        (b"alignas(16) const unsigned char g_model[] = {0x1c", "C source", "array"),
        (b'{"format": "layers-model"}', "a text file", ".tflite"),
        (b"\x1c\x00\x00\x00TFL2" + bytes(30), "bytes 4-7 are 54 46 4c 32", ".tflite"),
        (b"\x00", "the file has 1 bytes", ".tflite"),
        (b"\xffGARBAGE\xfe\xfd", "not a .tflite model", ".tflite"),
    ],
)
def test_other_formats_are_named(data: bytes, kind: str, hint: str) -> None:
    with pytest.raises(NotTfliteError) as error:
        parse_model(data, "renamed.tflite")
    assert kind in error.value.message
    assert error.value.message.startswith("renamed.tflite: ")
    assert hint in error.value.hint


@given(st.binary(min_size=0, max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(TflmGenError):
        parse_model(data, "random.tflite")


@given(st.binary(min_size=0, max_size=300), st.integers(min_value=0, max_value=0xFFFFFFFF))
def test_random_bytes_after_the_identifier_are_refused(data: bytes, root: int) -> None:
    with pytest.raises(TflmGenError):
        parse_model(root.to_bytes(4, "little") + b"TFL3" + data, "random.tflite")


def test_message_has_no_control_characters_from_the_file() -> None:
    data = ZOO["mlp"]()
    with pytest.raises(NotTfliteError) as error:
        parse_model(b"\x1b[2J\x07" + data, "x.tflite")
    assert error.value.message.isprintable()


def test_path_with_control_characters_stays_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file") as error:
        read_model(tmp_path / "a\nb\x1b[2J.tflite")
    assert error.value.message.isprintable()
    with pytest.raises(ModelFileError):
        read_model(Path("a\0b.tflite"))
    with pytest.raises(TflmGenError) as other:
        parse_model(b"\x08\0\0\0TFL3", "x\ny")
    assert other.value.message.startswith("x?y: ")
