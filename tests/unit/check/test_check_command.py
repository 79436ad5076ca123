"""``tflm-gen check``: exit codes, text and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import ROOT, assert_refused, run_tool
from tests.support.zoo_features import FEATURES

FIXTURE = ROOT / "tests" / "fixtures" / "ecg_stride2_odd_width.tflite"
EXAMPLE = ROOT / "examples" / "ecg" / "ecg.tflite"


@pytest.fixture
def hybrid(tmp_path: Path) -> Path:
    path = tmp_path / "hybrid.tflite"
    path.write_bytes(FEATURES["hybrid_conv_2d"]())
    return path


def test_yes_is_exit_code_0() -> None:
    result = run_tool("check", str(EXAMPLE), "--board", "corstone300")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("YES: it runs on corstone300 with Arm's prebuilt TFLM image")
    assert result.stderr == ""


def test_no_is_exit_code_1_and_names_the_operator(hybrid: Path) -> None:
    result = run_tool("check", str(hybrid), "--board", "host")
    assert result.exit_code == 1
    assert result.stdout.startswith("NO: it does not run on host")
    assert "error [hybrid] hybrid: CONV_2D with float32, int8, float32 to float32" in result.stdout
    assert "where:  operator 0 CONV_2D" in result.stdout
    assert "remedy: " in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 200


def test_json_has_what_the_text_has(hybrid: Path) -> None:
    result = run_tool("check", str(hybrid), "--board", "host", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["schema"] == "tflm-gen/check/1"
    assert (document["verdict"], document["precision"]) == ("no", "hybrid")
    (error,) = [f for f in document["findings"] if f["severity"] == "error"]
    assert error["places"] == [
        {
            "subgraph_index": 0,
            "operator_index": 0,
            "op": "CONV_2D",
            "name": error["places"][0]["name"],
        }
    ]


def test_the_trap_of_the_fixture_is_warned_of_on_its_board_only() -> None:
    hit = run_tool("check", str(FIXTURE), "--board", "corstone300")
    assert hit.exit_code == 0
    assert "trap:conv-row-right-padding" in hit.stdout
    assert "operator 6 CONV_2D" in hit.stdout
    assert "bytes behind the input" in " ".join(hit.stdout.split())
    assert "trap:conv-row" not in run_tool("check", str(FIXTURE), "--board", "host").stdout


def test_wrong_use() -> None:
    assert_refused(run_tool("check", str(EXAMPLE)), code="TG504")
    assert_refused(run_tool("check", str(EXAMPLE), "--board", "hots"), code="TG201")
    assert_refused(run_tool("check", "absent.tflite", "--board", "host"), code="TG101")


def test_build_stops_at_an_error_and_writes_nothing(hybrid: Path, tmp_path: Path) -> None:
    out = tmp_path / "project"
    result = run_tool(
        "build", str(hybrid), "--board", "corstone300", "--engine", "tflm", "--out", str(out)
    )
    assert_refused(result, code="TG107", exit_code=1)
    assert "operator 0 (CONV_2D)" in result.stderr
    assert not out.exists()


def test_what_a_build_repairs_is_said(tmp_path: Path) -> None:
    path = tmp_path / "many.tflite"
    path.write_bytes(FEATURES["concatenation_3_12_int8"]())
    result = run_tool("check", str(path), "--board", "host", cwd=tmp_path)
    assert result.exit_code == 1
    assert "too-many-inputs" in result.stdout
    assert "tflm-gen build cleans the model first: it then runs" in result.stdout
