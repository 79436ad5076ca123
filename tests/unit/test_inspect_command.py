"""``tflm-gen inspect`` as a user sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.support.model_builder import ModelBuilder
from tests.support.zoo import ZOO
from tflm_gen.cli import run
from tflm_gen.cli.inspect import command
from tflm_gen.errors import MalformedModelError
from tflm_gen.report.inspect_text import options_text, shape_text
from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.model.records import OptionValue


def model_file(folder: Path, name: str) -> Path:
    path = folder / f"{name}.tflite"
    path.write_bytes(ZOO[name]())
    return path


@pytest.mark.parametrize("name", ZOO)
def test_text_fits_into_a_hundred_columns(name: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(model_file(tmp_path, name))])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{name}: ")
    long = [line for line in result.output.splitlines() if len(line) > 100]
    assert long == []


def test_text_says_what_matters(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(model_file(tmp_path, "float_island"))])
    assert "float_island: mixed" in result.output
    assert "run in float: MUL, ADD, RSQRT" in result.output
    for part in ("weights", "structure", "names", "< 64 KB", "> 1 GB", "500 KB", "LiteRT"):
        assert part in result.output


def test_json_is_one_versioned_document(tmp_path: Path) -> None:
    path = model_file(tmp_path, "two_leads_two_outputs")
    result = CliRunner().invoke(command, [str(path), "--json"])
    document = json.loads(result.output)
    assert document["schema"] == "tflm-gen/inspect/1"
    assert document["precision"] == "int8"
    assert [entry["name"] for entry in document["outputs"]] == ["rhythm", "rate"]
    assert document["signatures"][0]["outputs"]["rate"] == document["outputs"][1]["tensor_index"]
    assert sum(document["layout"].values()) == document["file_bytes"] == path.stat().st_size
    assert len(document["tiers"]) == 6
    assert document["macs"] == sum(entry["macs"] or 0 for entry in document["operators"])


def test_a_number_that_json_has_not_is_refused_by_the_reader(tmp_path: Path) -> None:
    net = ModelBuilder()
    path = tmp_path / "nan.tflite"
    path.write_bytes(net.finish([net.softmax(net.input((1, 4)), beta=float("inf"))]))
    result = CliRunner().invoke(command, [str(path), "--json"])
    assert isinstance(result.exception, MalformedModelError)
    assert result.output == ""


def test_names_cannot_control_the_terminal(tmp_path: Path) -> None:
    net = ModelBuilder(description="d\x1b[2J")
    path = tmp_path / "evil.tflite"
    path.write_bytes(net.finish([net.softmax(net.input((1, 4), name="in\x1b[31m\n\r\x07put"))]))
    output = CliRunner().invoke(command, [str(path)]).output
    assert "in?[31m???put" in output
    assert "\x1b" not in output


def test_many_operators_are_cut_and_counted(tmp_path: Path) -> None:
    net = ModelBuilder()
    x = net.input((1, 4))
    for _ in range(75):
        x = net.activation(x, "TANH")
    path = tmp_path / "deep.tflite"
    path.write_bytes(net.finish([x]))
    output = CliRunner().invoke(command, [str(path)]).output
    assert "... and 15 more; --json lists all" in output
    assert "75 TANH v2" in output


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "TG101"), (b"PK\x03\x04", "TG102"), (b"\x08\0\0\0TFL3", "TG103")]
)
def test_bad_input_is_one_error_line_and_exit_2(
    data: bytes, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(data)
    assert run(["inspect", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    error, hint = captured.err.splitlines()
    assert error.startswith(f"error[{code}]: ")
    assert hint.startswith("hint: ")


def test_missing_file_and_folder_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "absent.tflite", tmp_path):
        assert run(["inspect", str(path)]) == 2
        assert capsys.readouterr().err.startswith("error[TG101]: ")


def test_table_aligns_and_cuts() -> None:
    columns = (Column(title="n", is_number=True), Column(title="name", max_width=5))
    lines = render_table(columns, [("1", "abcdefgh"), ("100", "x\ty")])
    assert lines == ["    n  name", "    1  abcd~", "  100  x?y"]
    assert render_table(columns, []) == ["  n  name"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ""),
        ({"stride_h": 1, "stride_w": 1, "padding": "SAME"}, "SAME"),
        (
            {
                "padding": "VALID",
                "stride_h": 1,
                "stride_w": 2,
                "dilation_h_factor": 1,
                "dilation_w_factor": 4,
                "fused_activation_function": "RELU",
            },
            "s1x2 d1x4 VALID RELU",
        ),
        ({"beta": 1.0}, ""),
        ({"beta": 2.0}, "beta=2"),
        ({"axis": 3, "fused_activation_function": "NONE"}, "axis=3"),
        ({"keep_dims": True}, "keep_dims=True"),
    ],
)
def test_options_text(options: dict[str, OptionValue], expected: str) -> None:
    assert options_text(options) == expected


def test_shape_text() -> None:
    assert shape_text((1, 360, 1)) == "1x360x1"
    assert shape_text(()) == "scalar"
    assert shape_text(None) == "-"
