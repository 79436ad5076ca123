"""``inspect --svg`` draws the arena into a file, or says why not and leaves nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from tests.support.command_line import assert_refused, run_tool

MODEL = Path(__file__).resolve().parents[2] / "fixtures" / "synthetic_ecg" / "ecg.tflite"


def test_the_picture_is_svg_and_replaces_an_older_one(tmp_path: Path) -> None:
    out = tmp_path / "arena.svg"
    out.write_text("older")
    result = run_tool("inspect", str(MODEL), "--svg", str(out))
    assert result.exit_code == 0, result.stderr
    assert ET.fromstring(out.read_text(encoding="utf-8")).tag.endswith("svg")
    assert list(tmp_path.iterdir()) == [out]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    for out in (tmp_path / "missing" / "arena.svg", tmp_path):
        result = run_tool("inspect", str(MODEL), "--svg", str(out))
        assert_refused(result, code="TG501" if out != tmp_path else "TG504")
    assert not list(tmp_path.iterdir())
