from __future__ import annotations

from tests.support.schema_from_wheel import TABLE_PATH, load_bindings, schema_text, snake_case
from tflm_gen.model.op_facts import MIN_INPUTS, NO_OUTPUT_OPS, OPTIONS_OF_OP, POSITIVE_OPTIONS
from tflm_gen.model.ops import builtin_code, builtin_operators, operator_name
from tflm_gen.model.schema import load_schema


def test_committed_table_is_what_the_wheels_bindings_say() -> None:
    assert TABLE_PATH.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m tests.support.schema_from_wheel"
    )


def test_every_builtin_operator_has_its_name_and_number() -> None:
    bindings = load_bindings().BuiltinOperator
    expected = {number: name for name, number in vars(bindings).items() if isinstance(number, int)}
    assert dict(builtin_operators()) == expected
    assert builtin_code("CONV_2D") == 3
    assert builtin_code("NO_SUCH_OP") is None
    assert operator_name(3) == "CONV_2D"
    assert operator_name(9999) == "BUILTIN:9999"


def test_every_union_member_has_a_table() -> None:
    schema = load_schema()
    for union, members in schema.unions.items():
        missing = [name for name in members if name not in (None, "NONE", *schema.tables)]
        assert missing == [], union


def test_operator_facts_name_things_of_the_schema() -> None:
    schema = load_schema()
    known = set(builtin_operators().values())
    assert set(OPTIONS_OF_OP) <= known
    assert set(MIN_INPUTS) <= known
    assert known >= NO_OUTPUT_OPS
    options = {name for names in OPTIONS_OF_OP.values() for name in names}
    assert options <= set(schema.tables)
    fields = {field for name in schema.tables for field in schema.tables[name].fields}
    assert fields >= POSITIVE_OPTIONS


def test_snake_case() -> None:
    assert snake_case("DilationWFactor") == "dilation_w_factor"
    assert snake_case("StrideW") == "stride_w"
    assert snake_case("BuiltinOptions2") == "builtin_options2"
