"""PlatformIO builds, starts and tests generated projects, and touches no network."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.support.corstone_firmware import BUILD, build_project
from tests.support.host_firmware import wheel_library
from tests.support.platformio_projects import PioProject, write_pio_project
from tflm_gen.tflm.image import IMAGE, find_image

pytestmark = [pytest.mark.platformio, pytest.mark.cross, pytest.mark.qemu, pytest.mark.oracle]


@pytest.fixture(scope="module")
def nrf(tmp_path_factory):
    """The twin of the nRF52840, and the nRF52840 itself with the compiler of this machine."""
    return write_pio_project("nrf52840", "compiled", tmp_path_factory.mktemp("nrf") / "project")


@pytest.fixture(scope="module")
def corstone(tmp_path_factory):
    image = find_image(IMAGE)
    assert image is not None
    root = tmp_path_factory.mktemp("corstone") / "project"
    return write_pio_project("corstone300", "tflm", root, {"TFLM_IMAGE": str(image)})


def test_both_environments_build_and_report_their_sizes(nrf):
    result = nrf.pio("run", "-e", "nrf52840_local", "-e", "nrf52840_twin")
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(re.findall(r"RAM:.*used \d+ bytes from 262144 bytes", result.stdout)) == 2
    for name in ("nrf52840_local", "nrf52840_twin"):
        assert (nrf.root / ".pio/build" / name / "firmware.hex").is_file()


def test_the_twin_starts_in_qemu_and_passes_its_own_test(nrf):
    result = nrf.pio("run", "-e", "nrf52840_twin", "-t", "emulate")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SELFTEST" in result.stdout
    assert "emulate: ok" in result.stdout


def test_pio_test_counts_what_the_firmware_says(nrf):
    report = nrf.root / "report.json"
    result = nrf.pio(
        *("test", "--without-uploading", "-e", "nrf52840_twin"),
        *("--json-output-path", str(report)),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    suites = json.loads(report.read_text())["test_suites"]
    (suite,) = (each for each in suites if each["env_name"] == "nrf52840_twin")
    assert {case["name"]: case["status"] for case in suite["test_cases"]} == {
        "start_up": "PASSED",
        "golden_vector": "PASSED",
    }


def copy_of(project, root):
    """The sources of a project in another folder."""
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns(".pio"))
    return PioProject(root=root, core=project.core, tflm=project.tflm)


def test_pio_test_fails_with_the_byte_that_differs(nrf, tmp_path):
    project = copy_of(nrf, tmp_path / "project")
    vector = project.root / "generated" / "test_vector.cc"
    before = vector.read_text()
    spoiled = re.sub(r"(kOutput0\[\] = \{\s*)0x..", r"\g<1>0x55", before)
    assert spoiled != before
    vector.write_text(spoiled)
    result = project.pio("test", "--without-uploading", "-e", "nrf52840_twin")
    assert result.returncode == 1
    assert "first difference at byte 0" in result.stdout


def test_too_much_ram_is_an_error_and_not_a_warning(nrf, tmp_path):
    project = copy_of(nrf, tmp_path / "project")
    board = project.root / "boards" / "nrf52840_local.json"
    described = json.loads(board.read_text())
    described["upload"]["maximum_ram_size"] = 1024
    board.write_text(json.dumps(described))
    result = project.pio("run", "-e", "nrf52840_local")
    assert result.returncode == 1
    assert "bytes of RAM; the board has 1024" in result.stdout + result.stderr


def test_a_missing_compiler_is_one_line(nrf, tmp_path):
    empty = tmp_path / "bin"
    empty.mkdir()
    for name in ("python3", "cmake", "ninja", "env", "sh", "unshare"):
        found = shutil.which(name)
        if found:
            (empty / name).symlink_to(found)
    result = nrf.pio("run", "-e", "nrf52840_local", PATH=str(empty))
    assert result.returncode == 1
    assert "MissingHostToolError: arm-none-eabi-g++ is not on PATH" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.image
def test_it_makes_the_same_firmware_as_cmake(corstone):
    result = corstone.pio("run", "-e", "corstone300")
    assert result.returncode == 0, result.stdout + result.stderr
    build_project(corstone.root, IMAGE)
    by_cmake = (corstone.root / BUILD).parent / "firmware.hex"
    by_pio = corstone.root / ".pio/build/corstone300/firmware.hex"
    assert by_pio.read_bytes() == by_cmake.read_bytes()


@pytest.mark.image
def test_a_model_runs_in_qemu(corstone):
    result = corstone.pio("test", "--without-uploading", "-e", "corstone300")
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"golden_vector\s+\[PASSED\]", result.stdout)


@pytest.mark.image
def test_cmake_s_refusal_is_passed_on(corstone):
    result = corstone.pio("run", "-e", "corstone300", TFLM_IMAGE="/nowhere.axf")
    assert result.returncode != 0
    assert "Error: CMake says:" in result.stderr
    assert "/nowhere.axf" in result.stderr


@pytest.mark.parametrize("name", ["nrf", "corstone"])
def test_no_run_looked_up_a_name_or_opened_a_connection(name, request):
    """After all runs above; alone, it makes one first."""
    if name == "corstone":
        from tests.support.requirements import require

        require("image")
    project = request.getfixturevalue(name)
    assert project.pio("project", "config").returncode == 0
    assert not project.socket_log.exists(), project.socket_log.read_text()


def test_the_socket_watch_can_see_something(nrf, tmp_path):
    watched = PioProject(root=nrf.root, core=tmp_path / "core", tflm={})
    watched.core.mkdir()
    watched.pio("system", "info", PLATFORMIO_SETTING_ENABLE_TELEMETRY="Yes")
    assert watched.socket_log.is_file()


@pytest.mark.hostcc
def test_the_firmware_of_this_machine_starts(tmp_path):

    project = write_pio_project(
        "host", "tflm", tmp_path / "project", {"TFLM_WHEEL_SO": str(wheel_library())}
    )
    result = project.pio("run", "-e", "host", "-t", "emulate")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "emulate: ok" in result.stdout
