"""A model that the kernels of the corstone300 image compute differently, as the README says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command_line import run_tool

MODEL = Path(__file__).resolve().parents[1] / "fixtures" / "ecg_stride2_odd_width.tflite"


@pytest.mark.cross
@pytest.mark.qemu
@pytest.mark.image
@pytest.mark.oracle
def test_verify_says_different_and_names_the_operator(tmp_path: Path) -> None:
    project = tmp_path / "project"
    built = run_tool("build", str(MODEL), "--board", "corstone300", "--out", str(project))
    assert built.exit_code == 0, built.stderr
    assert "warning: int8 convolution over a row with stride 2" in built.stdout
    result = run_tool("verify", str(project))
    assert result.exit_code == 1, result.stderr
    assert re.search(r"^DIFFERENT: \d+ of 32 vectors differ", result.stdout, re.MULTILINE)
    assert "first operator that differs: #6 CONV_2D" in result.stdout
