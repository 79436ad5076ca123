"""What ``inspect`` finds out about a model, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.inspection.hardware_tiers import MemoryTier, RuntimeClass
    from tflm_gen.model.macs import OperatorCost
    from tflm_gen.model.records import ByteLayout, Model, OperatorSpec, OpUsage, TensorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTensor:
    """An input or output of the model.

    Attributes:
        position: Place in the interpreter's order.
        name: Name in the signature, else the tensor's own name.
        is_from_signature: The name is the signature's.
        tensor: The tensor.
    """

    position: int
    name: str
    is_from_signature: bool
    tensor: TensorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRow:
    """One operator with what it works on and what it costs.

    Attributes:
        subgraph_index: Where the operator is.
        operator: The operator.
        precision: "int8", "int16x8", "uint8", "float32", "hybrid", ..., "conversion" for a change
            of type, or "" for shape arithmetic on integers.
        cost: Its work.
        input_shape: Shape of the first run-time input, or None.
        output_shape: Shape of the first output, or None.
    """

    subgraph_index: int
    operator: OperatorSpec
    precision: str
    cost: OperatorCost
    input_shape: tuple[int, ...] | None
    output_shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatIsland:
    """Float operators in the middle of a quantized model.

    Attributes:
        subgraph_index: Where they are.
        operators: Indices of the float operators.
        ops: Their names, in order, each once.
        entries: Indices of the DEQUANTIZE operators that lead in.
        exits: Indices of the QUANTIZE operators that lead out.
    """

    subgraph_index: int
    operators: tuple[int, ...]
    ops: tuple[str, ...]
    entries: tuple[int, ...]
    exits: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about the file that a user should know.

    Attributes:
        code: Stable name for scripts ("expand-dims").
        is_warning: It can make results wrong or the model fail; otherwise it costs time or bytes.
        message: What was found, with numbers.
        hint: What to do about it.
        operators: (subgraph index, operator index) of the operators concerned.
    """

    code: str
    is_warning: bool
    message: str
    hint: str
    operators: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TierFit:
    """Whether the model fits into a memory tier.

    Attributes:
        tier: The tier.
        runtime: Runtime class of the tier's hardware.
        needed_bytes: RAM at least needed there: tensors, the runtime's own, and for runtimes that
            load the file into RAM, the file.
        verdict: "fits", "tight" or "no".
        reason: Why.
    """

    tier: MemoryTier
    runtime: RuntimeClass
    needed_bytes: int
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """Who made the file, as far as it says.

    Attributes:
        description: The file's own description.
        tensorflow_version: From the conversion metadata, or None.
        min_runtime_version: First TFLite runtime that has all operator versions, or None.
    """

    description: str
    tensorflow_version: str | None
    min_runtime_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Everything ``inspect`` prints.

    Attributes:
        model: The model.
        precision: What the whole file is: "int8" only if every compute operator is, else
            "int16x8", "uint8", "float32", "float16", "hybrid" or "mixed".
        precision_counts: Number of compute operators by precision.
        inputs: Inputs in the interpreter's order.
        outputs: Outputs in the interpreter's order.
        rows: All operators of all subgraphs.
        usage: Operators by name.
        macs: Sum of the countable multiply-accumulates of the main subgraph.
        uncounted_ops: Names of operators whose work cannot be told.
        tensors_peak_bytes: Largest set of run-time tensors alive at once in the main subgraph,
            shape changes in place: a lower bound of the arena.
        islands: Float islands.
        findings: Converter artefacts and other findings.
        converter: Who made the file.
        tiers: Where it fits.
    """

    model: Model
    precision: str
    precision_counts: tuple[tuple[str, int], ...]
    inputs: tuple[NamedTensor, ...]
    outputs: tuple[NamedTensor, ...]
    rows: tuple[OperatorRow, ...]
    usage: tuple[OpUsage, ...]
    macs: int
    uncounted_ops: tuple[str, ...]
    tensors_peak_bytes: int
    islands: tuple[FloatIsland, ...]
    findings: tuple[Finding, ...]
    converter: Converter
    tiers: tuple[TierFit, ...]

    @property
    def layout(self) -> ByteLayout:
        """Where the file's bytes go."""
        return self.model.layout
