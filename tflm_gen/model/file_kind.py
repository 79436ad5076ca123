"""Opens a model file with care, and names what a file is when it is no TFLite flatbuffer."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from typing import TYPE_CHECKING

from tflm_gen.errors import ModelFileError, NotTfliteError
from tflm_gen.model.schema import FILE_IDENTIFIER
from tflm_gen.model.text import printable

if TYPE_CHECKING:
    from pathlib import Path

# Ten times the largest flash memory there is for a microcontroller's model.
MAX_FILE_BYTES = 256 << 20

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_COPY_HINT = "Convert or copy the model again."
_CONVERT_HINT = "Convert it with tf.lite.TFLiteConverter and pass the .tflite file."
_PASS_HINT = "Pass a .tflite file."
_UNPACK_HINT = "Unpack it, and pass the .tflite file in it."
_TORCH_HINT = "Export it to ONNX or convert it with litert-torch, and pass the .tflite file."
_ONNX_HINT = "Convert it to .tflite first (onnx2tf does), and pass the .tflite file."

# (offset of the magic, magic, what it is, what to do)
_MAGICS = (
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras .h5)", _CONVERT_HINT),
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK_HINT),
    (257, b"ustar", "a tar archive", _UNPACK_HINT),
    (0, b"\x7fELF", "an ELF program", "Pass the model, not the firmware built from it."),
    (0, b"\x93NUMPY", "a NumPy array", _PASS_HINT),
    (0, b"\x80\x02", "a Python pickle (PyTorch?)", _TORCH_HINT),
    (0, b"\x80\x04", "a Python pickle", _PASS_HINT),
    (4, b"ftrt", "a TensorRT engine", "Engines cannot be converted back; pass the .tflite file."),
    (4, b"ET12", "an ExecuTorch program", _TORCH_HINT),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Run: git lfs pull"),
    (0, b"<!DOCTYPE", "a web page", "Download the file itself, not the page about it."),
    (0, b"<html", "a web page", "Download the file itself, not the page about it."),
    (0, b"<?xml", "an XML file", _PASS_HINT),
)
# (a member whose name ends so, what the archive is, what to do)
_ZIP_MEMBERS = (
    ("model.weights.h5", "a Keras 3 model (.keras)", _CONVERT_HINT),
    ("saved_model.pb", "a zipped TensorFlow SavedModel", _CONVERT_HINT),
    ("data.pkl", "a PyTorch or TorchScript file", _TORCH_HINT),
    (".onnx", "a zip archive with an ONNX model", _ONNX_HINT),
    (".tflite", "a zip archive with a .tflite file", _UNPACK_HINT),
)


def read_model_file(path: Path) -> bytes:
    """Read a model file whole, after checking that it is a regular file of sane size.

    Raises:
        ModelFileError: If it is missing, no regular file, empty, unreadable or too large.
    """
    hint = "Check the path; the argument is a .tflite file."
    shown = printable(str(path))
    try:
        info = path.stat()
    except FileNotFoundError as error:
        raise ModelFileError(f"{shown}: no such file", hint=hint) from error
    except OSError as error:
        raise ModelFileError(f"{shown}: cannot be opened ({error.strerror})", hint=hint) from error
    except ValueError as error:
        raise ModelFileError(f"{shown}: no path of a file ({error})", hint=hint) from error
    if stat.S_ISDIR(info.st_mode):
        raise ModelFileError(_describe_folder(path), hint=_CONVERT_HINT)
    if not stat.S_ISREG(info.st_mode):
        raise ModelFileError(
            f"{shown}: {_kind_of_node(info.st_mode)}, not a regular file", hint=hint
        )
    if info.st_size > MAX_FILE_BYTES:
        raise ModelFileError(
            f"{shown}: {info.st_size:,} bytes, and the limit is {MAX_FILE_BYTES:,}",
            hint="Microcontroller models are far below that; check that it is the right file.",
        )
    return _read_bytes(path)


def require_tflite(data: bytes, name: str) -> None:
    """Check the file identifier, and name the format if it is another one.

    Raises:
        ModelFileError: If there is nothing in the file.
        NotTfliteError: If it does not start as a TFLite flatbuffer.
    """
    name = printable(name)
    if not data:
        raise ModelFileError(f"{name}: the file is empty (0 bytes)", hint=_COPY_HINT)
    if len(data) >= 8 and data[4:8] == FILE_IDENTIFIER:
        return
    kind = _recognise(data)
    if kind is not None:
        raise NotTfliteError(f"{name}: this is {kind[0]}, not a .tflite model", hint=kind[1])
    found = data[4:8].hex(" ") or "nothing"
    raise NotTfliteError(
        f"{name}: not a .tflite model: bytes 4-7 are {found}, not {FILE_IDENTIFIER.hex(' ')} "
        f'("TFL3"); the file has {len(data):,} bytes',
        hint=_PASS_HINT,
    )


def _recognise(data: bytes) -> tuple[str, str] | None:
    """What a file is that is no TFLite flatbuffer, and the hint for it."""
    for offset, magic, kind, hint in _MAGICS:
        if data[offset : offset + len(magic)] == magic:
            return kind, hint
    if data[:4] == b"PK\x03\x04":
        return _recognise_zip(data)
    return _recognise_protobuf(data) or _recognise_text(data)


def _recognise_zip(data: bytes) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.namelist()
    # The archive is hostile until shown otherwise, and its parser has raised all of these.
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        return "a damaged zip archive (a Keras .keras file is one)", _CONVERT_HINT
    for ending, kind, hint in _ZIP_MEMBERS:
        if any(member.endswith(ending) for member in members):
            return kind, hint
    return "a zip archive", _UNPACK_HINT


def _recognise_protobuf(data: bytes) -> tuple[str, str] | None:
    """ONNX and SavedModel have no magic; both begin with a version and a message field."""
    head = data[:4096]
    if head[:3] == b"\x08\x01\x12" and (b"serve" in data or b"Placeholder" in data):
        return "a TensorFlow SavedModel (saved_model.pb)", _CONVERT_HINT
    if len(head) > 3 and head[0] == 8 and 1 <= head[1] <= 32 and head[2] in b"\x12\x1a\x22\x3a":
        return "probably an ONNX model", _ONNX_HINT
    if head[:1] == b"\n" and b"Placeholder" in head:
        return "a TensorFlow graph (frozen .pb)", _CONVERT_HINT
    return None


def _recognise_text(data: bytes) -> tuple[str, str] | None:
    head = data[:2048]
    if any(byte < 9 or byte > 126 or 13 < byte < 32 for byte in head):
        return None
    if b"unsigned char" in head or b"uint8_t" in head:
        return "C source (a model array?)", "Pass the .tflite file that the array was made from."
    return "a text file", _PASS_HINT


def _read_bytes(path: Path) -> bytes:
    shown = printable(str(path))
    try:
        # What was a file a moment ago may be a pipe by now: opening one must not wait.
        with os.fdopen(os.open(path, _OPEN_FLAGS), "rb") as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(MAX_FILE_BYTES) if is_file else b""
    except OSError as error:
        raise ModelFileError(
            f"{shown}: cannot be read ({error.strerror})", hint="Check the file's permissions."
        ) from error
    return data


def _describe_folder(path: Path) -> str:
    shown = printable(str(path))
    if (path / "saved_model.pb").is_file():
        return f"{shown}: a TensorFlow SavedModel folder, not a .tflite file"
    return f"{shown}: a folder, not a .tflite file"


def _kind_of_node(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "a special file")
