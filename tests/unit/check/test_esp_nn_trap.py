from __future__ import annotations

import pytest

from tests.support.model_builder import ModelBuilder
from tflm_gen.check.traps import load_traps
from tflm_gen.check.use import Use
from tflm_gen.model.reader import parse_model


def dense(rows: int, depth: int) -> Use:
    net = ModelBuilder(seed=1)
    model = parse_model(net.finish([net.fully_connected(net.input((rows, depth)), 3)]), "m.tflite")
    return Use(operator=model.main.operators[0], subgraph=model.main)


@pytest.mark.parametrize(
    ("rows", "depth", "is_hit"), [(1, 10, False), (4, 16, False), (4, 10, True), (2, 8, True)]
)
def test_rows_behind_the_first_are_hit_if_they_are_not_aligned(rows, depth, is_hit):
    (trap,) = (each for each in load_traps()[1] if each.id == "esp-nn-34")
    assert trap.applies_to("esp_tflite_micro", "esp-nn")
    words = trap.words_for(dense(rows, depth))
    assert (words is not None) == is_hit
    if words:
        assert f"{rows} rows of {depth}" in trap.message.format(**words)
