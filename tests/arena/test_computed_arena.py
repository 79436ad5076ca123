"""Computed arenas against the smallest that work: a seeded part of ``benchmarks/arena.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.arena_models import random_models
from tests.support.requirements import require
from tests.support.zoo import ZOO
from tflm_gen.arena.ahead import plan_memory_ahead, with_memory_plan
from tflm_gen.arena.modelled import ArenaTarget
from tflm_gen.arena_model.compute import estimate_arena
from tflm_gen.arena_model.tables import load_table
from tflm_gen.cleanup.records import Cleaning
from tflm_gen.golden import golden_input
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.client import find_smallest_host_arena
from tflm_gen.pipeline import BuildRequest, build_project

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.model.records import Model

SEEDED = (3, 9, 30, 112)
TARGET = ArenaTarget(core="cortex-m55", kernels="cmsis-nn", source="corstone300_image")


def model_of(number: int) -> Model:
    ((name, data),) = random_models(1, number)
    return parse_model(data, f"m{name}.tflite")


@pytest.mark.parametrize("number", SEEDED)
def test_host(number: int) -> None:
    require("oracle")
    model = model_of(number)
    truth = find_smallest_host_arena(model.flatbuffer, golden_input(model))
    assert estimate_arena(model, load_table("wheel")).n_bytes == truth


@pytest.mark.parametrize("is_planned", [False, True])
@pytest.mark.parametrize("number", [9, 30])
def test_corstone300(number: int, is_planned: bool, tmp_path: Path) -> None:
    """With and without a memory plan, the firmware runs in what was computed and in no less."""
    for need in ("cross", "qemu", "image", "oracle"):
        require(need)
    model = model_of(number)
    if is_planned:
        planned = plan_memory_ahead(model, TARGET)
        assert planned is not None
        model = planned.model
    request = BuildRequest(
        model=model,
        board_id="corstone300",
        out=tmp_path / "project",
        engine="tflm",
        is_cleaned=False,
    )
    arena = build_project(request).manifest.arena
    computed = estimate_arena(model, load_table("corstone300_image")).n_bytes
    assert (arena.basis, arena.ran_at, arena.failed_at) == ("proven", computed, computed - 16)


@pytest.mark.parametrize("number", [9, 30])
def test_a_memory_plan_gives_the_same_bytes(number: int) -> None:
    require("oracle")
    model = model_of(number)
    cleaning = with_memory_plan(Cleaning(original=model, cleaned=model), TARGET)
    assert cleaning.is_changed
    assert cleaning.steps[-1].name == "plan-memory"
    assert cleaning.proof is not None


def test_a_model_without_gain_stays_as_it_is() -> None:
    model = parse_model(ZOO["cnn_1d"](), "cnn_1d.tflite")
    cleaning = Cleaning(original=model, cleaned=model)
    assert with_memory_plan(cleaning, TARGET) is cleaning
