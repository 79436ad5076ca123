from __future__ import annotations

import re

import pytest

from tests.support.projects import dense_model
from tflm_gen.errors import UnsupportedOperatorError
from tflm_gen.model.ops import builtin_operators, op_usage
from tflm_gen.model.records import OpUsage
from tflm_gen.tflm.op_table import TABLE_NAMES, load_op_table, select_ops


def usage(op: str, count: int = 1) -> OpUsage:
    return OpUsage(
        op=op, builtin_code=0, custom_name=None, versions=(1,), count=count, dtypes=("int8",)
    )


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_table_is_consistent(name: str) -> None:
    table = load_op_table(name)
    assert table.source == name
    assert table.evidence
    names = builtin_operators()
    for op, entry in table.ops.items():
        assert entry.op == op
        assert re.fullmatch(r"Add[A-Z]\w+", entry.add_method)
        assert re.fullmatch(r"Register_[A-Z0-9_]+", entry.register)
        if op.startswith("CUSTOM:"):
            assert entry.builtin_code == 32
            assert entry.parse is None
        else:
            assert names[entry.builtin_code] == op
            assert entry.parse is not None


def test_size_of_the_tables() -> None:
    assert [len(load_op_table(name).ops) for name in TABLE_NAMES] == [98, 119, 119]


def test_shared_operators_agree() -> None:
    image, upstream = load_op_table("corstone300_image"), load_op_table("upstream")
    assert all(upstream.ops[op] == entry for op, entry in image.ops.items())


def test_entries_of_a_model_are_sorted() -> None:
    entries = select_ops(op_usage(dense_model()), load_op_table("wheel"))
    assert [entry.op for entry in entries] == ["FULLY_CONNECTED", "SOFTMAX"]


def test_missing_operator_names_count_place_and_who_has_it() -> None:
    model = dense_model()
    table = load_op_table("corstone300_image")
    without = {op: entry for op, entry in table.ops.items() if op != "SOFTMAX"}
    smaller = type(table)(source=table.source, tflm=table.tflm, evidence=(), ops=without)
    with pytest.raises(UnsupportedOperatorError) as caught:
        select_ops(op_usage(model), smaller, subgraphs=model.subgraphs)
    assert "SOFTMAX (used 1 time, first at operator 1)" in caught.value.message
    assert "97 operators" in caught.value.message
    assert "upstream TFLM" in caught.value.hint
    assert caught.value.exit_code == 1


def test_operator_that_only_another_source_has() -> None:
    with pytest.raises(UnsupportedOperatorError) as caught:
        select_ops([usage("REVERSE_V2", 3)], load_op_table("corstone300_image"))
    assert "REVERSE_V2 (used 3 times)" in caught.value.message
    assert "upstream" in caught.value.hint


def test_operator_that_nobody_has_names_the_nearest() -> None:
    with pytest.raises(UnsupportedOperatorError) as caught:
        select_ops([usage("CONV_3D"), usage("SOFTMAX")], load_op_table("upstream"))
    assert "CONV_3D" in caught.value.message
    assert "SOFTMAX" not in caught.value.message
    assert "CONV_2D" in caught.value.hint


def test_custom_operator_nobody_has() -> None:
    with pytest.raises(UnsupportedOperatorError, match="CUSTOM:MyOp"):
        select_ops([usage("CUSTOM:MyOp")], load_op_table("wheel"))


def test_custom_operators_are_near_to_nothing() -> None:
    with pytest.raises(UnsupportedOperatorError) as caught:
        select_ops([usage("CUSTOM:Erfc")], load_op_table("corstone300_image"))
    assert "nearest" not in caught.value.hint
