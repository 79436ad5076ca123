from __future__ import annotations

import pytest

from tests.support.command_line import run_tool
from tests.support.model_builder import ModelBuilder
from tflm_gen.check.traps import load_traps
from tflm_gen.check.use import Use
from tflm_gen.model.reader import parse_model


def dense_model(rows: int, depth: int) -> bytes:
    net = ModelBuilder(seed=1)
    return net.finish([net.fully_connected(net.input((rows, depth)), 3)])


def dense(rows: int, depth: int) -> Use:
    model = parse_model(dense_model(rows, depth), "m.tflite")
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


@pytest.mark.parametrize("board", ["esp32s3", "esp32c3"])
def test_check_names_the_trap_and_the_version_that_has_it_not(board, tmp_path):
    path = tmp_path / "rows.tflite"
    path.write_bytes(dense_model(4, 10))
    result = run_tool("check", str(path), "--board", board)
    assert result.exit_code == 0, result.stderr
    assert "[trap:esp-nn-34] dense layer over 4 rows of 10 values" in result.stdout
    assert "1.2.6" in result.stdout
    path.write_bytes(dense_model(1, 10))
    assert "esp-nn-34" not in run_tool("check", str(path), "--board", board).stdout
