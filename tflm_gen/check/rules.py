"""What kernels refuse only when tensors are allocated or the model is invoked.

Every rule was found by running models on the runtimes; ``runtimes`` says which ones refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.check import rule_checks as see

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.check.use import Use

WHEEL = "wheel"
IMAGE = "corstone300_image"
_BOTH = frozenset({WHEEL, IMAGE})
_IMAGE_ONLY = frozenset({IMAGE})
_WHEEL_ONLY = frozenset({WHEEL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One reason why a kernel refuses.

    Attributes:
        code: Stable name of the finding.
        ops: Operators it looks at; empty for all.
        runtimes: Runtimes that were seen to refuse.
        reason: What the kernel does, in words.
        find: Returns the problem, or None.
        library: The kernel library at fault, if it is not TFLM's own kernel: other builds with
            that library may refuse too.
        is_of_file: What it finds is wrong whatever runs the model; other engines refuse it too.
    """

    code: str
    ops: frozenset[str]
    runtimes: frozenset[str]
    reason: str
    find: Callable[[Use], see.Problem | None]
    library: str | None = None
    is_of_file: bool = False


def _ops(names: str) -> frozenset[str]:
    return frozenset(names.split())


RULES: tuple[Rule, ...] = (
    Rule(
        code="output-scale",
        ops=_ops("SOFTMAX LOGISTIC TANH"),
        runtimes=_BOTH,
        reason="the range of the result is built into the kernel, and allocation checks it",
        find=see.fixed_output_scale,
        is_of_file=True,
    ),
    Rule(
        code="int16-zero-point",
        ops=_ops("MUL"),
        runtimes=_BOTH,
        reason="allocation refuses other zero points",
        find=see.int16_zero_point,
    ),
    Rule(
        code="int16-zero-point",
        ops=_ops("ADD"),
        runtimes=_IMAGE_ONLY,
        reason="CMSIS-NN's kernel refuses other zero points at allocation",
        find=see.int16_zero_point,
        library="cmsis-nn",
    ),
    Rule(
        code="per-channel-dense",
        ops=_ops("FULLY_CONNECTED"),
        runtimes=_IMAGE_ONLY,
        reason="CMSIS-NN's kernel has per-channel weights for int8 only, and refuses at allocation",
        find=see.per_channel_dense,
        library="cmsis-nn",
    ),
    Rule(
        code="per-channel-quantize",
        ops=_ops("QUANTIZE"),
        runtimes=_BOTH,
        reason="allocation refuses more than one scale",
        find=see.per_channel_output,
    ),
    Rule(
        code="unequal-scales",
        ops=_ops("CONCATENATION"),
        runtimes=_BOTH,
        reason="allocation compares the scales",
        find=see.equal_scales,
        is_of_file=True,
    ),
    Rule(
        code="unequal-scales",
        ops=_ops("PADV2"),
        runtimes=_BOTH,
        reason="allocation compares the scales",
        find=see.pad_value_scale,
        is_of_file=True,
    ),
    Rule(
        code="bias-scale",
        ops=_ops("FULLY_CONNECTED"),
        runtimes=_BOTH,
        reason="allocation refuses biases that are off by more than 0.02 of an output step",
        find=see.bias_scale,
        is_of_file=True,
    ),
    Rule(
        code="rank",
        ops=_ops("TRANSPOSE"),
        runtimes=_BOTH,
        reason="allocation refuses more dimensions",
        find=see.rank_limit(5),
    ),
    Rule(
        code="rank",
        ops=_ops("STRIDED_SLICE"),
        runtimes=_BOTH,
        reason="allocation refuses more dimensions",
        find=see.rank_limit(4),
    ),
    Rule(
        code="rank",
        ops=_ops("SLICE"),
        runtimes=_BOTH,
        reason="the kernel aborts the program",
        find=see.rank_limit(5),
    ),
    Rule(
        code="rank",
        ops=_ops("BATCH_MATMUL"),
        runtimes=_IMAGE_ONLY,
        reason="CMSIS-NN's kernel refuses more dimensions at allocation",
        find=see.rank_limit(4),
        library="cmsis-nn",
    ),
    Rule(
        code="rank",
        ops=_ops("PAD PADV2"),
        runtimes=_IMAGE_ONLY,
        reason="a bus fault while the model runs",
        find=see.pad_rank,
        library="cmsis-nn",
    ),
    Rule(
        code="broadcast-rank",
        ops=_ops("GREATER GREATER_EQUAL LESS LESS_EQUAL EQUAL NOT_EQUAL"),
        runtimes=_IMAGE_ONLY,
        reason="the kernel aborts while the model runs",
        find=see.broadcast_rank(4, ("int8", "float32", "int32", "int64", "bool", "int16", "uint8")),
    ),
    Rule(
        code="broadcast-rank",
        ops=_ops("SQUARED_DIFFERENCE FLOOR_DIV FLOOR_MOD"),
        runtimes=_IMAGE_ONLY,
        reason="the kernel aborts while the model runs",
        find=see.broadcast_rank(4, ("float32", "int32")),
    ),
    Rule(
        code="broadcast-rank",
        ops=_ops("DIV"),
        runtimes=_IMAGE_ONLY,
        reason="the kernel aborts while the model runs",
        find=see.broadcast_rank(5, ("float32", "int8")),
    ),
    Rule(
        code="broadcast-rank",
        ops=_ops("MAXIMUM MINIMUM"),
        runtimes=_IMAGE_ONLY,
        reason="the kernel aborts while the model runs",
        find=see.broadcast_rank(5, ("float32",)),
    ),
    Rule(
        code="squeezed-shape",
        ops=_ops("SQUEEZE"),
        runtimes=_BOTH,
        reason="the wheel refuses it at allocation; Arm's image, which is older, does not look, and "
        "faults or runs by luck",
        find=see.squeezed_shape,
    ),
    Rule(
        code="too-many-inputs",
        ops=_ops("CONCATENATION"),
        runtimes=_BOTH,
        reason="allocation refuses more",
        find=see.too_many_inputs,
    ),
    Rule(
        code="constant-operand",
        ops=_ops(
            "EXPAND_DIMS PAD PADV2 MIRROR_PAD TRANSPOSE BROADCAST_TO RESIZE_BILINEAR "
            "RESIZE_NEAREST_NEIGHBOR"
        ),
        runtimes=_BOTH,
        reason="TFLM plans memory once, before the first run, and refuses at allocation",
        find=see.constant_operands(1),
    ),
    Rule(
        code="constant-operand",
        ops=_ops("STRIDED_SLICE"),
        runtimes=_BOTH,
        reason="TFLM plans memory once, before the first run, and refuses at allocation",
        find=see.constant_operands(1, 2, 3),
    ),
    Rule(
        code="constant-operand",
        ops=_ops("FILL"),
        runtimes=_BOTH,
        reason="TFLM plans memory once, before the first run, and refuses at allocation",
        find=see.constant_operands(0),
    ),
    Rule(
        code="state-type",
        ops=_ops("SVDF"),
        runtimes=_BOTH,
        reason="allocation compares the types",
        find=see.svdf_state,
        is_of_file=True,
    ),
    Rule(
        code="resource-variables",
        ops=_ops("VAR_HANDLE"),
        runtimes=_IMAGE_ONLY,
        reason="seen at allocation; the wheel has them",
        find=see.no_resources,
    ),
    Rule(
        code="no-npu",
        ops=_ops("CUSTOM:ethos-u"),
        runtimes=_WHEEL_ONLY,
        reason="the wheel's registration of the operator is a null pointer: allocation finds no "
        "kernel",
        find=see.needs_npu,
    ),
    Rule(
        code="no-npu",
        ops=_ops("CUSTOM:ethos-u"),
        runtimes=_IMAGE_ONLY,
        reason="QEMU's mps3-an547 has no Ethos-U",
        find=see.needs_npu,
    ),
    Rule(
        code="custom-options",
        ops=_ops(
            "CUSTOM:SignalDelay CUSTOM:SignalEnergy CUSTOM:SignalFftAutoScale "
            "CUSTOM:SignalFilterBank CUSTOM:SignalFilterBankLog "
            "CUSTOM:SignalFilterBankSpectralSubtraction CUSTOM:SignalFilterBankSquareRoot "
            "CUSTOM:SignalFramer CUSTOM:SignalIrfft CUSTOM:SignalOverlapAdd CUSTOM:SignalPCAN "
            "CUSTOM:SignalRfft CUSTOM:SignalStacker CUSTOM:SignalWindow "
            "CUSTOM:TFLite_Detection_PostProcess"
        ),
        runtimes=_BOTH,
        reason="the kernel reads its options without a look, and crashes",
        find=see.no_options,
    ),
    Rule(
        code="circular-buffer",
        ops=_ops("CUSTOM:CIRCULAR_BUFFER"),
        runtimes=_BOTH,
        reason="allocation refuses other shapes",
        find=see.circular_buffer,
    ),
    Rule(
        code="empty-tensor",
        ops=frozenset(),
        runtimes=_BOTH,
        reason="allocation refuses tensors of unknown size",
        find=see.empty,
        is_of_file=True,
    ),
)
