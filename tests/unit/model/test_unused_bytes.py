"""Bytes that nothing in a file refers to: counted, warned of, left out of a build, limited."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import assert_refused, run_tool
from tests.support.graph_builder import pack, unpack
from tests.support.model_builder import ModelBuilder
from tests.support.zoo import ZOO
from tests.unit.check.test_check import check
from tflm_gen.errors import MalformedModelError
from tflm_gen.inspection import inspect_model
from tflm_gen.model.reader import parse_model
from tflm_gen.model.unused import MAX_UNUSED_BYTES

if TYPE_CHECKING:
    from pathlib import Path

MODEL = ZOO["mlp"]()


def unused(data: bytes) -> int:
    return parse_model(data, "x").layout.unused_bytes


def with_gap(n_bytes: int) -> bytes:
    """The model behind a gap: its root offset jumps over it."""
    gap = n_bytes - n_bytes % 16
    root = int.from_bytes(MODEL[:4], "little") + gap
    return root.to_bytes(4, "little") + MODEL[4:8] + bytes(gap) + MODEL[8:]


def with_outside_weights() -> bytes:
    """Weights behind the tables, as in files of more than 2 GB."""
    model = unpack(MODEL)
    graph = model.subgraphs[0]
    tensor = next(t for t in graph.tensors if model.buffers[t.buffer].data is not None)
    buffer = model.buffers[tensor.buffer]
    weights, buffer.data = bytes(buffer.data), None
    buffer.offset, buffer.size = 2, len(weights)
    n_bytes = len(pack(model))
    start = n_bytes + -n_bytes % 16
    buffer.offset = start
    return pack(model).ljust(start, b"\0") + weights


def archive(n_bytes: int) -> bytes:
    """A zip archive of one stored file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("labels.txt", bytes(n_bytes))
    return stream.getvalue()


@pytest.mark.parametrize("name", sorted(ZOO))
def test_writers_leave_nothing_unused(name: str) -> None:
    assert unused(ZOO[name]()) == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (MODEL + bytes(40), 0),
        (MODEL + bytes(1000), 1000),
        (MODEL + bytes(range(200)), 200),
        (with_gap(1600), 1600),
        (with_outside_weights(), 0),
        (with_outside_weights() + bytes(300), 300),
        (MODEL + archive(5000), len(archive(5000))),
    ],
    ids=["padding", "zeros", "others", "gap", "outside", "behind outside", "archive"],
)
def test_unused_bytes_are_counted(data: bytes, expected: int) -> None:
    # Padding before the first of them is not told apart.
    assert expected <= unused(data) < expected + 64
    layout = parse_model(data, "x").layout
    total = layout.weights_bytes + layout.names_bytes + layout.metadata_bytes
    assert total + layout.structure_bytes + layout.unused_bytes == len(data)


def test_metadata_of_one_own_is_used() -> None:
    net = ModelBuilder(seed=1)
    net.metadata("labels", bytes(5000))
    assert unused(net.finish([net.softmax(net.input((1, 4)))])) == 0


def test_more_than_a_flash_memory_is_no_model() -> None:
    assert unused(MODEL + bytes(MAX_UNUSED_BYTES)) == MAX_UNUSED_BYTES
    with pytest.raises(MalformedModelError, match="nothing in the file refers to 16,777,217 of"):
        parse_model(MODEL + bytes(MAX_UNUSED_BYTES + 1), "x")


def test_inspect_and_check_warn() -> None:
    data = MODEL + archive(5000)
    (finding,) = [f for f in inspect_model(parse_model(data, "x")).findings if f.is_warning]
    assert finding.code == "unused-bytes"
    assert "(a zip archive of associated files)" in finding.message
    report = check(data)
    assert report.runs
    assert "unused-bytes" in {warning.code for warning in report.warnings}
    assert "unused-bytes" not in {finding.code for finding in check(MODEL).findings}


@pytest.mark.oracle
def test_build_leaves_them_out_and_says_so(tmp_path: Path) -> None:
    path, out = tmp_path / "model.tflite", tmp_path / "project"
    path.write_bytes(MODEL + bytes(1 << 20))
    asked = ("build", str(path), "--board", "nrf52840", "--engine", "compiled", "--no-build")
    result = run_tool(*asked, "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert "drop-bytes: 1,048,576 bytes that nothing in the file refers to" in result.stdout
    assert len((out / "model" / "model.tflite").read_bytes()) < len(MODEL)
    assert not json.loads((out / "manifest.json").read_text())["warnings"][1:]


def test_build_without_cleaning_warns(tmp_path: Path) -> None:
    path, out = tmp_path / "model.tflite", tmp_path / "project"
    path.write_bytes(MODEL + bytes(1000))
    asked = ("build", str(path), "--board", "nrf52840", "--engine", "compiled", "--no-build")
    result = run_tool(*asked, "--no-clean", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert "warning: nothing in the file refers to 1,000 of its" in result.stdout


def test_a_model_that_is_mostly_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    with path.open("wb") as file:
        file.write(MODEL)
        file.truncate(200 << 20)
    result = run_tool("build", str(path), "--board", "host", "--out", str(tmp_path / "project"))
    assert_refused(result, code="TG103")
    assert "refers to" in result.stderr
