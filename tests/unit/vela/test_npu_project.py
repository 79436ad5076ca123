"""Options, boards and choices of a project for an Ethos-U, and what is refused."""

from __future__ import annotations

import configparser
import itertools
from dataclasses import replace
from importlib.metadata import files
from pathlib import Path

import pytest

from tests.support.model_builder import ModelBuilder
from tflm_gen import resources
from tflm_gen.board_loader import load_board
from tflm_gen.errors import UnsupportedChoiceError, UnsupportedModelError, UsageError
from tflm_gen.model.reader import parse_model, read_model
from tflm_gen.project.npu import DRAM_REGION, NpuPlan, npu_board, npu_defines, npu_settings
from tflm_gen.tflm.choice import choose_engine
from tflm_gen.vela.compiler import CONFIGS
from tflm_gen.vela.project import kernels_for, plan_npu_project

PLAN = NpuPlan(
    configuration="ethos-u65-256",
    memory_mode="Dedicated_Sram",
    arena_region="dram",
    fast_memory_bytes=393_216,
    compiler="ethos-u-vela 5.2.0",
    model_name="m",
    model_sha256="0" * 64,
    n_operators=3,
    n_npu_operators=3,
    n_npu_blocks=1,
    cpu_operators=(),
    cycles_total=10,
    clock_hz=1e9,
    sram_bytes=1,
    off_sram_bytes=2,
    macs=3,
    verdict="all 3 operators run on the NPU",
)


def ecg():
    return read_model(resources.examples_dir() / "ecg" / "ecg.tflite")


def npu_choice(board: str = "corstone300"):
    choice = choose_engine(load_board("corstone300"), engine="auto", kernels="ethos-u")
    return load_board(board), choice


def test_naming_an_npu_is_choosing_its_kernels():
    assert kernels_for("auto", "ethos-u55-128") == "ethos-u"
    assert kernels_for("ethos-u", None) == "ethos-u"
    assert kernels_for("auto", None) == "auto"
    with pytest.raises(UsageError, match="exclude each other"):
        kernels_for("cmsis-nn", "ethos-u55-128")


def test_dedicated_sram_moves_the_arena_to_ddr_and_keeps_fast_memory():
    board = npu_board(load_board("corstone300"), PLAN)
    arena = board.spec.region_for("arena")
    assert arena is not None
    assert (arena.name, arena.origin) == (DRAM_REGION, 0x7200_0000)
    (sram,) = (region for region in board.spec.memory if region.name == "SRAM")
    assert sram.holds == ()
    assert sram.reserved_bytes == 393_216
    assert dict(npu_settings(board, PLAN)) == {
        "ECG_NPU": "ethos-u65-256",
        "ECG_ARENA_ORIGIN": "0x72000000",
        "ECG_ARENA_REGION_BYTES": str(16 * 1024 * 1024),
    }
    assert list(npu_defines(PLAN)) == ["ECG_NPU_FAST_BYTES=393216"]


def test_shared_sram_leaves_the_board_alone():
    board = load_board("corstone300")
    assert npu_board(board, replace(PLAN, arena_region="sram")) is board


def test_a_project_for_the_cpu_is_told_nothing_of_an_npu():
    assert list(npu_settings(load_board("corstone300"), None)) == []
    assert list(npu_defines(None)) == []


def test_regions_of_the_npu_overlap_no_other():
    board = npu_board(load_board("corstone300"), PLAN)
    spans = sorted((r.origin, r.origin + r.size_bytes) for r in board.spec.memory)
    assert all(low[1] <= high[0] for low, high in itertools.pairwise(spans))


def test_a_board_without_an_npu_is_refused_by_name():
    board, choice = npu_choice("nrf52840")
    with pytest.raises(UnsupportedChoiceError, match="nrf52840 has no ethos-u65-256"):
        plan_npu_project(ecg(), board, choice, None)


def test_kernels_of_the_cpu_plan_no_npu():
    board = load_board("corstone300")
    choice = choose_engine(board, engine="auto", kernels="auto")
    assert choice.kernels == "cmsis-nn"
    assert plan_npu_project(ecg(), board, choice, None) is None


@pytest.mark.vela
def test_fast_memory_is_what_vela_plans_with():
    (path,) = (f for f in files("ethos-u-vela") or () if str(f).endswith("Arm/vela.ini"))
    ini = configparser.ConfigParser()
    ini.read_string(Path(path.locate()).read_text(encoding="utf-8"))
    for config in CONFIGS.values():
        section = ini[f"Memory_Mode.{config.memory_mode}"]
        assert int(section.get("arena_cache_size", "0")) == config.fast_memory_bytes
        assert config.arena_region == ("dram" if config.fast_memory_bytes else "sram")


@pytest.mark.vela
@pytest.mark.parametrize("name", CONFIGS)
def test_the_compiled_model_is_what_is_flashed(name):
    board, choice = npu_choice()
    project = plan_npu_project(ecg(), board, choice, name)
    assert project is not None
    assert [o.op for o in project.model.main.operators] == ["CUSTOM:ethos-u"]
    assert project.plan.n_operators == len(ecg().main.operators)
    assert project.plan.model_sha256 == ecg().sha256 != project.model.sha256
    assert project.choice.reasons[-1].what == "npu"
    # The two NPUs need the drivers of two images.
    assert ("a72f0f35" in project.choice.facts.runtime_id) == (name == "ethos-u55-128")


@pytest.mark.vela
def test_a_model_of_which_nothing_runs_on_the_npu_is_refused():
    net = ModelBuilder(seed=1)
    quotient = net.binary("DIV", net.input((1, 8)), net.input((1, 8)))  # Vela leaves it to the CPU.
    board, choice = npu_choice()
    with pytest.raises(UnsupportedModelError, match="nothing runs on the NPU"):
        plan_npu_project(parse_model(net.finish([quotient]), "m.tflite"), board, choice, None)
