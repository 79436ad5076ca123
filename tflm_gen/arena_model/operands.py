"""What an expression of the kernel tables can see of an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.arena_model import cmsis_nn
from tflm_gen.arena_model.cmsis_nn import Window
from tflm_gen.arena_model.lifetimes import tensor_bytes
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec, TensorSpec


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor as the tables see it; an absent optional input has rank -1 and is not there."""

    tensor: TensorSpec | None

    @property
    def there(self) -> bool:
        """The operator has this operand."""
        return self.tensor is not None

    @property
    def dtype(self) -> str:
        """Data type, "" if the operand is absent."""
        return self.tensor.dtype if self.tensor else ""

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.tensor.shape) if self.tensor else -1

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.tensor.n_elements if self.tensor else 0

    @property
    def bytes(self) -> int:
        """Bytes of the elements."""
        return tensor_bytes(self.tensor) if self.tensor else 0

    @property
    def last(self) -> int:
        """Last dimension; 1 for a scalar."""
        return self.tensor.shape[-1] if self.tensor and self.tensor.shape else 1

    @property
    def scales(self) -> int:
        """Number of quantization scales; 0 without quantization."""
        quantization = self.tensor.quantization if self.tensor else None
        return len(quantization.scales) if quantization else 0

    @property
    def constant(self) -> bool:
        """The file carries its data."""
        return self.tensor is not None and self.tensor.is_constant

    @property
    def integer(self) -> bool:
        """Quantized to 8 or 16 bits."""
        return self.dtype in ("int8", "uint8", "int16")

    def dim(self, index: int) -> int:
        """One dimension; negative indices count from the end, beyond the rank it is 1."""
        shape = self.tensor.shape if self.tensor else ()
        return shape[index] if -len(shape) <= index < len(shape) else 1


def operand_names(
    model: Model, graph: SubgraphSpec, op: OperatorSpec, simd: str
) -> dict[str, object]:
    """Names of an expression: in0..in23, out0..out7, options, geometry and functions."""
    names: dict[str, object] = {f"in{i}": _operand(graph, op.inputs, i) for i in range(24)}
    names |= {f"out{i}": _operand(graph, op.outputs, i) for i in range(8)}
    names |= {"simd": simd, "n_in": len(op.inputs), "n_out": len(op.outputs)}
    names |= {"opt": _option_reader(op), "max": max, "min": min, "round_up": align_up}
    names |= {
        "same_shape": _same_shape,
        "dims": _dims_bytes,
        "axis_elements": _axis_elements(model),
    }
    names["window"] = _window(graph, op)
    names["is_first_assignment"] = _is_first_assignment(model, graph, op)
    for name in ("convolve_s8", "convolve_s16", "depthwise_s8", "depthwise_s16"):
        names[name] = getattr(cmsis_nn, name)
    names |= {
        "transpose_conv_s8": cmsis_nn.transpose_conv_s8,
        "transpose_conv_s8_reverse": cmsis_nn.transpose_conv_s8_reverse,
        "average_pool": cmsis_nn.average_pool,
    }
    return names


def tensor_of(graph: SubgraphSpec, indices: tuple[int, ...], position: int) -> TensorSpec | None:
    """An operand's tensor, or None."""
    if position >= len(indices) or indices[position] < 0:
        return None
    return graph.tensors[indices[position]]


def variable_names(model: Model) -> tuple[str, ...]:
    """Resource variables of a model, in the order of their first handle."""
    found = {
        _shared_name(op): None
        for graph in model.subgraphs
        for op in graph.operators
        if op.op == "VAR_HANDLE"
    }
    return tuple(found)


def _shared_name(handle: OperatorSpec) -> str:
    return f"{handle.options.get('container')}/{handle.options.get('shared_name')}"


def _is_first_assignment(model: Model, graph: SubgraphSpec, op: OperatorSpec) -> bool:
    """The first operator that assigns to its variable, which gets its memory then."""
    if op.op != "ASSIGN_VARIABLE":
        return False
    seen: set[str] = set()
    for other in model.subgraphs:
        handles = {
            item.outputs[0]: _shared_name(item)
            for item in other.operators
            if item.op == "VAR_HANDLE"
        }
        for item in other.operators:
            if item.op != "ASSIGN_VARIABLE":
                continue
            name = handles.get(item.inputs[0], "")
            if (other.index, item.index) == (graph.index, op.index):
                return name not in seen
            seen.add(name)
    return False


def _operand(graph: SubgraphSpec, indices: tuple[int, ...], position: int) -> Operand:
    return Operand(tensor_of(graph, indices, position))


def _option_reader(op: OperatorSpec) -> Callable[[str], object]:
    return lambda name: op.options.get(name, 0)


def _same_shape(left: Operand, right: Operand) -> bool:
    shapes = [item.tensor.shape if item.tensor else () for item in (left, right)]
    return shapes[0] == shapes[1]


def _dims_bytes(rank: int) -> int:
    """A list of dimensions in memory: its length and so many numbers."""
    return 4 * (1 + rank)


def _axis_elements(model: Model) -> Callable[[Operand], int]:
    """Number of elements of a constant; reserved for operators whose axes decide a size."""
    return lambda operand: operand.elements if model.subgraphs else 0


def _window(graph: SubgraphSpec, op: OperatorSpec) -> Window | None:
    """Geometry of an operator with a filter, or None."""
    if op.op == "TRANSPOSE_CONV":
        x, w, y = (tensor_of(graph, op.inputs, 2), tensor_of(graph, op.inputs, 1), None)
    else:
        x, w, y = (tensor_of(graph, op.inputs, 0), tensor_of(graph, op.inputs, 1), None)
    y = tensor_of(graph, op.outputs, 0)
    if x is None or w is None or y is None or not len(x.shape) == len(w.shape) == len(y.shape) == 4:
        return None
    numbers = [_number(op, name) for name in ("stride_h", "stride_w")]
    dilation = [_number(op, f"dilation_{axis}_factor") for axis in "hw"]
    pads = [0, 0]
    if op.options.get("padding") == "SAME":
        pads = [
            _pad_before(x.shape[1 + i], y.shape[1 + i], w.shape[1 + i], numbers[i], dilation[i])
            for i in range(2)
        ]
    return Window(
        **{"batch": x.shape[0], "in_h": x.shape[1], "in_w": x.shape[2], "in_c": x.shape[3]},
        **{"out_w": y.shape[2], "out_c": y.shape[3], "filter_h": w.shape[1]},
        **{"filter_w": w.shape[2], "filter_c": w.shape[3]},
        **{"stride_h": numbers[0], "stride_w": numbers[1]},
        **{"dilation_h": dilation[0], "dilation_w": dilation[1]},
        **{"pad_h": pads[0], "pad_w": pads[1]},
    )


def _number(op: OperatorSpec, name: str) -> int:
    value = op.options.get(name)
    return value if isinstance(value, int) and value > 0 else 1


def _pad_before(size: int, out: int, kernel: int, stride: int, dilation: int) -> int:
    reach = (kernel - 1) * dilation + 1
    return max(0, (out - 1) * stride + reach - size) // 2
