"""Ctrl-C in the middle of a build: exit code 130, the old project untouched, nothing left over."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_line import ROOT

pytestmark = [pytest.mark.cross, pytest.mark.image, pytest.mark.oracle]

# Stands in for cmake: reports its version, but a build with it never ends. The mark comes late
# enough for the tool to have taken note of the program it started.
SLOW_CMAKE = """#!/bin/sh
if [ "$1" = --version ]; then exec {cmake} --version; fi
sleep 1
echo $$ > {mark}
exec sleep 120
"""


def test_interrupt_leaves_the_old_project(tmp_path: Path) -> None:
    old = tmp_path / "ecg-corstone300"
    old.mkdir()
    (old / "manifest.json").write_text('{"tool": {"name": "tflm-gen"}}')
    tools, mark = tmp_path / "bin", tmp_path / "started"
    tools.mkdir()
    (tmp_path / "tmp").mkdir()
    (tools / "cmake").write_text(SLOW_CMAKE.format(cmake=shutil.which("cmake"), mark=mark))
    (tools / "cmake").chmod(0o755)
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "tflm_gen", "build", "--example", "ecg"),
            *("--board", "corstone300", "--no-cache"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(tmp_path / "tmp"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while not (mark.is_file() and mark.read_text().strip()) and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=30)
    assert child.returncode == 130, stderr.decode()
    assert stderr.decode().strip() == "interrupted"
    assert [path.name for path in old.iterdir()] == ["manifest.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("bin", "ecg-corstone300", "started", "tmp"),
    ]
    assert list((tmp_path / "tmp").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
