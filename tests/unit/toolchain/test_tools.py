from __future__ import annotations

from pathlib import Path

import pytest

from tflm_gen.report.doctor_report import can_do_main_job, doctor_document, doctor_text
from tflm_gen.toolchain.tools import TOOLS, Finding, find_tools, install_lines


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def fake_program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_on_a_bare_machine_everything_required_is_named(bare: Path) -> None:
    findings = find_tools()
    assert not can_do_main_job(findings)
    apt, *rest = install_lines(findings, is_root=False)
    assert apt.startswith("sudo apt-get install -y ")
    for package in ("cmake", "ninja-build", "gcc-arm-none-eabi", "qemu-system-arm"):
        assert f" {package}" in apt
    assert "tflm-gen deps get corstone300-image" in rest
    assert install_lines(findings, is_root=True)[0].startswith("apt-get")


def test_a_program_tells_its_version(bare: Path) -> None:
    fake_program(bare, "cmake", "echo 'cmake version 9.9'; echo more")
    found = {finding.tool.name: finding for finding in find_tools()}
    assert found["cmake"].version == "cmake version 9.9"
    assert found["cmake"].place == str(bare / "cmake")


def test_a_program_that_fails_is_here_without_version(bare: Path) -> None:
    fake_program(bare, "ninja", "exit 3")
    found = {finding.tool.name: finding for finding in find_tools()}
    assert found["ninja"].version == "does not say its version"


def test_compiler_without_its_library_is_seen(bare: Path) -> None:
    # GCC prints the bare name for a file it does not have.
    fake_program(bare, "arm-none-eabi-g++", "echo libstdc++_nano.a")
    found = {finding.tool.name: finding for finding in find_tools()}
    assert found["arm-none-eabi-g++"].is_here
    assert not found["libstdc++_nano.a"].is_here


def test_everything_here_is_ready() -> None:
    findings = tuple(Finding(tool=tool, version="1", place="/x") for tool in TOOLS)
    assert can_do_main_job(findings)
    text = doctor_text(findings, is_root=False, python="3", tool="1")
    assert text.splitlines()[-1].startswith("ready:")
    document = doctor_document(findings, is_root=False, python="3", tool="1")
    assert document["schema"] == "tflm-gen/doctor/1"
    assert document["install"] == []


def test_a_missing_optional_tool_does_not_stop_the_main_job() -> None:
    findings = tuple(
        Finding(tool=tool, version="1" if tool.is_required else None, place=None) for tool in TOOLS
    )
    assert can_do_main_job(findings)
    assert "renode" in doctor_text(findings, is_root=True, python="3", tool="1")


def test_every_tool_says_what_it_is_for() -> None:
    assert all(tool.purpose and tool.package for tool in TOOLS)
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)
