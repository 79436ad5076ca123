"""Runs compilers and other tools of a test to their end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def run(*argv: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program; its output is text."""
    return subprocess.run(
        [str(argument) for argument in argv],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def check(*argv: str | Path, cwd: Path | None = None) -> str:
    """Run a program that must succeed; what it printed."""
    result = run(*argv, cwd=cwd)
    assert result.returncode == 0, f"{argv}: {result.stdout}\n{result.stderr}"
    return result.stdout
