"""What the lowerings read: one model's main subgraph, with constants as arrays and clear refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from tflm_gen.compiled.ir import Value
from tflm_gen.compiled.tables import Affine, activation_range
from tflm_gen.errors import NotCompilableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tflm_gen.compiled.ir import Target, Tuning
    from tflm_gen.model.records import Model, OperatorSpec, TensorSpec

_DTYPE_BYTES: Mapping[str, int] = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "float16": 2}
_DTYPE_BYTES_WIDE: Mapping[str, int] = {"int32": 4, "float32": 4, "int64": 8}
_NUMPY: Mapping[str, str] = {"int8": "i1", "int32": "<i4", "int64": "<i8", "float32": "<f4"}


class Graph:
    """The main subgraph of a model, seen by the lowerings.

    Args:
        model: A model that passed the reader's checks.
        target: Instruction set to choose kernels for.
        tuning: Where kernels trade flash for speed.
    """

    def __init__(self, model: Model, target: Target, tuning: Tuning) -> None:
        self.model = model
        self.tuning = tuning
        self.target = target
        self.tensors = model.main.tensors

    def refuse(self, op: OperatorSpec, reason: str) -> NoReturn:
        """Stop: the compiled engine does not carry this operator in this form.

        Raises:
            NotCompilableError: Always.
        """
        raise NotCompilableError(
            f"operator {op.index} ({op.op}): {reason}",
            hint="TFLM's interpreter carries the model: build with --engine tflm.",
        )

    def require(self, condition: bool, op: OperatorSpec, reason: str) -> None:
        """Refuse the operator unless the condition holds."""
        if not condition:
            self.refuse(op, reason)

    def tensor(self, op: OperatorSpec, tensor_id: int) -> TensorSpec:
        """A tensor that the operator must have."""
        self.require(tensor_id >= 0, op, "a required tensor is absent")
        return self.tensors[tensor_id]

    def input(self, op: OperatorSpec, position: int) -> TensorSpec:
        """The operator's input at a position."""
        self.require(position < len(op.inputs), op, f"input {position} is absent")
        return self.tensor(op, op.inputs[position])

    def output(self, op: OperatorSpec, position: int = 0) -> TensorSpec:
        """The operator's output at a position."""
        self.require(position < len(op.outputs), op, f"output {position} is absent")
        return self.tensor(op, op.outputs[position])

    def optional_input(self, op: OperatorSpec, position: int) -> TensorSpec | None:
        """The operator's input at a position, or None if the model leaves it out."""
        if position >= len(op.inputs) or op.inputs[position] < 0:
            return None
        return self.tensors[op.inputs[position]]

    def require_int8(self, op: OperatorSpec, *tensors: TensorSpec) -> None:
        """Refuse data types other than int8."""
        for tensor in tensors:
            self.require(
                tensor.dtype == "int8",
                op,
                f"tensor {tensor.index} ({tensor.name!r}) is {tensor.dtype}; "
                f"the compiled engine computes in int8",
            )

    def affine(self, op: OperatorSpec, tensor: TensorSpec) -> Affine:
        """A tensor's per-tensor quantization."""
        quantization = tensor.quantization
        if quantization is None or len(quantization.scales) != 1:
            self.refuse(op, f"tensor {tensor.index} ({tensor.name!r}) has no per-tensor scale")
        scale, zero_point = quantization.scales[0], quantization.zero_points[0]
        self.require(scale > 0, op, f"tensor {tensor.index} has scale {scale:g}")
        self.require(
            -128 <= zero_point <= 127, op, f"tensor {tensor.index} has zero point {zero_point}"
        )
        return Affine(scale=scale, zero_point=zero_point)

    def constant(self, op: OperatorSpec, tensor: TensorSpec, what: str) -> NDArray[np.int64]:
        """A constant integer tensor as an array of its shape.

        Args:
            op: Who needs it, for the message.
            tensor: The tensor.
            what: What it is ("weights"), for the message.
        """
        self.require(tensor.is_constant, op, f"its {what} are computed at run time")
        self.require(tensor.dtype in _NUMPY, op, f"its {what} are {tensor.dtype}")
        self.require(not tensor.is_sparse, op, f"its {what} are stored sparse")
        data = np.frombuffer(self.model.constant_data(tensor), dtype=_NUMPY[tensor.dtype])
        self.require(data.size == tensor.n_elements, op, f"its {what} do not fill their shape")
        return data.reshape(tensor.shape).astype(np.int64)

    def activation(self, op: OperatorSpec, out: Affine) -> tuple[int, int]:
        """The int8 clamp of the operator's fused activation."""
        name = str(op.options.get("fused_activation_function", "NONE"))
        limits = activation_range(name, out)
        if limits is None:
            self.refuse(op, f"fused activation {name}")
        return limits

    def integer(self, op: OperatorSpec, name: str, default: int) -> int:
        """An integer option."""
        value = op.options.get(name, default)
        return value if isinstance(value, int) else default

    def same_quantization(self, op: OperatorSpec, a: TensorSpec, b: TensorSpec) -> None:
        """Refuse an operator that moves data between different quantizations."""
        if a.dtype == "int8":
            self.require(
                self.affine(op, a) == self.affine(op, b),
                op,
                f"tensors {a.index} and {b.index} have different quantizations",
            )

    def value(self, tensor_id: int) -> Value:
        """The run-time view of a tensor."""
        tensor = self.tensors[tensor_id]
        quantization = tensor.quantization
        one_scale = quantization is not None and len(quantization.scales) == 1
        return Value(
            id=tensor_id,
            name=tensor.name,
            shape=tensor.shape,
            dtype=tensor.dtype,
            n_bytes=tensor.n_elements * self.element_bytes(tensor),
            affine=Affine(scale=quantization.scales[0], zero_point=quantization.zero_points[0])
            if quantization is not None and one_scale
            else None,
            constant=self.model.constant_data(tensor) if tensor.is_constant else None,
        )

    def element_bytes(self, tensor: TensorSpec) -> int:
        """Bytes of one element."""
        size = _DTYPE_BYTES.get(tensor.dtype) or _DTYPE_BYTES_WIDE.get(tensor.dtype)
        if size is None:
            raise NotCompilableError(
                f"tensor {tensor.index} ({tensor.name!r}) is {tensor.dtype}",
                hint="TFLM's interpreter carries the model: build with --engine tflm.",
            )
        return size

    def runtime_inputs(self, op: OperatorSpec, *positions: int) -> tuple[int, ...]:
        """Ids of those inputs that are computed at run time, without repetition."""
        ids = (op.inputs[position] for position in positions)
        return tuple(dict.fromkeys(i for i in ids if not self.tensors[i].is_constant))
