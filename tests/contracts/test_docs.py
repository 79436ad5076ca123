"""Links in the documentation lead somewhere, and the commands it shows exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tflm_gen.cli import VERBS

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"\btflm-gen ((?:--debug )?[a-z]+)\b")
_SCRIPT = re.compile(r"(?:bash|python) ((?:examples|tests|benchmarks)/[\w/]+\.(?:sh|py))")


def pages(root: Path) -> list[Path]:
    found = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    found += [*(root / "examples").rglob("*.md"), *(root / "benchmarks").rglob("*.md")]
    return sorted(found)


def broken_references(root: Path) -> list[str]:
    """Relative links without a target, verbs that do not exist, scripts that are not there."""
    found = []
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        name = page.relative_to(root).as_posix()
        for target in _LINK.findall(text):
            path = target.split("#")[0]
            if path and "://" not in path and not (page.parent / path).exists():
                found.append(f"{name}: link to {target}")
        code = "\n".join(re.findall(r"`[^`]+`|```.*?```", text, re.DOTALL))
        for match in _COMMAND.findall(code):
            verb = match.removeprefix("--debug ")
            if verb not in VERBS:
                found.append(f"{name}: tflm-gen {verb}")
        found += [
            f"{name}: {script}" for script in _SCRIPT.findall(text) if not (root / script).is_file()
        ]
    return found


def test_references_lead_somewhere() -> None:
    assert broken_references(ROOT) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see [there](missing.md)", "README.md: link to missing.md"),
        ("run `tflm-gen biuld --board x`", "README.md: tflm-gen biuld"),
        ("```\ntflm-gen biuld\n```", "README.md: tflm-gen biuld"),
        ("bash examples/missing.sh", "README.md: examples/missing.sh"),
    ],
)
def test_broken_references_are_seen(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "README.md").write_text(text)
    assert broken_references(tmp_path) == [found]


@pytest.mark.parametrize("text", ["[web](https://example.org/x)", "`tflm-gen build`", "[a](#b)"])
def test_good_references_pass(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.md").write_text(text)
    assert broken_references(tmp_path) == []
