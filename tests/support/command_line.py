"""Runs the command line as users do: another process, real files, real exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a finished command left."""

    exit_code: int
    stdout: str
    stderr: str


def run_python(*arguments: str, cwd: Path | None = None, timeout_s: float = 120) -> Result:
    """Run this Python with the checkout importable."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Result(exit_code=process.returncode, stdout=process.stdout, stderr=process.stderr)


def run_tool(*arguments: str, cwd: Path | None = None, timeout_s: float = 120) -> Result:
    """Run ``tflm-gen`` with these arguments."""
    return run_python("-m", "tflm_gen", *arguments, cwd=cwd, timeout_s=timeout_s)


def assert_refused(result: Result, *, code: str, exit_code: int = 2, is_json: bool = False) -> None:
    """One error line with the code, one hint, no traceback; with ``--json`` the same as JSON."""
    lines = result.stderr.splitlines()
    assert len(lines) == 2, result.stderr
    assert lines[0].startswith(f"error[{code}]: "), result.stderr
    assert lines[1].startswith("hint: "), result.stderr
    assert len(lines[0]) > len(f"error[{code}]: ") + 10
    assert result.exit_code == exit_code
    if not is_json:
        assert result.stdout == ""
        return
    assert json.loads(result.stdout) == {
        "schema": "tflm-gen/error/1",
        "code": code,
        "message": lines[0].removeprefix(f"error[{code}]: "),
        "hint": lines[1].removeprefix("hint: "),
        "exit_code": exit_code,
    }
