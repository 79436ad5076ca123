from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from benchmarks.arena_models import random_models
from tests.support.zoo import ZOO
from tflm_gen.arena.ahead import embed_plan
from tflm_gen.arena_model.compute import estimate_arena
from tflm_gen.arena_model.offline import METADATA_NAME, offline_offsets, pack_offline_plan
from tflm_gen.arena_model.ordering import find_low_order
from tflm_gen.arena_model.peak import peak_words
from tflm_gen.arena_model.tables import load_table
from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.reader import parse_model

STUDY = Path(__file__).resolve().parents[3] / "benchmarks" / "results" / "arena.json"
ROWS = json.loads(STUDY.read_text(encoding="utf-8"))["models"]
TABLES = {"host": "wheel", "corstone300": "corstone300_image"}
IMAGE = load_table("corstone300_image")


@pytest.fixture(scope="module")
def models() -> dict[str, bytes]:
    n_random = sum(name[:3].isdigit() for name in ROWS)
    return {name: build() for name, build in ZOO.items()} | dict(random_models(n_random))


@pytest.mark.parametrize("runtime", TABLES)
def test_computed_arenas_are_those_of_the_study(runtime: str, models: dict[str, bytes]) -> None:
    """The study holds what ran; what is computed now must still be what was compared then."""
    table = load_table(TABLES[runtime])
    changed = {}
    for name in ROWS.keys() & models.keys():  # Without those of one feature: 700 more.
        row = ROWS[name]
        model = parse_model(models[name], f"{name}.tflite")
        if model.sha256 == row["sha256"] and runtime in row:
            computed = estimate_arena(model, table).n_bytes
            if computed != row[runtime][1]:
                changed[name] = computed - row[runtime][1]
    assert changed == {}


@pytest.mark.parametrize("runtime", TABLES)
def test_the_study_agrees_with_the_model(runtime: str) -> None:
    pairs = [row[runtime] for row in ROWS.values() if runtime in row]
    computed = [pair for pair in pairs if isinstance(pair[1], int)]
    wrong = [pair for pair in computed if pair[0] != pair[1]]
    assert len(computed) >= 500
    assert len(wrong) <= 0.05 * len(computed)
    assert not [pair for pair in wrong if pair[1] < pair[0]]  # None too small.


def test_what_start_up_found_is_true() -> None:
    rows = [row for row in ROWS.values() if row.get("at_boot")]
    assert len(rows) >= 500
    assert not [row for row in rows if not _holds(row)]


def _holds(row: dict[str, Any]) -> bool:
    low, high, _ = row["at_boot"]
    return bool(low <= row["corstone300"][0] <= high)


def test_memory_plans_were_proven() -> None:
    plans = [row["plan_memory"] for row in ROWS.values() if "plan_memory" in row]
    assert plans
    for plan in plans:
        assert plan["same_bytes_on_the_wheel"]
        assert plan["truth_after"] == plan["after"] == plan["before"] - plan["saved"]


@pytest.mark.parametrize("name", ZOO)
def test_the_parts_of_the_breakdown_add_up(name: str) -> None:
    estimate = estimate_arena(parse_model(ZOO[name](), f"{name}.tflite"), IMAGE)
    assert sum(astuple(estimate.breakdown)) == estimate.n_bytes
    assert min(astuple(estimate.breakdown)) >= 0
    assert estimate.binding.n_bytes == estimate.n_bytes


def test_the_peak_names_its_operator_and_tensors() -> None:
    estimate = estimate_arena(parse_model(ZOO["ds_cnn"](), "ds_cnn.tflite"), IMAGE)
    words = peak_words(estimate)
    assert "DEPTHWISE_CONV_2D" in words
    assert "scratch" in words


def test_many_small_tensors_are_bound_by_the_planners_table() -> None:
    estimate = estimate_arena(parse_model(ZOO["tcn_space_to_batch"](), "m.tflite"), IMAGE)
    assert estimate.binding.phase == "plan"
    assert estimate.breakdown.temporary > 0


def test_an_offline_plan_is_honoured() -> None:
    model = parse_model(ZOO["mlp"](), "mlp.tflite")
    offsets = [-1] * len(model.main.tensors)
    offsets[model.main.inputs[0]] = 4096
    planned = embed_plan(model, offsets)
    assert offline_offsets(planned) == tuple(offsets)
    assert estimate_arena(planned, IMAGE).head_bytes == 4096 + 48


def test_an_offline_plan_of_wrong_length_is_refused() -> None:
    model = parse_model(ZOO["mlp"](), "mlp.tflite")
    planned = embed_plan(model, [-1, -1])
    assert planned.metadata[METADATA_NAME] == pack_offline_plan([-1, -1])
    with pytest.raises(UnsupportedModelError, match="is for 2 tensors"):
        estimate_arena(planned, IMAGE)


def test_an_order_with_a_lower_peak_is_a_valid_one() -> None:
    model = parse_model(dict(random_models(1, 9))["009-attention-int8"], "m.tflite")
    order = find_low_order(model, {})
    assert order is not None
    assert sorted(order) == list(range(len(model.main.operators)))
    written = set(model.main.inputs)
    for index in order:
        op = model.main.operators[index]
        for tensor in op.inputs:
            assert tensor < 0 or tensor in written or model.main.tensors[tensor].is_constant
        written.update(op.outputs)


def test_a_chain_keeps_its_order() -> None:
    assert find_low_order(parse_model(ZOO["cnn_1d"](), "m.tflite"), {}) is None
