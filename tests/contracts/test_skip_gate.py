"""In CI a missing tool fails its test, and a skip that is not on the list fails the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import ALLOWED_SKIPS_FILE, NEEDS, allowed_skips, is_allowed_skip

ROOT = Path(__file__).resolve().parents[2]


def run_suite(folder: Path, body: str, *arguments: str, require: str) -> tuple[int, str]:
    """Run one test file under our hooks in a pytest of its own, with an empty PATH for tools."""
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    renode: r\n    qemu: q\n")
    (folder / "test_it.py").write_text(f"import pytest\n{body}\n")
    options = "-q -p no:cacheprovider -c pytest.ini ."
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PATH": str(folder),
            "TFLM_GEN_REQUIRE": require,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


PASSES = "def test_a(): pass"
NEEDS_RENODE = "@pytest.mark.renode\ndef test_a(): pass"
NEEDS_QEMU = "@pytest.mark.qemu\ndef test_a(): pass"
NEEDS_QEMU_INSIDE = (
    "from tests.support.requirements import require\ndef test_a():\n    require('qemu')"
)
OWN_SKIP = "def test_a():\n    pytest.skip('not today')"
MODULE_SKIP = "pytest.skip('not today', allow_module_level=True)"
EXPECTED_FAILURE = "@pytest.mark.xfail\ndef test_a():\n    assert 0"


@pytest.mark.parametrize(
    ("body", "require", "exit_code", "said"),
    [
        (PASSES, "qemu", 0, "1 passed"),
        (NEEDS_RENODE, "qemu", 0, "1 skipped"),
        (NEEDS_QEMU, "", 0, "1 skipped"),
        (NEEDS_QEMU_INSIDE, "", 0, "1 skipped"),
        (OWN_SKIP, "", 0, "1 skipped"),
        (NEEDS_QEMU, "qemu", 1, "needs qemu: not on PATH: qemu-system-arm"),
        (NEEDS_QEMU, "all", 1, "needs qemu: not on PATH: qemu-system-arm"),
        (NEEDS_RENODE, "all", 0, "1 skipped"),
        (NEEDS_QEMU_INSIDE, "qemu", 1, "needs qemu: not on PATH: qemu-system-arm"),
        (NEEDS_QEMU, "cross,renode", 1, "skips that CI does not allow"),
        (OWN_SKIP, "qemu", 1, "not today"),
        (PASSES + "\n" + OWN_SKIP.replace("test_a", "test_b"), "qemu", 1, "1 passed, 1 skipped"),
        (MODULE_SKIP, "qemu", 1, "not today"),
        (EXPECTED_FAILURE, "qemu", 1, "expected failure"),
        (PASSES, "qmeu", 4, "TFLM_GEN_REQUIRE names qmeu"),
    ],
)
def test_runs_end_as_they_should(
    tmp_path: Path, body: str, require: str, exit_code: int, said: str
) -> None:
    code, output = run_suite(tmp_path, body, require=require)
    assert said in output
    assert code == exit_code


def test_gate_works_across_processes(tmp_path: Path) -> None:
    code, output = run_suite(tmp_path, OWN_SKIP, "-n", "1", require="qemu")
    assert "not today" in output
    assert code == 1


def test_list_holds_only_what_ci_cannot_have() -> None:
    assert allowed_skips() == {"renode", "hardware", "network", "mitdb"}
    assert allowed_skips() <= set(NEEDS)
    assert ALLOWED_SKIPS_FILE.is_file()


@pytest.mark.parametrize(
    ("reason", "allowed"),
    [
        ("Skipped: needs renode: not on PATH: renode", True),
        ("Skipped: needs qemu: not on PATH: qemu-system-arm", False),
        ("Skipped: renode", False),
        ("", False),
    ],
)
def test_reasons_are_read(reason: str, *, allowed: bool) -> None:
    assert is_allowed_skip(reason, frozenset({"renode"})) is allowed


def test_every_need_has_a_marker(pytestconfig: pytest.Config) -> None:
    markers = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert set(NEEDS) <= markers
