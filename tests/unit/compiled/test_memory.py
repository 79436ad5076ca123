"""The memory plan: nothing overlaps, the bound holds, small cases are optimal, sharing is right."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.graph_builder import Ref
from tests.support.model_builder import ModelBuilder
from tests.support.zoo import ZOO
from tflm_gen.compiled.ir import Program, Target, Tuning
from tflm_gen.compiled.lowering import lower_model
from tflm_gen.compiled.memory import Item, best_placement, lower_bound, place, plan_memory
from tflm_gen.errors import NotCompilableError
from tflm_gen.model.reader import parse_model


def height(items: list[Item], offsets: dict[int, int]) -> int:
    return max(offsets[item.key] + item.n_bytes for item in items)


@st.composite
def item_lists(draw: st.DrawFn, largest: int = 12) -> list[Item]:
    items = []
    for key in range(draw(st.integers(1, largest))):
        first = draw(st.integers(-1, 8))
        last = first + draw(st.integers(0, 4))
        items.append(Item(key=key, n_bytes=4 * draw(st.integers(1, 40)), first=first, last=last))
    return items


@given(item_lists())
def test_items_that_live_together_never_overlap(items: list[Item]) -> None:
    offsets = best_placement(items)
    for a, b in itertools.combinations(items, 2):
        if a.meets(b):
            a_end, b_end = offsets[a.key] + a.n_bytes, offsets[b.key] + b.n_bytes
            assert a_end <= offsets[b.key] or b_end <= offsets[a.key]
    assert height(items, offsets) >= lower_bound(items)


@settings(max_examples=60, deadline=None)
@given(item_lists(largest=5))
def test_small_cases_are_as_good_as_every_order(items: list[Item]) -> None:
    best = min(height(items, place(order)) for order in itertools.permutations(items))
    assert height(items, best_placement(items)) == best


def program_of(net: ModelBuilder, outputs: list[Ref]) -> Program:
    data = net.finish(outputs)
    return lower_model(parse_model(data, "net.tflite"), Target.PORTABLE, Tuning())


def test_a_chain_of_tables_runs_in_one_block() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 64))
    program = program_of(net, [net.activation(net.activation(x, "RELU"), "TANH")])
    plan = plan_memory(program)
    assert plan.arena_bytes == 64
    assert plan.in_place == (0, 1)
    assert len(set(plan.value_offsets.values())) == 1


def test_an_input_that_is_read_later_keeps_its_memory() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 64))
    y = net.activation(x, "RELU")
    program = program_of(net, [net.binary("ADD", x, y)])
    plan = plan_memory(program)
    # RELU may not take over x, which ADD still reads; ADD may take over either.
    assert plan.in_place == (1,)
    assert plan.arena_bytes == 128


def test_outputs_outlive_the_run() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 64))
    y = net.activation(x, "RELU")
    program = program_of(net, [y, net.activation(y, "TANH")])
    plan = plan_memory(program)
    first, second = (plan.value_offsets[i] for i in program.outputs)
    assert abs(first - second) >= 64


def test_reshapes_share_memory_and_cost_no_step() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 8, 8))
    y = net.reshape(net.activation(net.reshape(x, (1, 64)), "RELU"), (1, 4, 16))
    program = program_of(net, [y])
    plan = plan_memory(program)
    assert [step.op for step in program.steps] == ["RELU"]
    assert len(set(plan.value_offsets.values())) == 1


def test_an_output_that_is_a_reshaped_input_is_copied() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 8, 8))
    program = program_of(net, [net.reshape(x, (1, 64)), net.activation(x, "RELU")])
    assert "RESHAPE" in [step.op for step in program.steps]
    plan = plan_memory(program)
    first, second = (plan.value_offsets[i] for i in program.outputs)
    assert first != second


def test_the_zoo_reaches_the_lower_bound() -> None:
    planned = 0
    for name, build in ZOO.items():
        for target in Target:
            try:
                program = lower_model(parse_model(build(), f"{name}.tflite"), target, Tuning())
            except NotCompilableError:
                continue
            assert plan_memory(program).gap_bytes == 0, (name, target)
            planned += 1
    assert planned >= 45
