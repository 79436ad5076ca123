"""What is for Renode, on real firmware in QEMU: the Robot suites that ship, and ``--with renode``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.support import fake_renode, renode_keywords
from tests.support.command_line import run_tool
from tests.support.cortex_m4 import M4Project
from tests.support.device_processes import processes_with
from tests.support.device_projects import small_cnn, spoil_golden_output
from tflm_gen import resources
from tflm_gen.board_loader import load_board
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, build_project

pytestmark = [pytest.mark.cross, pytest.mark.qemu, pytest.mark.robot]

# The twin's clock is not the chip's.
TWIN_TIMER = "TIMER:source=cmsdk_timer0 hz=25000000"
CHIP_TESTS = {
    "Says Who It Is",
    "Counts Cycles",
    "Passes Its Self Test",
    "Stays Within Its Instruction Budget",
    "Reports A Fault",
}


def run_suite(board: str, suite: Path, folder: Path, *options: str) -> dict[str, tuple[str, str]]:
    """Status and message of every test of a suite."""
    machine = load_board(board).spec.emulator.qemu
    assert machine is not None
    output = folder / "output.xml"
    done = subprocess.run(
        [sys.executable, renode_keywords.__file__, str(suite), str(output), *options],
        env={
            **os.environ,
            "STAND_IN_MACHINE": machine.machine,
            "STAND_IN_ICOUNT_SHIFT": str(machine.icount_shift),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert output.is_file(), done.stderr
    found = {}
    for test in ET.parse(output).iter("test"):
        status = test.find("status")
        assert status is not None
        found[test.attrib["name"]] = (status.attrib["status"], status.text or "")
    return found


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The self-test image of the nRF52840's twin, which obeys injected faults."""
    root = tmp_path_factory.mktemp("suite") / "p"
    return M4Project(root=root, engine="none").write().build(is_twin=True)


def chip_suite(elf: Path, folder: Path, *options: str) -> dict[str, tuple[str, str]]:
    for name in ("nrf52840.robot", "nrf52840.repl"):
        shutil.copy(resources.renode_dir() / name, folder)
    variables = ("--variable", f"BIN:{elf}", "--variable", TWIN_TIMER)
    return run_suite("nrf52840", folder / "nrf52840.robot", folder, *variables, *options)


def test_every_test_passes_on_good_firmware(twin: Path, tmp_path: Path) -> None:
    found = chip_suite(twin, tmp_path)
    assert found == dict.fromkeys(CHIP_TESTS, ("PASS", ""))


def test_a_budget_that_is_too_small_fails(twin: Path, tmp_path: Path) -> None:
    found = chip_suite(twin, tmp_path, "--variable", "BUDGET:1", "--exclude", "fault")
    failed = {name: text for name, (status, text) in found.items() if status == "FAIL"}
    assert set(failed) == {"Stays Within Its Instruction Budget"}
    assert "<= 1' should be true" in failed["Stays Within Its Instruction Budget"]
    assert "Reports A Fault" not in found


def test_other_bytes_than_the_reference_s_fail(twin: Path, tmp_path: Path) -> None:
    spoiled = spoil_golden_output(twin, tmp_path / "spoiled.elf")
    found = chip_suite(spoiled, tmp_path, "--variable", "SECONDS:2")
    assert found["Says Who It Is"][0] == "PASS"
    assert found["Passes Its Self Test"][0] == "FAIL"


def test_firmware_that_is_missing_fails_every_test(tmp_path: Path) -> None:
    found = chip_suite(tmp_path / "none.elf", tmp_path)
    assert {status for status, _ in found.values()} == {"FAIL"}
    assert "There was an error executing command" in found["Says Who It Is"][1]


@pytest.mark.image
@pytest.mark.oracle
def test_a_project_s_own_suite_finds_its_firmware(cnn, tmp_path: Path) -> None:
    found = run_suite("corstone300", cnn.root / "renode" / "corstone300.robot", tmp_path)
    assert found == dict.fromkeys(
        {"Passes Its Self Test", "Stays Within Its Instruction Budget", "Reports A Fault"},
        ("PASS", ""),
    )


@pytest.mark.oracle
@pytest.mark.parametrize("verb", ["emulate", "verify", "bench"])
def test_verbs_run_through_the_monitor(
    verb: str, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool's own side of ``--with renode``: script, monitor, serial line, clock, verdict."""
    twin = compiled / "out" / "compiled-twin" / "firmware.elf"
    program = tmp_path / "renode"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake_renode.__file__}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_RENODE_QEMU", f"mps2-an386,7,{twin}")
    result = run_tool(verb, str(compiled), "--with", "renode", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["device"]["name"] == "renode"
    if verb == "verify":
        assert document["equal"] is True
    if verb == "bench":
        assert document["basis"] == "emulated_instructions"
    assert processes_with(str(twin)) == []


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model as C, for the nRF52840 and its twin."""
    model = parse_model(small_cnn(), "small.tflite")
    root = tmp_path_factory.mktemp("compiled") / "p"
    build_project(BuildRequest(model=model, board_id="nrf52840", out=root, engine="compiled"))
    return root
