"""Which operators a model uses, and the table of TFLite's operator numbers and names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tflm_gen.model.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.model.records import Model, OperatorSpec, OpUsage, SubgraphSpec

CUSTOM = "CUSTOM"
CUSTOM_CODE = 32


@cache
def builtin_operators() -> Mapping[int, str]:
    """TFLite's capital names by builtin number, for every operator of the schema."""
    names = load_schema().enums["BuiltinOperator"]
    return {number: name for number, name in enumerate(names) if name is not None}


@cache
def builtin_code(op: str) -> int | None:
    """Builtin number of an operator name, or None if the schema has no such operator."""
    return next((number for number, name in builtin_operators().items() if name == op), None)


def operator_name(code: int) -> str:
    """TFLite's name of a builtin operator, or ``BUILTIN:<number>`` for one we do not know."""
    return builtin_operators().get(code, f"BUILTIN:{code}")


def op_usage(model: Model) -> tuple[OpUsage, ...]:
    """Every operator the model uses, all subgraphs together, in the order of first use."""
    from tflm_gen.model.records import OpUsage

    found: dict[str, list[tuple[OperatorSpec, SubgraphSpec]]] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            found.setdefault(operator.op, []).append((operator, subgraph))
    return tuple(
        OpUsage(
            op=op,
            builtin_code=uses[0][0].builtin_code,
            custom_name=uses[0][0].custom_name,
            versions=tuple(sorted({operator.version for operator, _ in uses})),
            count=len(uses),
            dtypes=tuple(
                sorted(
                    {
                        subgraph.tensors[operator.outputs[0]].dtype
                        for operator, subgraph in uses
                        if operator.outputs
                    }
                )
            ),
        )
        for op, uses in found.items()
    )
