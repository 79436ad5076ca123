"""One subgraph under the pen: lists instead of tuples, and the questions every rewrite asks."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.model.graph import Graph, GraphOperator, GraphTensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tflm_gen.model.tree import TableValue

NUMPY_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "bool": "?",
        "int8": "<i1",
        "uint8": "<u1",
        "int16": "<i2",
        "int32": "<i4",
        "uint32": "<u4",
        "int64": "<i8",
        "float16": "<f2",
        "float32": "<f4",
    }
)


class Draft:
    """An editable copy of a subgraph. Tensors keep their indices; dead ones are dropped later."""

    def __init__(self, graph: Graph) -> None:
        self.tensors: list[GraphTensor] = list(graph.tensors)
        self.operators: list[GraphOperator] = list(graph.operators)
        self.inputs = graph.inputs
        self.outputs = graph.outputs
        self.name = graph.name

    def freeze(self) -> Graph:
        """The subgraph as a record."""
        return Graph(
            tensors=tuple(self.tensors),
            operators=tuple(self.operators),
            inputs=self.inputs,
            outputs=self.outputs,
            name=self.name,
        )

    # --- questions --------------------------------------------------------------------------

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Stored shape."""
        return self.tensors[tensor].shape

    def producer(self, tensor: int) -> GraphOperator | None:
        """The operator that writes a tensor."""
        return next((o for o in self.operators if tensor in o.outputs), None)

    def consumers(self, tensor: int) -> list[GraphOperator]:
        """The operators that name a tensor, other than by writing it."""
        return [o for o in self.operators if tensor in o.touched and tensor not in o.outputs]

    def is_internal(self, tensor: int) -> bool:
        """An operator writes it, and only operators read it."""
        return tensor not in self.outputs and tensor not in self.inputs

    def feeds_only(self, tensor: int, operator: GraphOperator) -> bool:
        """Nothing else reads the tensor."""
        readers = self.consumers(tensor)
        return self.is_internal(tensor) and len(readers) == 1 and readers[0] is operator

    def sole_consumer(self, tensor: int) -> GraphOperator | None:
        """The one operator that reads an internal tensor."""
        readers = self.consumers(tensor)
        return readers[0] if self.is_internal(tensor) and len(readers) == 1 else None

    def values(self, tensor: int) -> NDArray[np.generic] | None:
        """Constant data as an array, or None if the tensor has none that could be read."""
        if tensor < 0 or self.tensors[tensor].is_variable:
            return None
        entry = self.tensors[tensor]
        kind = NUMPY_TYPES.get(entry.dtype)
        if kind is None or len(entry.data) != entry.n_bytes or not entry.data:
            return None
        return np.frombuffer(entry.data, np.dtype(kind)).reshape(entry.shape)

    def integers(self, tensor: int) -> tuple[int, ...] | None:
        """Constant data of an integer tensor, flat."""
        values = self.values(tensor)
        if values is None or values.dtype.kind not in "iu":
            return None
        return tuple(int(value) for value in values.reshape(-1))

    def same_encoding(self, left: int, right: int) -> bool:
        """Equal bytes mean equal numbers: one data type, one scale and zero point."""
        a, b = self.tensors[left], self.tensors[right]
        return (a.dtype, a.scales, a.zero_points) == (b.dtype, b.scales, b.zero_points)

    # --- edits ------------------------------------------------------------------------------

    def change_tensor(
        self, tensor: int, *, shape: Sequence[int] | None = None, data: bytes | None = None
    ) -> None:
        """Give a tensor another shape, or constant data."""
        entry = self.tensors[tensor]
        if shape is not None:
            entry = replace(entry, shape=tuple(shape), signature=None)
        if data is not None:
            entry = replace(entry, data=data)
        self.tensors[tensor] = entry

    def add_like(self, tensor: int, shape: Sequence[int]) -> int:
        """A new tensor of the same type and quantization; its index."""
        source = self.tensors[tensor]
        entry = GraphTensor(
            shape=tuple(shape), dtype=source.dtype, quantization=source.quantization
        )
        self.tensors.append(entry)
        return len(self.tensors) - 1

    def add_constant(self, values: Sequence[int] | NDArray[np.generic], dtype: str) -> int:
        """A new constant; its index."""
        array = np.ascontiguousarray(np.asarray(values, np.dtype(NUMPY_TYPES[dtype])))
        self.tensors.append(
            GraphTensor(shape=np.asarray(values).shape, dtype=dtype, data=array.tobytes())
        )
        return len(self.tensors) - 1

    def put(self, old: GraphOperator, *new: GraphOperator) -> None:
        """Replace an operator by others, or by none."""
        at = next(i for i, operator in enumerate(self.operators) if operator is old)
        self.operators[at : at + 1] = new

    def set_inputs(self, old: GraphOperator, inputs: Sequence[int]) -> GraphOperator:
        """Let an operator read other tensors; the changed operator."""
        new = replace(old, inputs=tuple(inputs))
        self.put(old, new)
        return new

    def rewire(self, old: int, new: int) -> None:
        """Let every operator that reads one tensor read another."""
        for at, operator in enumerate(self.operators):
            if old in operator.inputs:
                inputs = tuple(new if index == old else index for index in operator.inputs)
                self.operators[at] = replace(operator, inputs=inputs)


def make_operator(
    op: str,
    inputs: Sequence[int],
    output: int,
    options: TableValue | None = None,
    *,
    version: int = 1,
) -> GraphOperator:
    """A new operator with one output."""
    return GraphOperator(
        op=op, version=version, inputs=tuple(inputs), outputs=(output,), options=options
    )


def reshape_to(draft: Draft, source: int, target: int) -> GraphOperator:
    """A RESHAPE from one tensor to another, as converters write it."""
    shape = draft.add_constant(np.array(draft.shape(target), np.int32), "int32")
    return make_operator("RESHAPE", (source, shape), target)
