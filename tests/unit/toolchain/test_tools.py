from __future__ import annotations

from pathlib import Path

import pytest

from tflm_gen.report.doctor_report import can_do_main_job, doctor_document, doctor_text
from tflm_gen.runner.flashers import discover
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


def finding_of(name: str) -> Finding:
    return next(found for found in find_tools() if found.tool.name == name)


def test_the_text_says_where_each_tool_is_and_how_to_get_the_others(bare: Path) -> None:
    fake_program(bare, "openocd", "echo 'Open On-Chip Debugger 0.12.0' >&2")
    text = doctor_text(find_tools(), is_root=False, python="3", tool="1")
    assert "Open On-Chip Debugger 0.12.0" in text
    assert f"\n  openocd: {bare / 'openocd'}\n" in text
    assert "\n  nrfjprog: get nRF Command Line Tools" in text
    assert "\n  cppcheck: sudo apt-get install -y cppcheck\n" in text


def test_a_package_of_another_python_is_found_by_its_program(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not finding_of("platformio").is_here
    fake_program(bare, "pio", "echo 'PlatformIO Core, version 6.2.0'")
    found = finding_of("platformio")
    assert found.version == "PlatformIO Core, version 6.2.0"
    assert found.place == str(bare / "pio")


def test_j_link_commander_is_not_started_since_it_would_wait_for_commands(bare: Path) -> None:
    fake_program(bare, "JLinkExe", f"echo started > {bare}/started")
    assert finding_of("J-Link").version == "does not say its version"
    assert not (bare / "started").exists()


def test_a_program_that_hangs_is_here_without_version(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_program(bare, "nrfjprog", "exec /bin/sleep 60")
    monkeypatch.setattr("tflm_gen.toolchain.tools._VERSION_TIMEOUT_S", 0.2)
    assert finding_of("nrfjprog").version == "does not say its version"


def test_every_flash_tool_is_listed() -> None:
    listed = {name for tool in TOOLS for name in (tool.name, *tool.programs)}
    programs = {"jlink": "JLinkExe", "pio": "pio"}
    for name in set(discover()) - {"uf2"}:
        assert programs.get(name, name) in listed


def test_every_tool_says_what_it_is_for() -> None:
    assert all(tool.purpose and tool.package for tool in TOOLS)
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)
