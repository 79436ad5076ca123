"""build, boards, deps and doctor as users call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import assert_refused, run_tool
from tflm_gen.examples import example_model


@pytest.mark.cross
@pytest.mark.qemu
@pytest.mark.image
@pytest.mark.oracle
def test_build_says_what_was_linked_and_what_is_next(tmp_path: Path) -> None:
    result = run_tool("build", "--example", "ecg", "--board", "corstone300", cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    *_, linked, not_linked, firmware, following = result.stdout.splitlines()
    assert linked.startswith("linked: engine tflm: TFLM (")
    assert "cmsis-nn" in linked
    assert not_linked.startswith("not linked: engine compiled: ")
    assert firmware == (
        "firmware: ecg-corstone300/out/tflm/firmware.elf, ecg-corstone300/out/tflm/firmware.hex"
    )
    assert following == "next: tflm-gen verify ecg-corstone300"
    assert "proven: ran at" in result.stdout
    assert "Arm's prebuilt image" in result.stdout
    assert result.stderr == ""
    assert (tmp_path / "ecg-corstone300/out/tflm/firmware.elf").is_file()


@pytest.mark.oracle
def test_build_without_a_source_writes_the_project_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFLM_GEN_TFLM_DIR", raising=False)
    build = ("build", "--example", "ecg", "--board", "nrf52840", "--kernels", "cmsis-nn")
    result = run_tool(*build, "--json", cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == "tflm-gen/build/1"
    assert document["is_linked"] is False
    assert document["manifest"]["linked"] is None
    assert document["manifest"]["arena"]["basis"] == "modelled"
    assert "tflm-gen deps get tflm" in document["next"]
    manifest = json.loads((tmp_path / "ecg-nrf52840/manifest.json").read_text())
    assert manifest == document["manifest"]


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        (("boards", "list"), "tflm-gen/boards-list/1"),
        (("boards", "show", "nrf52840"), "tflm-gen/boards-show/1"),
        (("deps", "list"), "tflm-gen/deps/1"),
        (("doctor",), "tflm-gen/doctor/1"),
    ],
)
def test_json_is_one_document_with_a_schema(arguments: tuple[str, ...], schema: str) -> None:
    document = json.loads(run_tool(*arguments, "--json").stdout)
    assert document["schema"] == schema


@pytest.mark.oracle
def test_boards_fit_answers_for_every_board_but_the_host() -> None:
    model = str(example_model("ecg"))
    document = json.loads(run_tool("boards", "fit", model, "--json").stdout)
    assert {entry["id"] for entry in document["boards"]} >= {"corstone300", "nrf52840"}
    assert "host" not in {entry["id"] for entry in document["boards"]}
    assert all(entry["fits"] for entry in document["boards"])
    image = next(entry for entry in document["boards"] if entry["id"] == "corstone300")
    assert image["arena_basis"].startswith("modelled: computed with table corstone300_image")


def test_boards_show_prints_tier_and_sources() -> None:
    text = run_tool("boards", "show", "corstone300").stdout
    assert "ran in emulator" in text
    assert "hw/arm/mps2-tz.c" in text
    assert_refused(run_tool("boards", "show", "corstone"), code="TG201")


def test_boards_list_has_a_line_a_board() -> None:
    lines = run_tool("boards", "list").stdout.splitlines()
    folder = Path(__file__).resolve().parents[2] / "boards"
    boards = sorted(path.stem for path in folder.glob("*.toml"))
    assert [line.split()[0] for line in lines[1 : 1 + len(boards)]] == boards


def test_deps_get_of_an_unknown_part() -> None:
    assert_refused(run_tool("deps", "get", "corstone"), code="TG504")


def test_deps_get_offline_ends_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert_refused(run_tool("deps", "get", "corstone300-image"), code="TG302", exit_code=3)


def test_doctor_ends_with_3_on_a_bare_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    result = run_tool("doctor")
    assert result.exit_code == 3
    assert "apt-get install -y" in result.stdout
    assert "deps get corstone300-image" in result.stdout
