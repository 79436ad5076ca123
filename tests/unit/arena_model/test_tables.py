from __future__ import annotations

import pytest

from tests.support.zoo import ZOO
from tflm_gen.arena_model.choice import choose_table, estimate_for, margin_bytes
from tflm_gen.arena_model.compute import estimate_arena
from tflm_gen.arena_model.tables import _step, list_tables, load_table
from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.op_table import load_op_table


@pytest.mark.parametrize("table_id", list_tables())
def test_every_table_estimates_the_whole_zoo(table_id: str) -> None:
    table = load_table(table_id)
    assert table.evidence
    for name, build in ZOO.items():
        estimate = estimate_arena(parse_model(build(), f"{name}.tflite"), table)
        assert estimate.n_bytes % 16 == 0
        assert estimate.n_bytes >= estimate.head_bytes + estimate.tail_bytes


@pytest.mark.parametrize("table_id", ["wheel", "corstone300_image"])
def test_tables_name_only_operators_that_exist(table_id: str) -> None:
    known = set(load_op_table("wheel").ops)
    assert set(load_table(table_id).kernels) <= known


@pytest.mark.parametrize(
    ("core", "kernels", "source", "table_id", "is_measured"),
    [
        ("cortex-m55", "cmsis-nn", "corstone300_image", "corstone300_image", True),
        ("cortex-m55", "cmsis-nn", "upstream", "corstone300_image", False),
        ("cortex-m4f", "cmsis-nn", "upstream", "arm_cmsis_dsp", False),
        ("cortex-m0plus", "cmsis-nn", "upstream", "arm_cmsis_plain", False),
        ("cortex-m4f", "reference", "upstream", "arm_reference", False),
    ],
)
def test_table_of_a_target(
    core: str, kernels: str, source: str, table_id: str, is_measured: bool
) -> None:
    choice = choose_table(core=core, kernels=kernels, source=source)
    assert choice is not None
    assert (choice.table_id, choice.is_measured) == (table_id, is_measured)


@pytest.mark.parametrize(("core", "kernels"), [("esp32s3", "esp-nn"), ("cortex-m4f", "other")])
def test_targets_without_a_table(core: str, kernels: str) -> None:
    assert choose_table(core=core, kernels=kernels, source="upstream") is None


def test_only_another_state_of_the_sources_gets_a_margin() -> None:
    model = parse_model(ZOO["mlp"](), "mlp.tflite")
    margins = []
    for source in ("corstone300_image", "upstream"):
        found = estimate_for(model, core="cortex-m55", kernels="cmsis-nn", source=source)
        assert found is not None
        margins.append(margin_bytes(model, found[1]))
    assert margins == [0, 512 + 32 * len(model.main.operators)]


def test_an_operator_without_sizes_is_refused_by_name() -> None:
    from tests.support.graph_builder import GraphBuilder

    net = GraphBuilder()
    x = net.tensor((1, 4), "float32")
    y = net.tensor((1, 4), "float32")
    net.graph.inputs.append(x)
    net.operator("CUSTOM", [x], [y], custom_name="Strange")
    model = parse_model(net.finish([y]), "strange.tflite")
    with pytest.raises(UnsupportedModelError, match="CUSTOM:Strange"):
        estimate_arena(model, load_table("wheel"))


@pytest.mark.parametrize("text", ["grow 4", "persistent", "tensors in0 when [1]"])
def test_steps_of_no_known_form_are_refused(text: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        _step("CONV_2D", text)
