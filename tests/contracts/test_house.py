"""Sizes, docstrings and words: the house rules that numbers and patterns can check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.source_rules import (
    cpp_violations,
    docstring_violations,
    size_violations,
    text_violations,
)

ROOT = Path(__file__).resolve().parents[2]
PYTHON_TREES = ("tflm_gen", "tests", "examples", "benchmarks")
TEXT_TREES = (*PYTHON_TREES, "boards", "firmware_templates", "renode", "docs", "scripts", ".ci")
FIRMWARE_TREES = ("common", "engine", "port", "tflm_api")


def pattern(*pieces: str) -> re.Pattern[str]:
    """A pattern in pieces, so that this file does not match itself."""
    return re.compile("".join(pieces), re.IGNORECASE)


FORBIDDEN = {
    "path of one machine": pattern(r"(?<![\w.])/(wo", r"rk|roo", r"t|tm", r"p/w)\b/?"),
    "registry host": pattern(
        r"py", r"pi\.org|pythonho", r"sted\.org|crates", r"\.io|npm", r"js\.(org|com)"
        r"|proxy\.gol", r"ang|deb\.deb", r"ian\.org",
    ),
    "unfinished work": pattern(r"\b(TO", r"DO|FIX", r"ME|X", r"XX|HA", r"CK)\b"),
    "process of making": pattern(r"\bissues? #?", r"\d+\b|\bpull request #?", r"\d"),
}  # fmt: skip


def project_text_files() -> list[Path]:
    skipped = {"__pycache__", ".pytest_cache", "fixtures"}
    files = [p for p in ROOT.iterdir() if p.is_file()]
    for tree in TEXT_TREES:
        files += [p for p in (ROOT / tree).rglob("*") if p.is_file()]
    return sorted(p for p in files if not skipped & set(p.parts))


def firmware_files() -> list[Path]:
    templates = ROOT / "firmware_templates"
    files = [p for tree in FIRMWARE_TREES for p in (templates / tree).rglob("*")]
    return sorted(p for p in files if p.suffix in {".h", ".cc", ".def"})


@pytest.mark.parametrize("tree", PYTHON_TREES)
def test_functions_and_modules_are_short(tree: str) -> None:
    assert size_violations(ROOT / tree) == []


def test_everything_public_is_documented() -> None:
    assert docstring_violations(ROOT / "tflm_gen") == []


def test_no_forbidden_words() -> None:
    assert text_violations(project_text_files(), FORBIDDEN) == []


def test_firmware_uses_no_heap_exceptions_or_streams() -> None:
    files = firmware_files()
    assert files
    assert cpp_violations(files) == []


def test_size_rule_bites(tmp_path: Path) -> None:
    long_function = "def f():\n" + "    x = 1\n" * 59
    (tmp_path / "a.py").write_text(long_function)
    (tmp_path / "b.py").write_text("x = 1\n" * 400)
    (tmp_path / "pipeline.py").write_text("x = 1\n" * 200)
    (tmp_path / "fits.py").write_text("def f():\n" + "    x = 1\n" * 58)
    found = size_violations(tmp_path)
    assert [line.split(":")[0].rsplit("/", 1)[-1] for line in found] == [
        "a.py",
        "b.py",
        "pipeline.py",
    ]


def test_docstring_rule_bites(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""A."""\nclass C:\n    """C."""\n    def f(self): ...\n')
    (tmp_path / "b.py").write_text('"""B."""\ndef _private(): ...\n')
    found = docstring_violations(tmp_path)
    assert len(found) == 1
    assert "f has no docstring" in found[0]


@pytest.mark.parametrize(
    "line",
    [
        "cd /wo" + "rk/main",
        "index = 'https://py" + "pi.org/simple'",
        "# TO" + "DO later",
        "see issue #" + "12",
        "PATH=/roo" + "t/bin",
    ],
)
def test_word_rule_bites(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"fine\n{line}\n")
    assert len(text_violations([path], FORBIDDEN)) == 1


@pytest.mark.parametrize("line", ["esp-nn#34", "the root folder", "/homework", "network/rooted"])
def test_word_rule_lets_ordinary_words_pass(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(line)
    assert text_violations([path], FORBIDDEN) == []


@pytest.mark.parametrize(
    ("text", "n_found"),
    [
        ("char* p = new char[4];", 1),
        ("std::vector<int> v;", 1),
        ("void* p = malloc(4);", 1),
        ("#include <iostream>", 1),
        ("auto* p = new (storage) Interpreter(model);", 0),
        ("// a new char[4] would be wrong", 0),
        ('Print("throw");', 0),
    ],
)
def test_firmware_rule_bites(tmp_path: Path, text: str, n_found: int) -> None:
    path = tmp_path / "a.cc"
    path.write_text(text + "\n")
    assert len(cpp_violations([path])) == n_found
