"""The quickstart script counts instructions, and every byte it compares is equal."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.cross
@pytest.mark.qemu
@pytest.mark.image
@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_quickstart_runs_and_verifies(tmp_path: Path) -> None:
    # A copy, so that a run leaves nothing in the checkout and cannot see its old outputs.
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".git", ".venv*", "out", "__pycache__", ".*_cache", "tests")
    shutil.copytree(ROOT, checkout, ignore=ignored)
    process = subprocess.run(
        ["bash", str(checkout / "examples" / "quickstart.sh")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    output = process.stdout
    equal = re.findall(r"^EQUAL: 32 vectors, all [\d,]+ output bytes equal$", output, re.MULTILINE)
    assert len(equal) == 2
    replayed = re.findall(r"^synthetic: .* bytes compared: all equal; ", output, re.MULTILINE)
    assert len(replayed) == 2
    assert "basis: emulated_instructions" in output
    for operator in ("CONV_2D", "FULLY_CONNECTED", "SOFTMAX"):
        assert re.search(rf"^ +\d+  {operator} +[\d,]+ +[\d.]+$", output, re.MULTILINE), operator
    assert (checkout / "out/quickstart/ecg-corstone300/out/tflm/firmware.elf").is_file()
    chip = checkout / "out/quickstart/ecg-nrf52840/out/compiled"
    for name in ("firmware.elf", "firmware.hex", "firmware.map"):
        assert (chip / name).is_file(), name
