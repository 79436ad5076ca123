"""What ``--json`` prints is JSON, whatever a model computes; paths in the text can be pasted."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.support.zoo import ZOO
from tflm_gen.cli import run
from tflm_gen.cli.device_options import print_document


def test_numbers_that_json_lacks_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_document({"gap": math.nan, "values": [1.5, -math.inf, {"x": math.inf}], "n": 3})
    text = capsys.readouterr().out
    assert json.loads(text, parse_constant=pytest.fail) == {
        "gap": None,
        "values": [1.5, None, {"x": None}],
        "n": 3,
    }


def test_next_step_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.tflite").write_bytes(ZOO["cnn_1d"]())
    monkeypatch.chdir(tmp_path)
    options = ("--board", "esp32c3", "--no-build", "--out", "a folder")
    assert run(["build", "m.tflite", *options]) == 0
    assert "next: in 'a folder': idf.py" in capsys.readouterr().out
