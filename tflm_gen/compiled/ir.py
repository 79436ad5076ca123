"""The lowered graph: values, constants, and steps that each call kernels; all decided, nothing run.

A step's kernels get a pointer to a constant parameter struct, then the memory of values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import prod
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.compiled.tables import Affine


class Target(StrEnum):
    """Instruction set the kernels are chosen for."""

    PORTABLE = "portable"
    DSP = "dsp"
    MVE = "mve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Where kernels trade flash for speed.

    Attributes:
        pairs_min_macs: Multiply-accumulates from which a convolution gets the kernel that does
            four products at once. Its code is 1.5 kB more, and its weights take up to a third
            more flash than those of the other fast kernel.
    """

    pairs_min_macs: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A tensor the engine knows at run time.

    Attributes:
        id: The tensor's index in the model.
        name: Its name there; may be empty.
        shape: Dimensions.
        dtype: TFLite's name in lower case.
        n_bytes: Size in memory.
        affine: Per-tensor quantization, None without one.
        constant: The data of a constant tensor, else None.
    """

    id: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    n_bytes: int
    affine: Affine | None
    constant: bytes | None = None

    @property
    def n_elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A constant array of the generated C file.

    Attributes:
        role: What it holds, for its C name and comment ("weights").
        c_type: Element type, or a struct of :mod:`tgk/kernels.h` whose members are rows.
        rows: Numbers, or one tuple of numbers per struct.
    """

    role: str
    c_type: str
    rows: tuple[int, ...] | tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """Initializer of a C struct, members by name."""

    members: Mapping[str, Field]


Field: TypeAlias = int | float | Table | tuple[int, ...] | Struct


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """A pointer argument: a value's memory (plus an offset), or the step's scratch memory.

    Attributes:
        value_id: The value, or None for scratch memory.
        c_type: Pointer target type in the kernel's declaration.
        offset_bytes: Added to the start.
        is_output: The kernel writes it.
    """

    value_id: int | None
    c_type: str = "int8_t"
    offset_bytes: int = 0
    is_output: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One kernel call.

    Attributes:
        kernel: C function.
        source: Its file below ``src/``.
        params_type: C type of the parameter struct.
        params: Its initializer.
        operands: Pointer arguments behind it, in order.
    """

    kernel: str
    source: str
    params_type: str
    params: Struct
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one operator (or a fused run of them) does.

    Attributes:
        operators: Indices of the model's operators.
        op: Their names, joined by "+".
        inputs: Ids of the values it reads that are computed at run time.
        outputs: Ids of the values it writes.
        calls: Kernel calls in order.
        scratch_bytes: Memory it needs only while it runs.
        in_place: Inputs whose memory the first output may take over.
        note: Why this kernel, in a few words, or "".
    """

    operators: tuple[int, ...]
    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[Call, ...]
    scratch_bytes: int = 0
    in_place: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A model, lowered for one target.

    Attributes:
        target: Instruction set.
        values: All values that steps, inputs and outputs use, by id.
        steps: In execution order.
        aliases: Values that share another's memory without a step: id -> that value's id.
        inputs: Ids of the model's inputs, in order.
        outputs: Ids of the model's outputs, in order.
    """

    target: Target
    values: Mapping[int, Value]
    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    aliases: Mapping[int, int] = field(default_factory=dict)

    def root(self, value_id: int) -> int:
        """The value whose memory a value lives in."""
        while value_id in self.aliases:
            value_id = self.aliases[value_id]
        return value_id
