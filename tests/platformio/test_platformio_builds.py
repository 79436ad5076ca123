"""PlatformIO builds, starts and tests generated projects, and touches no network."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

from tests.support.corstone_firmware import BUILD, build_project
from tests.support.host_firmware import wheel_library
from tests.support.platformio_projects import PioProject, write_pio_project
from tflm_gen.errors import NoDeviceError, ProjectModifiedError
from tflm_gen.runner.flashers import pio
from tflm_gen.runner.flashers._flasher import FlashRequest
from tflm_gen.tflm.image import IMAGE, find_image
from tflm_gen.toolchain.platformio import OWN_CORE_MARK

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


BUILD_TOOLS = ("python3", "cmake", "ninja", "env", "sh", "unshare")


def only_path(folder, *names):
    """A folder with links to the programs named, to be all of PATH."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    return str(folder)


def test_a_missing_compiler_is_one_line(nrf, tmp_path):
    path = only_path(tmp_path / "bin", *BUILD_TOOLS)
    result = nrf.pio("run", "-e", "nrf52840_local", PATH=path)
    assert result.returncode == 1
    assert "MissingHostToolError: arm-none-eabi-g++ is not on PATH" in result.stderr
    assert "Traceback" not in result.stderr


def defects_of(project, *arguments, **variables):
    """What ``pio check`` finds that is worse than a matter of style, and its exit code."""
    fails = ("--fail-on-defect=high", "--fail-on-defect=medium")
    result = project.pio("check", "--json-output", *fails, *arguments, **variables)
    reports = json.loads(result.stdout[result.stdout.index("[") :])
    found = [defect for report in reports for defect in report["defects"]]
    places = [os.path.relpath(defect["file"], project.root) for defect in found]
    return [
        (place, d["line"], d["id"]) for place, d in zip(places, found, strict=True)
    ], result.returncode


@pytest.mark.cppcheck
def test_pio_check_finds_nothing_in_our_sources(nrf):
    assert defects_of(nrf, "-e", "nrf52840_twin") == ([], 0)
    port = ("--src-filters", "+<port/nrf52/>")
    assert defects_of(nrf, "-e", "nrf52840_local", *port) == ([], 0)


@pytest.mark.cppcheck
@pytest.mark.image
def test_pio_check_finds_nothing_in_the_port_and_engine_of_corstone300(corstone):
    folders = ("--src-filters", "+<engine/> +<port/>")
    assert defects_of(corstone, "-e", "corstone300", *folders) == ([], 0)


PLANTED = {
    "common/src/paint.cc": "int Planted() { int* p = nullptr; return *p; }",
    "port/nrf52/console.cc": "int Planted(int n) { int a[4] = {0}; return a[n > 9 ? 7 : 4]; }",
    "engine/compiled/inference_compiled.cc": "int Planted() { int n; return n; }",
    "compiled/src/mean.c": "int planted(void) { int a[2] = {0}; a[2] = 1; return a[0]; }",
}


@pytest.mark.cppcheck
def test_pio_check_finds_a_defect_in_each_part_of_the_firmware(nrf, tmp_path):
    project = copy_of(nrf, tmp_path / "project")
    lines = {}
    for name, text in PLANTED.items():
        path = project.root / name
        before = path.read_text()
        path.write_text(f"{before}{text}\n")
        lines[name] = before.count("\n") + 1
    found, returncode = defects_of(project, "-e", "nrf52840_local")
    assert returncode == 1
    assert {(name, line) for name, line, _ in found} == set(lines.items())
    assert {rule for _, _, rule in found} == {
        "nullPointer",
        "arrayIndexOutOfBounds",
        "uninitvar",
    }


def test_pio_check_without_cppcheck_says_how_to_get_it(nrf, tmp_path):
    tools = ("gcc", "g++", "gcc-ar", "gcc-ranlib", "ar", "as", "ld", "nm", "objcopy", "size")
    cross = [f"arm-none-eabi-{tool}" for tool in tools]
    path = only_path(tmp_path / "bin", *BUILD_TOOLS, *cross)
    one = ("--src-filters", "+<common/src/paint.cc>")
    result = nrf.pio("check", "-e", "nrf52840_local", *one, PATH=path)
    assert result.returncode == 1
    assert "cppcheck is not on PATH (Debian: apt install cppcheck" in result.stdout


def flash_with_pio(project, cache, monkeypatch):
    """``tflm-gen flash --tool pio``, with tflm-gen's own core folder in a cache of the test."""
    monkeypatch.setenv("TFLM_GEN_CACHE", str(cache))
    request = FlashRequest(
        project=project.root, image=project.root / "unused.hex", target="nrf52840_local"
    )
    return pio.FLASHER.flash(request)


@pytest.mark.openocd
def test_an_upload_without_a_board_says_that_none_is_there(nrf, tmp_path, monkeypatch):
    assert nrf.pio("run", "-e", "nrf52840_local").returncode == 0
    with pytest.raises(NoDeviceError, match="No J-Link device found") as caught:
        flash_with_pio(nrf, tmp_path / "cache", monkeypatch)
    assert caught.value.exit_code == 3


def test_an_upload_of_what_was_not_built_is_refused(nrf, tmp_path, monkeypatch):
    project = copy_of(nrf, tmp_path / "project")
    with pytest.raises(ProjectModifiedError, match="has not built environment nrf52840_local"):
        flash_with_pio(project, tmp_path / "cache", monkeypatch)


def test_an_upload_without_a_command_is_no_success(nrf):
    assert nrf.pio("run", "-e", "nrf52840_twin").returncode == 0
    result = nrf.pio("run", "-e", "nrf52840_twin", "-t", "nobuild", "-t", "upload")
    assert result.returncode == 1
    assert "this board cannot be flashed: platformio.ini has no upload_command" in result.stderr


def test_tools_served_by_a_project_that_is_gone_are_served_by_the_next(nrf, tmp_path):
    first, second = (copy_of(nrf, tmp_path / name) for name in ("first", "second"))
    core = tmp_path / "core"
    core.mkdir()
    (core / OWN_CORE_MARK).touch()
    for project in (first, second):
        shared = PioProject(root=project.root, core=core, tflm={})
        listed = shared.pio("run", "-e", "nrf52840_twin", "--list-targets")
        assert listed.returncode == 0, listed.stdout + listed.stderr
        assert "emulate" in listed.stdout
        shutil.rmtree(project.root)


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
