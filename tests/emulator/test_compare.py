"""compare: one table, one basis, every engine that can be linked, the others with their reason."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.command_line import assert_refused, run_tool
from tests.support.device_projects import small_cnn
from tests.support.model_builder import ModelBuilder

pytestmark = [pytest.mark.cross, pytest.mark.qemu, pytest.mark.oracle]


def write_model(folder: Path) -> Path:
    path = folder / "small_cnn.tflite"
    path.write_bytes(small_cnn())
    return path


@pytest.mark.image
def test_both_engines_of_a_board_in_one_table(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    result = run_tool("compare", str(path), "--board", "corstone300", "--json", cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == "tflm-gen/compare/1"
    assert document["core"] == "cortex-m55"
    # Other people's compilers, if any is installed, come behind ours.
    tflm, compiled = document["engines"][:2]
    assert (tflm["engine"], compiled["engine"]) == ("tflm", "compiled")
    assert {engine["run"]["basis"] for engine in document["engines"]} == {"emulated_instructions"}
    assert {engine["run"]["device"] for engine in document["engines"]} == {"qemu"}
    assert (tflm["arena_basis"], compiled["arena_basis"]) == ("proven", "static")
    assert tflm["image_flash_bytes"] > 0
    assert compiled["image_flash_bytes"] == 0
    for engine in document["engines"]:
        assert engine["run"]["n_different"] == 0, engine
        assert engine["run"]["n_vectors"] == 32
        assert engine["run"]["count"] > 1000
        assert engine["build_s"] > 0
        assert engine["flash_bytes"] > 5000
    assert compiled["arena_bytes"] < tflm["arena_bytes"]
    assert not {"tflm", "compiled"} & {row["engine"] for row in document["left_out"]}
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_text_names_basis_and_what_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFLM_GEN_TFLM_DIR", raising=False)
    path = write_model(tmp_path)
    result = run_tool("compare", str(path), "--board", "nrf52840", "--vectors", "4", cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "small_cnn on nrf52840 (cortex-m4f)"
    assert lines[1].startswith("basis: emulated_instructions on qemu, reference tflite-micro")
    rows = [line for line in lines if re.match(r"  compiled +tflm-gen +[\d,]+ ", line)]
    assert len(rows) == 1
    assert "yes, 4 vectors" in rows[0]
    assert any(line.startswith("left out: engine tflm: no TFLM is configured") for line in lines)
    assert " ms" not in result.stdout


def test_no_engine_at_all_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFLM_GEN_TFLM_DIR", raising=False)
    net = ModelBuilder(seed=3, dtype="float32")
    path = tmp_path / "float.tflite"
    path.write_bytes(net.finish([net.softmax(net.input((1, 4), name="x"))]))
    result = run_tool("compare", str(path), "--board", "nrf52840", cwd=tmp_path)
    assert_refused(result, code="TG304", exit_code=3)
    assert "SOFTMAX" in result.stderr
