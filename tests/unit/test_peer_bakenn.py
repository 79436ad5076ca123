"""bakenn behind our interface: what it is fed, what it answers, and how it is left out."""

from __future__ import annotations

import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.n1.model import build_n1
from tests.support.command_line import run_tool
from tests.support.model_builder import ModelBuilder
from tests.support.requirements import require
from tflm_gen.errors import NotCompilableError
from tflm_gen.model.graph import read_document
from tflm_gen.model.reader import parse_model
from tflm_gen.peers import bakenn

ROOT = Path(__file__).resolve().parents[2]
N1 = parse_model(build_n1(), "n1.tflite")


def test_without_the_package_there_is_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert bakenn.installed("cortex-m4f") == ()


def test_every_reshape_gets_its_shape_and_nothing_else_changes() -> None:
    before = read_document(N1).main
    after = read_document(parse_model(bakenn.with_reshape_options(N1), "n1.tflite")).main
    assert "RESHAPE" in {op.op for op in before.operators}
    for old, new in zip(before.operators, after.operators, strict=True):
        if old.op == "RESHAPE":
            assert new.options is not None
            assert new.options.integers("new_shape") == after.tensors[new.outputs[0]].shape
            assert replace(new, options=old.options) == old
        else:
            assert new == old
    assert after.tensors == before.tensors


def test_the_file_it_is_fed_computes_the_same() -> None:
    require("oracle")
    from tflm_gen.oracle.client import run_oracle
    from tflm_gen.vectors import make_vectors

    vectors = make_vectors(N1.inputs, count=4, seed=1)
    fed = run_oracle(bakenn.with_reshape_options(N1), vectors)
    assert fed.outputs == run_oracle(N1.flatbuffer, vectors).outputs


def test_models_with_two_outputs_are_refused_before_it_is_asked() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 8))
    model = parse_model(net.finish([net.softmax(x), net.fully_connected(x, 2)]), "two.tflite")
    with pytest.raises(NotCompilableError, match="one input and one output"):
        bakenn.compile_model(model, bakenn.PORTABLE)


def test_a_broken_installation_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's last words are the reason; the rest of the table does not suffer."""
    (tmp_path / "bakenn.py").write_text("raise ImportError('flatbuffers is too old')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    with pytest.raises(NotCompilableError, match=r"^bakenn: ImportError: flatbuffers is too old$"):
        bakenn.compile_model(N1, bakenn.PORTABLE)


@pytest.mark.cross
@pytest.mark.qemu
@pytest.mark.oracle
def test_bakenn_has_rows_in_the_table(tmp_path: Path) -> None:
    require("bakenn")
    path = tmp_path / "n1.tflite"
    path.write_bytes(build_n1())
    result = run_tool("compare", str(path), "--board", "nrf52840", "--json", cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    engines = json.loads(result.stdout)["engines"]
    rows = {e["kernels"]: e for e in engines if e["engine"] == "bakenn"}
    assert set(rows) == {"portable C", "cmsis-nn"}
    for row in rows.values():
        assert row["runtime"] == f"bakenn-{bakenn.installed('cortex-m4f')[0].version}"
        assert row["run"]["n_different"] == 0
        assert row["run"]["basis"] == "emulated_instructions"


@pytest.mark.oracle
def test_its_refusal_is_a_row_with_its_own_words(tmp_path: Path) -> None:
    require("bakenn")
    require("hostcc")
    net = ModelBuilder(seed=2)
    path = tmp_path / "mean.tflite"
    x = net.conv_2d(net.input((1, 1, 16, 2)), 4, (1, 3))
    path.write_bytes(net.finish([net.mean(x, (1, 2))]))
    result = run_tool("compare", str(path), "--board", "host", cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "bakenn (portable C)  left out" in result.stdout
    assert "unsupported TFLite builtin operator code 40" in result.stdout
