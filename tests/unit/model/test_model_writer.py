from __future__ import annotations

import pytest

from tests.support.zoo import ZOO
from tflm_gen.model.reader import parse_model
from tflm_gen.model.writer import replace_outputs, runtime_outputs


@pytest.mark.parametrize("name", ["cnn_1d", "two_leads_two_outputs", "lead_split"])
def test_replaced_outputs_are_read_back_and_nothing_else_changes(name: str) -> None:
    model = parse_model(ZOO[name](), name)
    taps = runtime_outputs(model)
    tapped = parse_model(replace_outputs(model, taps), name)
    assert tapped.main.outputs == taps
    assert set(model.main.outputs) <= set(taps)
    assert tapped.main.tensors == model.main.tensors
    assert tapped.main.operators == model.main.operators
    assert tapped.main.inputs == model.main.inputs
    assert tapped.signatures == model.signatures


def test_tap_order_is_the_callers() -> None:
    model = parse_model(ZOO["mlp"](), "mlp")
    taps = runtime_outputs(model)[::-1]
    assert parse_model(replace_outputs(model, taps), "mlp").main.outputs == taps


def test_foreign_index_is_refused() -> None:
    model = parse_model(ZOO["mlp"](), "mlp")
    with pytest.raises(ValueError, match="not all tensors"):
        replace_outputs(model, [len(model.main.tensors)])
