"""Takes parts out of a graph so that they can be run alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tflm_gen.model.graph import Document, Graph, GraphOperator, write_document
from tflm_gen.model.reader import parse_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tflm_gen.model.records import Model


def take_part(
    graph: Graph, operators: Sequence[GraphOperator], inputs: Sequence[int], outputs: Sequence[int]
) -> Graph:
    """A graph of some operators, with the tensors they name."""
    named = {i for operator in operators for i in operator.touched} | {*inputs, *outputs}
    return renumber(
        replace(graph, operators=tuple(operators), inputs=tuple(inputs), outputs=tuple(outputs)),
        {old: new for new, old in enumerate(sorted(named))},
    )


def renumber(graph: Graph, places: Mapping[int, int]) -> Graph:
    """The graph with only the tensors of the mapping (old index to new), in the new order."""

    def moved(indices: Sequence[int]) -> tuple[int, ...]:
        return tuple(places[index] if index >= 0 else index for index in indices)

    order = sorted(places, key=lambda old: places[old])
    return replace(
        graph,
        tensors=tuple(graph.tensors[old] for old in order),
        operators=tuple(_moved_operator(operator, places) for operator in graph.operators),
        inputs=moved(graph.inputs),
        outputs=moved(graph.outputs),
    )


def _moved_operator(operator: GraphOperator, places: Mapping[int, int]) -> GraphOperator:
    def moved(indices: Sequence[int]) -> tuple[int, ...]:
        return tuple(places[index] if index >= 0 else index for index in indices)

    rest = operator.rest
    if rest.integers("intermediates"):
        rest = rest.with_fields(intermediates=moved(rest.integers("intermediates")))
    return replace(
        operator, inputs=moved(operator.inputs), outputs=moved(operator.outputs), rest=rest
    )


def part_model(graph: Graph, name: str = "part.tflite") -> Model:
    """A graph as a model of its own."""
    document = Document(graphs=(graph,), signatures=(), metadata=(), description=b"")
    return parse_model(write_document(document), name)
