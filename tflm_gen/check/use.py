"""One operator with its tensors at hand: what rules look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.check.records import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec, TensorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An operator in its subgraph."""

    operator: OperatorSpec
    subgraph: SubgraphSpec

    @property
    def op(self) -> str:
        """TFLite's name of the operator."""
        return self.operator.op

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(
            subgraph_index=self.subgraph.index,
            operator_index=self.operator.index,
            op=self.op,
            name=self.output.name if self.output else "",
        )

    def input(self, position: int) -> TensorSpec | None:
        """An input, or None if it is left out."""
        inputs = self.operator.inputs
        if position >= len(inputs) or inputs[position] < 0:
            return None
        return self.subgraph.tensors[inputs[position]]

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """All inputs that are there."""
        return tuple(self.subgraph.tensors[i] for i in self.operator.inputs if i >= 0)

    @property
    def output(self) -> TensorSpec | None:
        """The first output, or None."""
        outputs = self.operator.outputs
        return self.subgraph.tensors[outputs[0]] if outputs else None

    def option(self, name: str, default: int = 0) -> int:
        """An integer option."""
        value = self.operator.options.get(name, default)
        return value if isinstance(value, int) else default


def uses_of(model: Model) -> Iterator[Use]:
    """Every operator of every subgraph, in order."""
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            yield Use(operator=operator, subgraph=subgraph)


def is_per_channel(tensor: TensorSpec | None) -> bool:
    """The tensor has a scale for each channel."""
    return (
        tensor is not None
        and tensor.quantization is not None
        and len(tensor.quantization.scales) > 1
    )
