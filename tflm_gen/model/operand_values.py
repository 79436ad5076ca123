"""An operator's tensors, and the numbers in its constant operands."""

from __future__ import annotations

import struct
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec, TensorSpec

# More constant numbers than any of these operands has.
_MAX_NUMBERS = 4096
_CODES = MappingProxyType({"int32": "i", "int64": "q"})


class OperandValues:
    """An operator's tensors, and the numbers in its constant operands."""

    def __init__(self, operator: OperatorSpec, subgraph: SubgraphSpec, model: Model) -> None:
        self.operator = operator
        self.inputs = [subgraph.tensors[i] if i >= 0 else None for i in operator.inputs]
        self.outputs = [subgraph.tensors[index] for index in operator.outputs]
        self._model = model

    @property
    def source(self) -> TensorSpec:
        """The first input."""
        tensor = self.inputs[0]
        assert tensor is not None
        return tensor

    @property
    def result(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return self.outputs[0].shape

    def numbers(self, position: int) -> tuple[int, ...] | None:
        """Numbers of a constant integer operand; None if it is absent or no such constant."""
        tensor = self.inputs[position] if position < len(self.inputs) else None
        if tensor is None or not tensor.is_constant or tensor.dtype not in _CODES:
            return None
        if tensor.is_sparse or tensor.n_elements > _MAX_NUMBERS:
            return None
        data = self._model.constant_data(tensor)
        count = tensor.n_elements
        code = _CODES[tensor.dtype]
        if len(data) < count * struct.calcsize(code):
            return None
        return struct.unpack_from(f"<{count}{code}", data)

    def option(self, name: str) -> int:
        """An integer option, 0 if it is absent."""
        value = self.operator.options.get(name, 0)
        return value if isinstance(value, int) else 0
