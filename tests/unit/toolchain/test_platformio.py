"""How PlatformIO is run and how its failures are told, without PlatformIO."""

from __future__ import annotations

import configparser
import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from tests.support.corstone_firmware import image_spec
from tests.support.device_projects import small_cnn
from tflm_gen.board_loader import list_board_ids, load_board
from tflm_gen.errors import BuildFailedError, DownloadError
from tflm_gen.project.kinds import choose_kind, discover
from tflm_gen.project.kinds.platformio import LOCAL_PLATFORM, emulator_command, environments
from tflm_gen.project.plan import plan_project
from tflm_gen.project.writer import write_files
from tflm_gen.runner.emulators.qemu import command as qemu_command
from tflm_gen.toolchain.platformio import check_run, quiet_environment, run_command
from tflm_gen.toolchain.project_kind import local_environments

pytestmark = pytest.mark.oracle


def spec_for(board: str):
    return replace(image_spec(small_cnn(), "small"), board=load_board(board))


def files_for(board: str):
    spec = spec_for(board)
    files = plan_project(spec, arena_bytes=4096, arena_basis="a test").files
    return discover()["platformio"].plan(spec, files)


def ini_of(board: str) -> configparser.ConfigParser:
    ini = configparser.ConfigParser(interpolation=None)
    ini.read_string(files_for(board)[PurePosixPath("platformio.ini")].decode())
    return ini


def test_a_board_of_the_registry_has_three_environments():
    assert [env.name for env in environments(spec_for("nrf52840"))] == [
        "nrf52840_dk",
        "nrf52840_local",
        "nrf52840_twin",
    ]
    assert [env.name for env in environments(spec_for("corstone300"))] == ["corstone300"]


def test_the_registry_environment_is_pinned():
    section = ini_of("nrf52840")["env:nrf52840_dk"]
    assert section["platform"] == "nordicnrf52@10.11.0"
    assert "toolchain-gccarmnoneeabi@~1.120301.0" in section["platform_packages"]


@pytest.mark.parametrize("board", ["nrf52840", "corstone300", "host"])
def test_paths_cannot_lead_into_another_project(board):
    ini = ini_of(board)
    assert ini["platformio"]["platforms_dir"] == "${PROJECT_DIR}/.pio/platforms"
    for section in ini.sections():
        platform = ini[section].get("platform", LOCAL_PLATFORM)
        assert "@" in platform or platform == "symlink://${PROJECT_DIR}/platform"


@pytest.mark.parametrize("board", ["nrf52840", "corstone300", "host"])
def test_each_local_environment_has_its_board_file(board, tmp_path):
    write_files(tmp_path, files_for(board))
    for name in local_environments(tmp_path):
        ini = ini_of(board)
        described = json.loads(
            (tmp_path / "boards" / f"{ini[f'env:{name}']['board']}.json").read_text()
        )
        assert described["platforms"] == ["tflmgen"]
        assert described["upload"]["maximum_ram_size"] > 0


def test_the_emulator_is_started_as_the_runner_does():
    ours = emulator_command(machine="mps2-an386", icount_shift=7)
    theirs = qemu_command(
        machine="mps2-an386", icount_shift=7, elf_path=Path("x.elf"), serial="fd=5"
    )
    assert ours[: ours.index("-serial")] == theirs[: theirs.index("-chardev")]


def test_argv_and_environment_are_exact(tmp_path):
    line = run_command(("pio",), tmp_path, environment="x", variables={"A": "1"})
    assert line.argv == ("pio", "run", "--project-dir", str(tmp_path), "--environment", "x")
    assert line.cwd == tmp_path
    assert dict(line.env) == {"A": "1"}
    quiet = quiet_environment(tmp_path)
    assert quiet["PLATFORMIO_SETTING_ENABLE_TELEMETRY"] == "No"
    assert quiet["PLATFORMIO_DISABLE_UPGRADE_CHECK"] == "true"
    assert quiet["PLATFORMIO_CORE_DIR"] == str(tmp_path)


def test_an_unreachable_registry_is_explained():
    text = "Platform Manager: Installing nordicnrf52 @ 10.11.0\nHTTPClientError: \n"
    with pytest.raises(
        DownloadError, match="needs package nordicnrf52 from its registry"
    ) as caught:
        check_run(1, text, "nrf52840_dk")
    assert caught.value.exit_code == 3
    assert "_local" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Error: the firmware takes 9 bytes of RAM; the board has 1\n", "takes 9 bytes of RAM"),
        ("x\nMissingHostToolError: arm-none-eabi-g++ is not on PATH\n", "is not on PATH"),
        ("a.cc:3:1: error: expected ';'\n*** [a.o] Error 1\n", "expected ';'"),
    ],
)
def test_other_failures_keep_the_telling_line(text, words):
    with pytest.raises(BuildFailedError) as caught:
        check_run(1, text, "x")
    assert words in caught.value.message
    check_run(0, text, "x")


@pytest.mark.parametrize("board", list_board_ids())
def test_every_board_has_a_kind(board):
    kind = choose_kind(load_board(board), "auto")
    assert kind.name == ("esp-idf" if board.startswith("esp32") else "cmake")
    assert kind.suits(load_board(board).spec)
