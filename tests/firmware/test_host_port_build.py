"""Building firmware for this machine, by hand and with the tool."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import run_tool
from tests.support.host_firmware import (
    LARGE_ARENA_BYTES,
    HostFirmware,
    build_host_firmware,
    check,
    configure,
    host_spec,
    run,
    wheel_library,
    write_host_project,
)
from tests.support.zoo import ZOO

pytestmark = [pytest.mark.hostcc, pytest.mark.oracle]


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> HostFirmware:
    return build_host_firmware(ZOO["mlp"](), tmp_path_factory.mktemp("plain"), name="mlp")


def test_program_and_library_can_be_moved_together(firmware: HostFirmware, tmp_path: Path) -> None:
    alone = Path(shutil.copy2(firmware.elf, tmp_path))
    result = run(alone)
    assert result.returncode == 127
    assert "tflm_wheel.so" in result.stderr
    shutil.copy2(firmware.elf.parent / "tflm_wheel.so", tmp_path)
    assert " READY status=0 " in check(alone)


def test_program_needs_no_python(firmware: HostFirmware) -> None:
    dynamic = check("readelf", "--dynamic", firmware.elf)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert "tflm_wheel.so" in needed
    assert not [name for name in needed if "python" in name]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("unbuilt")
    write_host_project(host_spec(ZOO["mlp"](), "mlp"), root, LARGE_ARENA_BYTES)
    return root


def test_build_without_the_wheel_says_how_to_get_it(project: Path) -> None:
    result = configure(project)
    assert result.returncode != 0
    words = " ".join(result.stderr.split())
    assert "pip install tflite-micro==0.dev20261023182759" in words


def test_build_refuses_another_version_of_the_wheel(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "_runtime.so"
    other.write_bytes(wheel_library().read_bytes() + b"\0")
    result = configure(project, f"-DTFLM_WHEEL_SO={other}")
    assert result.returncode != 0
    assert "-DTFLM_WHEEL_UNCHECKED=ON" in " ".join(result.stderr.split())
    accepted = configure(project, f"-DTFLM_WHEEL_SO={other}", "-DTFLM_WHEEL_UNCHECKED=ON")
    assert accepted.returncode == 0, accepted.stderr


def test_build_refuses_a_library_without_python_symbols(project: Path) -> None:
    libm = check("g++", "-print-file-name=libm.so.6").strip()
    result = configure(project, f"-DTFLM_WHEEL_SO={libm}", "-DTFLM_WHEEL_UNCHECKED=ON")
    assert result.returncode != 0
    assert "not the wheel's _runtime.so" in " ".join(result.stderr.split())


def tool(*arguments: str) -> str:
    result = run_tool(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_tool_builds_proves_and_times_it(tmp_path: Path) -> None:
    root = str(tmp_path / "ecg")
    tool("build", "--example", "ecg", "--board", "host", "--out", root)
    manifest = json.loads((tmp_path / "ecg" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["arena"]["basis"] == "proven"
    assert manifest["arena"]["ran_at"] - manifest["arena"]["failed_at"] == 16
    assert "equal" in tool("verify", root).lower()
    bench = json.loads(tool("bench", root, "--json"))
    assert bench["basis"] == "host_wall_clock"
    assert "passed" in tool("emulate", root)
