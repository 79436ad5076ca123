"""Every board file follows the schema, names its sources, and makes a whole project."""

from __future__ import annotations

import os
import re

import pytest

from tests.golden.golden_texts import UPDATE_VARIABLE
from tests.support.projects import spec_for
from tflm_gen import resources
from tflm_gen.board_loader import board_schema, list_board_ids, load_board
from tflm_gen.memory_plan import largest_arena_bytes
from tflm_gen.project.plan import plan_project
from tflm_gen.tflm.op_table import load_op_table

BOARDS = list_board_ids()
PLACE = r"(GitHub \S+/\S+: \S+ at [0-9a-f]{40}|(PyPI|Debian) \S+ \S+: \S+)$"


def test_the_first_boards_are_there() -> None:
    assert {"corstone300", "host", "nrf52840"} <= set(BOARDS)


def test_schema_file_is_fresh() -> None:
    path = resources.boards_dir() / "schema.json"
    if os.environ.get(UPDATE_VARIABLE) == "1":
        path.write_text(board_schema(), encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    assert text == board_schema(), f"to write it anew: {UPDATE_VARIABLE}=1 pytest {__name__}"


@pytest.mark.parametrize("board_id", BOARDS)
def test_sources_are_files_with_a_place(board_id: str) -> None:
    for source in load_board(board_id).spec.source:
        assert re.match(PLACE, source), source


@pytest.mark.parametrize("board_id", BOARDS)
def test_addresses_are_written_in_hexadecimal(board_id: str) -> None:
    text = load_board(board_id).file_bytes.decode()
    values = re.findall(r"^(?:origin|size_bytes|reserved_bytes) = (\S+)", text, re.M)
    assert all(value.startswith("0x") for value in values)


@pytest.mark.parametrize("board_id", BOARDS)
def test_a_port_exists_for_the_family(board_id: str) -> None:
    folder = resources.firmware_templates_dir() / "port" / load_board(board_id).spec.family
    assert folder.is_dir()


@pytest.mark.parametrize("board_id", BOARDS)
def test_project_of_every_board_is_whole(board_id: str) -> None:
    project = plan_project(spec_for(board_id), arena_bytes=8192, arena_basis="unproven")
    names = {str(path) for path in project.files}
    board = load_board(board_id).spec
    assert {
        "CMakeLists.txt",
        "README.md",
        "generated/app_config.h",
        "generated/arena_config.h",
        "generated/op_resolver.h",
        "generated/project.cmake",
        "generated/test_vector.cc",
        "generated/test_vector.h",
        "model/model.tflite",
        "model/model_data.cc",
        "model/model_data.h",
        "engine/tflm/inference_tflm.cc",
        "common/include/ecg/wire_records.def",
        f"tflm_api/{board.tflm.sources[0]}/ecg_tflm_api.h",
    } <= names
    assert not [name for name in names if name.endswith((".j2", ".py", ".clang-format"))]
    assert any(name.startswith(f"port/{board.family}/") for name in names)


@pytest.mark.parametrize("board_id", BOARDS)
def test_boards_name_tables_that_exist(board_id: str) -> None:
    for source in load_board(board_id).spec.tflm.sources:
        assert load_op_table(source).ops


@pytest.mark.parametrize("board_id", [b for b in BOARDS if not load_board(b).spec.is_host])
def test_there_is_room_for_an_arena(board_id: str) -> None:
    board = load_board(board_id)
    largest = largest_arena_bytes(board)
    region = board.spec.region_for("arena")
    assert region is not None
    assert largest is not None
    assert 16 * 1024 <= largest < region.size_bytes
    assert largest % 16 == 0


def test_boards_with_one_core_agree_on_its_clock_and_counter() -> None:
    by_memory: dict[tuple[object, ...], set[object]] = {}
    for board_id in BOARDS:
        spec = load_board(board_id).spec
        chip = (spec.family, *((r.name, r.origin, r.size_bytes) for r in spec.memory))
        by_memory.setdefault(chip, set()).add((spec.cpu.core, spec.cpu.cycle_counter))
    assert all(len(facts) == 1 for facts in by_memory.values())
