"""Checks of the operators that run other subgraphs: operands and results go over by position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.model.flatbuffer import fail_malformed

if TYPE_CHECKING:
    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec

# What a tensor is, as far as handing it over goes: type and elements, None if that is open.
_Form = tuple[str, int | None]


def check_call(operator: OperatorSpec, subgraph: SubgraphSpec, model: Model, path: str) -> None:
    """Check WHILE, IF and CALL_ONCE; the caller has checked that the subgraphs exist.

    Raises:
        MalformedModelError: If a called subgraph takes or gives something else.
    """
    given = _forms(subgraph, operator.inputs)
    taken = _forms(subgraph, operator.outputs)
    if operator.op == "WHILE":
        condition = _called(operator, model, "cond_subgraph_index")
        body = _called(operator, model, "body_subgraph_index")
        loop = (_ends(condition)[0], *_ends(body), taken)
        is_right = _ends(condition)[1] == [("bool", 1)] and all(_fit(x, given) for x in loop)
    elif operator.op == "IF":
        branches = [_called(operator, model, f"{name}_subgraph_index") for name in ("then", "else")]
        is_right = given[:1] == [("bool", 1)] and all(
            _fit(_ends(branch)[0], given[1:]) and _fit(_ends(branch)[1], taken)
            for branch in branches
        )
    elif operator.op == "CALL_ONCE":
        start = _called(operator, model, "init_subgraph_index")
        is_right = _ends(start) == ([], [])
    else:
        return
    if not is_right:
        fail_malformed(f"{path}: the subgraphs it runs take or give other tensors than it has")


def _called(operator: OperatorSpec, model: Model, option: str) -> SubgraphSpec:
    index = operator.options.get(option, 0)
    assert isinstance(index, int)
    return model.subgraphs[index]


def _ends(subgraph: SubgraphSpec) -> tuple[list[_Form], list[_Form]]:
    """Inputs and outputs of a subgraph."""
    return _forms(subgraph, subgraph.inputs), _forms(subgraph, subgraph.outputs)


def _forms(subgraph: SubgraphSpec, indices: tuple[int, ...]) -> list[_Form]:
    tensors = [subgraph.tensors[index] for index in indices if index >= 0]
    return [(tensor.dtype, None if tensor.is_open else tensor.n_elements) for tensor in tensors]


def _fit(one: list[_Form], other: list[_Form]) -> bool:
    """Equal in number and types, and in elements where both are known."""
    return len(one) == len(other) and all(
        a[0] == b[0] and (None in (a[1], b[1]) or a[1] == b[1])
        for a, b in zip(one, other, strict=True)
    )
