"""Sizes and conditions of the kernel tables: a small, closed language of integer expressions.

The tables are data, so an expression can name operands and call the functions it is given, and
nothing else: every node of its syntax tree is checked when the table is read.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = object

_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[object, object], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: lambda a, b: _integer(a) < _integer(b),
    ast.LtE: lambda a, b: _integer(a) <= _integer(b),
    ast.Gt: lambda a, b: _integer(a) > _integer(b),
    ast.GtE: lambda a, b: _integer(a) >= _integer(b),
}
_ALLOWED = (
    *(ast.Expression, ast.BinOp, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Compare),
    *(ast.IfExp, ast.Call, ast.Attribute, ast.Name, ast.Load, ast.Constant),
    *_BINARY,
    *_COMPARE,
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression."""

    text: str
    tree: ast.expr

    def integer(self, names: Mapping[str, Value]) -> int:
        """Its value as a number."""
        return _integer(_value(self.tree, names))

    def truth(self, names: Mapping[str, Value]) -> bool:
        """Its value as a condition."""
        return bool(_value(self.tree, names))


@cache
def parse_expression(text: str) -> Expression:
    """Read an expression.

    Raises:
        ValueError: If it holds anything but operands, calls and integer arithmetic.
    """
    tree = ast.parse(text.strip(), mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"{text!r}: {type(node).__name__} is not part of the language")
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise ValueError(f"{text!r}: {node.attr} is private")
    return Expression(text, tree.body)


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a number")
    return int(value)


def _value(node: ast.expr, names: Mapping[str, Value]) -> Value:
    """Evaluate one node."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, names), node.attr)
    if isinstance(node, ast.Call):
        return _call(node, names)
    if isinstance(node, ast.IfExp):
        chosen = node.body if _value(node.test, names) else node.orelse
        return _value(chosen, names)
    return _operation(node, names)


def _call(node: ast.Call, names: Mapping[str, Value]) -> Value:
    function = _value(node.func, names)
    if not callable(function):
        raise TypeError(f"{ast.unparse(node.func)} is not a function")
    result: Value = function(*(_value(argument, names) for argument in node.args))
    return result


def _operation(node: ast.expr, names: Mapping[str, Value]) -> Value:
    """Arithmetic, comparison or logic."""
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, names), _value(node.right, names)
        return _BINARY[type(node.op)](_integer(left), _integer(right))
    if isinstance(node, ast.UnaryOp):
        return not _value(node.operand, names)
    if isinstance(node, ast.BoolOp):
        if isinstance(node.op, ast.And):
            return all(_value(value, names) for value in node.values)
        return any(_value(value, names) for value in node.values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _value(node.left, names), _value(node.comparators[0], names)
        return _COMPARE[type(node.ops[0])](left, right)
    raise ValueError(f"{ast.unparse(node)}: not part of the language")
