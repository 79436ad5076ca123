"""The findings of :mod:`tflm_gen.check.rules`: each looks at one operator, and says what is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.check.use import is_per_channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.check.use import Use
    from tflm_gen.model.records import TensorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What was seen in one operator."""

    message: str
    remedy: str


# --- quantization -------------------------------------------------------------------------------

_CONVERT_AGAIN = "Convert the model again; an edited file or an old converter writes such scales."
_SHAPES_AGAIN = "Convert the model again; an edited file or an old converter writes such shapes."


def fixed_output_scale(use: Use) -> Problem | None:
    """SOFTMAX, LOGISTIC and TANH produce one known range."""
    output = use.output
    if output is None or output.quantization is None or output.dtype not in ("int8", "int16"):
        return None
    scale, zero_point = output.quantization.scales[0], output.quantization.zero_points[0]
    wanted_zero = -128 if output.dtype == "int8" else 0
    is_right = zero_point == wanted_zero
    wanted = f"zero point {wanted_zero}"
    if use.op == "SOFTMAX":
        exact = 1 / 256 if output.dtype == "int8" else 1 / 32768
        wanted = f"scale 1/{256 if output.dtype == 'int8' else 32768} and {wanted}"
        is_right = is_right and math.isclose(scale, exact, abs_tol=0.001 * exact)
    elif use.op == "TANH" and output.dtype == "int8":
        return None
    elif output.dtype == "int16":
        wanted = f"a power of two as scale and {wanted}"
        is_right = is_right and _is_power_of_two(scale)
    if is_right:
        return None
    return Problem(
        message=f"the {output.dtype} output has scale {scale:.9g} and zero point {zero_point}, "
        f"and the kernel wants {wanted}",
        remedy=_CONVERT_AGAIN,
    )


def _is_power_of_two(scale: float) -> bool:
    return scale > 0 and abs(math.log2(scale) - round(math.log2(scale))) < 1e-3


def int16_zero_point(use: Use) -> Problem | None:
    """int16 kernels without an offset."""
    tensors = (*use.inputs[:2], use.output)
    wrong = [
        tensor.quantization.zero_points[0]
        for tensor in tensors
        if tensor is not None
        and tensor.dtype == "int16"
        and tensor.quantization is not None
        and tensor.quantization.zero_points[0] != 0
    ]
    if not wrong:
        return None
    return Problem(
        message=f"int16 operands with zero point {wrong[0]}; the kernel wants 0",
        remedy="Quantize int16 activations symmetrically, as the converter does.",
    )


def per_channel_dense(use: Use) -> Problem | None:
    """A dense layer with a scale for each unit."""
    source, weights = use.input(0), use.input(1)
    if source is None or source.dtype != "int16" or not is_per_channel(weights):
        return None
    return Problem(
        message="int16 input with per-channel weights",
        remedy="Keep dense layers per-tensor for int16x8: the converter's "
        "_experimental_disable_per_channel_quantization_for_dense_layers does that.",
    )


def per_channel_output(use: Use) -> Problem | None:
    """A result with a scale for each channel."""
    if not is_per_channel(use.output):
        return None
    return Problem(
        message="the output has a scale for each channel, and the kernel takes one for all",
        remedy="Store the constant quantized, so that no QUANTIZE is needed for it.",
    )


def equal_scales(use: Use) -> Problem | None:
    """Operands that are copied as they are."""
    output = use.output
    if output is None or output.dtype != "int8" or output.quantization is None:
        return None
    for position, tensor in enumerate(use.inputs):
        quant = tensor.quantization
        if quant is not None and (quant.scales[0], quant.zero_points[0]) != (
            output.quantization.scales[0],
            output.quantization.zero_points[0],
        ):
            return Problem(
                message=f"int8 input {position} has scale {quant.scales[0]:.6g}, the output "
                f"{output.quantization.scales[0]:.6g}; the kernel only copies",
                remedy="Convert again: the converter puts a QUANTIZE before such an input.",
            )
    return None


def pad_value_scale(use: Use) -> Problem | None:
    """A value that is written between copied ones."""
    value, output = use.input(2), use.output
    if value is None or output is None or output.dtype != "int8":
        return None
    if _first_affine(value) == _first_affine(output):
        return None
    return Problem(
        message="the int8 padding value is quantized otherwise than the output; the kernel writes "
        "it as it is",
        remedy="Convert again: the converter quantizes the value like the output.",
    )


def bias_scale(use: Use) -> Problem | None:
    """Biases are added to products as they are: both have one scale."""
    source, weights, bias, output = use.input(0), use.input(1), use.input(2), use.output
    if source is None or weights is None or bias is None or output is None:
        return None
    if source.dtype != "int8" or output.dtype != "int8" or is_per_channel(weights):
        return None
    scales = [_first_affine(tensor)[0] for tensor in (source, weights, bias, output)]
    if not scales[3] or abs(scales[0] * scales[1] - scales[2]) / scales[3] <= _BIAS_TOLERANCE:
        return None
    return Problem(
        message=f"its bias has scale {scales[2]:.6g}, input and weights give "
        f"{scales[0] * scales[1]:.6g}",
        remedy=_CONVERT_AGAIN,
    )


_BIAS_TOLERANCE = 0.02  # Of a step of the output; TFLite's own.


def _first_affine(tensor: TensorSpec) -> tuple[float, int]:
    """Scale and zero point as TFLM has them: 0 and 0 if there are none."""
    quant = tensor.quantization
    return (quant.scales[0], quant.zero_points[0]) if quant is not None else (0.0, 0)


# --- ranks and counts ---------------------------------------------------------------------------


def rank_limit(limit: int) -> Callable[[Use], Problem | None]:
    """More dimensions than the kernel has loops."""

    def find(use: Use) -> Problem | None:
        source = use.input(0)
        if source is None or len(source.shape) <= limit:
            return None
        return Problem(
            message=f"input of {len(source.shape)} dimensions, and the kernel takes {limit}",
            remedy="Reshape to fewer dimensions before the operator: merge those that stay whole.",
        )

    return find


def _broadcasts(use: Use) -> bool:
    left, right = use.input(0), use.input(1)
    return left is not None and right is not None and left.shape != right.shape


def broadcast_rank(limit: int, dtypes: tuple[str, ...]) -> Callable[[Use], Problem | None]:
    """Broadcasting over more dimensions than the kernel has loops."""

    def find(use: Use) -> Problem | None:
        source, output = use.input(0), use.output
        if source is None or output is None or not _broadcasts(use):
            return None
        if source.dtype not in dtypes or len(output.shape) <= limit:
            return None
        return Problem(
            message=f"broadcasting over {len(output.shape)} dimensions; the kernel handles {limit} "
            "and stops the program beyond",
            remedy="Reshape both operands to fewer dimensions before the operator.",
        )

    return find


def too_many_inputs(use: Use) -> Problem | None:
    """A list of operands with a fixed room."""
    count = len(use.operator.inputs)
    if count <= _MAX_CONCATENATION:
        return None
    return Problem(
        message=f"{count} inputs, and the kernel takes {_MAX_CONCATENATION}",
        remedy="Concatenate in two steps of at most 10 inputs each.",
    )


_MAX_CONCATENATION = 10


def squeezed_shape(use: Use) -> Problem | None:
    """What is left of the input's dimensions is the stored output's, in order."""
    source, output = use.input(0), use.output
    if source is None or output is None:
        return None
    named = use.operator.options.get("squeeze_dims") or ()
    rank = len(source.shape)
    dropped = {int(axis) % rank for axis in named if rank} if isinstance(named, tuple) else set()
    if not dropped:
        dropped = {axis for axis, size in enumerate(source.shape) if size == 1}
    kept = [size for axis, size in enumerate(source.shape) if axis not in dropped]
    is_one = all(source.shape[axis] == 1 for axis in dropped)
    is_long_enough = len(kept) <= len(output.shape)
    pairs = zip(kept, output.shape, strict=False)
    if is_one and is_long_enough and all(size <= stored for size, stored in pairs):
        return None
    return Problem(
        message=f"input {list(source.shape)} without dimensions {sorted(dropped)} is not the stored "
        f"output {list(output.shape)}",
        remedy=_SHAPES_AGAIN,
    )


def pad_rank(use: Use) -> Problem | None:
    """CMSIS-NN pads four dimensions."""
    source = use.input(0)
    if source is None or source.dtype != "int8" or len(source.shape) >= 4:
        return None
    return Problem(
        message=f"int8 input of {len(source.shape)} dimensions; the kernel reads 4 sizes whatever "
        "the rank, and writes past its tensors",
        remedy="Pad a 4-D tensor ([1, 1, width, channels]), or pad in the convolution.",
    )


# --- operands -----------------------------------------------------------------------------------


def constant_operands(*positions: int) -> Callable[[Use], Problem | None]:
    """Operands that decide a shape."""

    def find(use: Use) -> Problem | None:
        for position in positions:
            tensor = use.input(position)
            if tensor is not None and not tensor.is_constant:
                return Problem(
                    message=f"input {position} ({tensor.name or 'no name'}) is computed at run "
                    "time, and the kernel wants a constant",
                    remedy="Convert with the batch fixed to 1, so that shapes are constants.",
                )
        return None

    return find


def empty(use: Use) -> Problem | None:
    """No elements."""
    tensors: tuple[TensorSpec | None, ...] = (*use.inputs, use.output)
    if not any(t is not None and 0 in t.shape and not t.is_constant for t in tensors):
        return None
    return Problem(
        message="a tensor without elements; TFLM takes it for one of unknown size",
        remedy="Convert with every dimension fixed.",
    )


def svdf_state(use: Use) -> Problem | None:
    """State of a type that the kernel does not keep."""
    source, state = use.input(0), use.input(4)
    if source is None or state is None:
        return None
    allowed = ("float32",) if source.dtype == "float32" else ("int8", "int16")
    if state.dtype in allowed:
        return None
    return Problem(
        message=f"{source.dtype} input with {state.dtype} state; the kernel wants "
        f"{' or '.join(allowed)}",
        remedy="Convert the layer again.",
    )


def no_resources(use: Use) -> Problem | None:
    """Variables that live outside of the tensors."""
    del use
    return Problem(
        message="state in a resource variable; the prebuilt image links no "
        "MicroResourceVariables, so none can be allocated",
        remedy="Make the state an explicit input and output of the model.",
    )


def needs_npu(use: Use) -> Problem | None:
    """A model that Vela compiled."""
    del use
    return Problem(
        message="an operator for the Ethos-U, and there is none",
        remedy="Run the model that Vela compiled on a board with an Ethos-U; check and verify the "
        "model from before Vela here.",
    )


def no_options(use: Use) -> Problem | None:
    """A custom operator whose parameters are missing."""
    if use.operator.custom_options:
        return None
    return Problem(
        message="a custom operator without its options",
        remedy="Make the model again with the tool that knows the operator.",
    )


def circular_buffer(use: Use) -> Problem | None:
    """TFLM's streaming buffer takes one slice a time."""
    source = use.input(0)
    if source is None or (len(source.shape) == 4 and source.shape[:2] == (1, 1)):
        return None
    return Problem(
        message=f"input of shape {list(source.shape)}; the kernel takes [1, 1, width, channels]",
        remedy="Feed one slice at a time.",
    )
