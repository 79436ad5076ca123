"""A model of one operator, and the graph round it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.graph_builder import FB, GraphBuilder, Quant, Ref, per_tensor


@dataclass(frozen=True, kw_only=True)
class KernelCase:
    """A model of one operator.

    Attributes:
        op: The operator.
        signature: Data types of its operands and result, as in the table of the package.
        flatbuffer: The file.
    """

    op: str
    signature: str
    flatbuffer: bytes


def quant_of(dtype: str) -> Quant | None:
    """A usual quantization of a data type, or None."""
    zero = {"int8": -3, "uint8": 125, "int16": 0}.get(dtype)
    return None if zero is None else per_tensor(0.05, zero)


def signature_of(inputs: list[str], output: str) -> str:
    """As the package writes it: equal inputs at the end count once from the second on."""
    return f"{','.join(inputs)}->{output}"


class OneOp(GraphBuilder):
    """A graph around one operator."""

    def data(self, shape: tuple[int, ...], dtype: str, quant: Quant | None = None) -> Ref:
        ref = self.tensor(shape, dtype, quant=quant or quant_of(dtype))
        self.graph.inputs.append(ref)
        return ref

    def fixed(self, values: Any, dtype: str) -> Ref:
        return self.constant(values, dtype, quant=quant_of(dtype))

    def result(self, shape: tuple[int, ...], dtype: str, quant: Quant | None = None) -> Ref:
        return self.tensor(shape, dtype, quant=quant or quant_of(dtype))

    def close(
        self, op: str, inputs: list[Ref | None], outs: list[Ref], options: Any = None, **more: Any
    ) -> KernelCase:
        self.operator(op, inputs, outs, options, **more)
        present = [ref.dtype for ref in inputs if ref is not None]
        return KernelCase(
            op=op,
            signature=signature_of(present, outs[0].dtype),
            flatbuffer=self.finish([out for out in outs if out.dtype != "resource"]),
        )


def with_options(name: str, **fields: Any) -> Any:
    options = getattr(FB, f"{name}OptionsT")()
    for field, value in fields.items():
        setattr(options, field, value)
    return options
