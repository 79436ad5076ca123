from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.requirements import require
from tflm_gen import resources
from tflm_gen.project.context import ArenaConfigContext
from tflm_gen.project.render import (
    c_string,
    cmake_string,
    comment_text,
    make_environment,
    render,
)

TEMPLATES = resources.firmware_templates_dir() / "generated"
NASTY = 'a"b\\c??/d\n1\u00e9;${X}%s*/'


@given(st.text())
def test_c_string_gives_the_text_back(text: str) -> None:
    literal = c_string(text)
    assert literal.isascii()
    assert literal.isprintable()
    # C's octal escapes and those of a Python bytes literal are the same.
    assert ast.literal_eval("b" + literal) == text.encode("utf-8")


@given(st.text())
def test_comment_text_stays_in_its_comment(text: str) -> None:
    comment = comment_text(text)
    assert comment.isascii()
    assert "\n" not in comment
    assert "\\" not in comment


@pytest.mark.hostcc
def test_compiler_reads_the_same_string(tmp_path: Path) -> None:
    require("hostcc")
    source = tmp_path / "a.cc"
    source.write_text(
        f"#include <cstdio>\n// {comment_text(NASTY)}\n"
        f"int main() {{ std::fwrite({c_string(NASTY)}, 1, sizeof({c_string(NASTY)}) - 1, stdout); }}"
    )
    program = tmp_path / "a"
    subprocess.run(["g++", "-trigraphs", "-o", program, source], check=True)
    printed = subprocess.run([program], check=True, stdout=subprocess.PIPE).stdout
    assert printed == NASTY.encode()


@pytest.mark.cross
def test_cmake_reads_the_same_string(tmp_path: Path) -> None:
    script = tmp_path / "a.cmake"
    script.write_text(f'set(V {cmake_string(NASTY)})\nfile(WRITE {tmp_path}/out "${{V}}")\n')
    subprocess.run(["cmake", "-P", script], check=True)
    assert (tmp_path / "out").read_text() == NASTY


def test_a_missing_fact_is_an_error() -> None:
    template = make_environment(TEMPLATES).get_template("arena_config.h.j2")
    with pytest.raises(jinja2.UndefinedError, match="basis"):
        template.render(arena_bytes=16)


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.j2")), ids=lambda path: path.name)
def test_templates_are_short_and_know_no_board(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert text.startswith("{# Facts only")
    for name in ("corstone", "nrf", "host", "cmsis"):
        assert name not in text.lower()


def test_arena_config() -> None:
    context = ArenaConfigContext(
        arena_bytes=48, basis="x\ny", needed_bytes=16, search_floor_bytes=32
    )
    text = render("arena_config.h.j2", context).decode()
    assert "constexpr std::size_t kArenaBytes = 48;" in text
    assert "// Basis: x_y." in text
    assert "constexpr std::size_t kSearchFloorBytes = 32;" in text
    assert "constexpr std::size_t kArenaNeededBytes = 16;" in text
