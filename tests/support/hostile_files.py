"""Files that mean harm, or are something else under a model's name, each made at a given path."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.graph_builder import FB, pack
from tests.support.small_model import SMALL, small_object
from tflm_gen.model.flatbuffer import root_table
from tflm_gen.model.schema import load_schema

Maker = Callable[[Path], object]
_KERAS_CONFIG = b'{"module": "keras", "class_name": "Functional", "config": {}}'


def patched(offset: int, value: int) -> bytes:
    """The small model with one 32-bit word changed."""
    data = bytearray(SMALL)
    struct.pack_into("<I", data, offset, value)
    return bytes(data)


def _bytes(data: bytes) -> Maker:
    return lambda path: path.write_bytes(data)


def _sparse(head: bytes, size: int) -> Maker:
    def make(path: Path) -> None:
        path.write_bytes(head)
        os.truncate(path, size)

    return make


def _changed(change: Callable[[Any], object]) -> bytes:
    model = small_object()
    change(model)
    return pack(model)


def _field(name: str, value: object, *, of: str = "tensor") -> bytes:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        owner = {"tensor": graph.tensors[0], "operator": graph.operators[0], "graph": graph}[of]
        setattr(owner, name, value)

    return _changed(change)


def _in_a_circle(model: Any) -> None:
    """A subgraph that calls itself."""
    code = FB.OperatorCodeT()
    code.builtinCode = FB.BuiltinOperator.CALL_ONCE
    code.deprecatedBuiltinCode = 127
    code.version = 1
    model.operatorCodes.append(code)
    operator = FB.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [], []
    operator.builtinOptionsType = FB.BuiltinOptions.CallOnceOptions
    operator.builtinOptions = FB.CallOnceOptionsT()
    operator.builtinOptions.initSubgraphIndex = 0
    model.subgraphs[0].operators.append(operator)


def _vtable() -> bytes:
    return patched(root_table(SMALL, load_schema()).pos, 0)


def _endless_list() -> bytes:
    span = root_table(SMALL, load_schema()).reference_span("subgraphs")
    assert span is not None
    return patched(span[0] - 4, 0x3FFFFFFF)


def _outside_data() -> bytes:
    def change(model: Any) -> None:
        buffer = FB.BufferT()
        buffer.offset, buffer.size = 1 << 40, 1 << 20
        model.buffers[2] = buffer

    return _changed(change)


def _unreadable_name() -> bytes:
    """Names that are no text; the structure is cut short, so that the message must show some."""
    data = bytearray(SMALL)
    at = data.index(b"serving_default")
    data[at : at + 4] = b"\xff\xfe\x1b["
    return bytes(data[:-8])


def _zip(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../evil"))
    return out.getvalue()


def _linked_folder(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").symlink_to("/dev/zero")


def _piped_folder(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    os.mkfifo(path / "fingerprint.pb")


# What no verb takes: neither those that want a .tflite nor those that want a float model.
NODES: dict[str, Maker] = {
    "named pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path),
    "nothing there": lambda _: None,
    "empty": _bytes(b""),
    "folder": lambda path: path.mkdir(),
    "folder with a link": _linked_folder,
    "folder with a pipe": _piped_folder,
    "sparse 600 MB": _sparse(b"", 600_000_000),
    "sparse 600 MB model": _sparse(SMALL, 600_000_000),
    "sparse 600 MB zip": _sparse(b"PK\x03\x04", 600_000_000),
    "sparse 100 MB": _sparse(patched(0, 0x7FFFFFF0), 100_000_000),
}
FORMATS: dict[str, Maker] = {
    "ONNX": _bytes(b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:" + bytes(200)),
    "zip": _bytes(_zip(readme=b"text")),
    "PNG": _bytes(b"\x89PNG\r\n\x1a\n" + bytes(200)),
    "ELF": _bytes(b"\x7fELF\x01\x01\x01" + bytes(200)),
    "gzip": _bytes(b"\x1f\x8b\x08" + bytes(200)),
    "HDF5 of nothing": _bytes(b"\x89HDF\r\n\x1a\n" + bytes(200)),
    "HDF5 cut short": _bytes(
        b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + bytes(24) + b"\xff" * 8 + bytes(99)
    ),
    "text": _bytes(b"hello, this is no model at all\n" * 20),
    "web page": _bytes(b"<!DOCTYPE html><html><body>404</body></html>"),
    "tar": _bytes(_tar()),
    "NumPy": _bytes(b"\x93NUMPY\x01\x00" + bytes(200)),
    "pickle": _bytes(b"\x80\x04\x95" + bytes(200)),
    "zip with paths out of it": _bytes(_zip(**{"..__..__evil": b"x", "config.json": b"{}"})),
    "zip bomb": _bytes(_zip(**{"config.json": bytes(24 << 20), "model.weights.h5": b""})),
    "keras without a model": _bytes(_zip(**{"config.json": b"[]"})),
    "keras of nested lists": _bytes(_zip(**{"config.json": b"[" * 300_000})),
    "keras cut short": _bytes(_zip(**{"config.json": _KERAS_CONFIG})[:-20]),
}
MODELS: dict[str, Maker] = {
    "wrong identifier": _bytes(SMALL[:4] + b"TFL9" + SMALL[8:]),
    "one byte": _bytes(SMALL[:1]),
    "eight bytes": _bytes(SMALL[:8]),
    "half": _bytes(SMALL[: len(SMALL) // 2]),
    "one byte short": _bytes(SMALL[:-1]),
    "root beyond the end": _bytes(patched(0, 0xFFFFFFFF)),
    "root that is itself": _bytes(patched(0, 0)),
    "table that is its own vtable": _bytes(_vtable()),
    "list without end": _bytes(_endless_list()),
    "negative dimension": _bytes(_field("shape", [1, -5, 4, 1])),
    "shape that overflows": _bytes(_field("shape", [1 << 30, 1 << 30, 1 << 30, 8])),
    "no dimensions": _bytes(_field("shape", [])),
    "many dimensions": _bytes(_field("shape", [1] * 5000)),
    "buffer index": _bytes(_field("buffer", 1 << 30)),
    "data outside": _bytes(_outside_data()),
    "operator code index": _bytes(_field("opcodeIndex", 1 << 30, of="operator")),
    "operand index": _bytes(_field("inputs", [1 << 30, 1, 2], of="operator")),
    "no operands": _bytes(_field("inputs", [], of="operator")),
    "many operands": _bytes(_field("inputs", [-1] * 90_000, of="operator")),
    "output index": _bytes(_field("outputs", [-7], of="graph")),
    "no subgraph": _bytes(_changed(lambda model: setattr(model, "subgraphs", []))),
    "subgraph that calls itself": _bytes(_changed(_in_a_circle)),
    "names that are no text": _bytes(_unreadable_name()),
}
EVERY = {**NODES, **FORMATS, **MODELS}
