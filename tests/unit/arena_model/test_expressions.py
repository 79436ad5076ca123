from __future__ import annotations

from types import SimpleNamespace

import pytest

from tflm_gen.arena_model.expressions import parse_expression

NAMES = {
    "a": 5,
    "word": "int8",
    "x": SimpleNamespace(last=7, integer=True),
    "opt": lambda name: {"adj": True}.get(name, 0),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [("4 * x.last + a", 33), ("a // 2 % 2", 0), ("9 if opt('adj') else 1", 9), ("a - 7", -2)],
)
def test_numbers(text: str, value: int) -> None:
    assert parse_expression(text).integer(NAMES) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("word == 'int8' and x.integer", True),
        ("not x.integer or a >= 6", False),
        ("word != 'int8'", False),
        ("a < 6 and a <= 5 and a > 4", True),
    ],
)
def test_conditions(text: str, value: bool) -> None:
    assert parse_expression(text).truth(NAMES) is value


@pytest.mark.parametrize(
    "text", ["[1]", "lambda: 1", "a ** 2", "x.__class__", "f'{a}'", "a[0]", "(b := 1)", "*a"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        parse_expression(text)


def test_a_word_is_no_size() -> None:
    with pytest.raises(TypeError, match="is not a number"):
        parse_expression("word").integer(NAMES)
