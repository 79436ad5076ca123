"""What ``quantize`` is asked and what it answers; plain data, so that it crosses to the child."""

from __future__ import annotations

from dataclasses import dataclass, field

SCHEMES = ("int8", "int16x8")
IO_TYPES = ("int8", "float32")
METHODS = ("minmax", "percentile", "mse")
PERCENTILE = 99.9


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeChange:
    """One activation whose range is narrower than the values seen.

    Attributes:
        tensor: Its name in the float model.
        least: Smallest value seen.
        most: Largest value seen.
        low: Start of the range it is quantized with.
        high: End of it.
    """

    tensor: str
    least: float
    most: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeRequest:
    """One quantization.

    Attributes:
        model_path: .keras/.h5 file, SavedModel folder or float .tflite.
        data_path: Windows, as :func:`tflm_gen.quantize.windows.load_windows` reads them.
        scheme: "int8", or "int16x8" (int16 activations, int8 weights).
        io: Type of the model's inputs and outputs: "int8" or "float32". With scheme int16x8,
            "int8" stands for int16.
        per_channel: Per-channel weights for convolutions.
        held_out: Share of the windows kept out of calibration for the agreement, in [0, 1).
        output_path: Where the quantized model is written.
        metadata: Further ``TFLM_GEN_*`` texts that the model shall carry.
        method: How ranges follow from the windows: "minmax", "percentile" or "mse".
        percentile: For "percentile": share of values kept at each side, in percent.
    """

    model_path: str
    data_path: str
    scheme: str
    io: str
    per_channel: bool
    held_out: float
    output_path: str
    metadata: dict[str, str] = field(default_factory=dict)
    method: str = "minmax"
    percentile: float = PERCENTILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Float against quantized model on the same windows.

    Attributes:
        split: Which windows, in words.
        runtime: What ran the quantized model.
        n_windows: How many.
        same_class: Windows whose largest output is at the same place, or None when the model has
            no output of two or more values.
        max_abs_error: Largest difference of any output value, in the output's own unit.
        mean_abs_error: Mean difference over all output values.
    """

    split: str
    runtime: str
    n_windows: int
    same_class: int | None
    max_abs_error: float
    mean_abs_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCheck:
    """Float outputs with batches of 1, 2 and 4 windows.

    Attributes:
        n_windows: How many were compared.
        sizes: Batch sizes that the model takes; one only where its batch is fixed.
        largest_difference: Between any of them and batches of 1, in the outputs' unit.
        same_class: Whether every window got the same class each time.
    """

    n_windows: int
    sizes: tuple[int, ...]
    largest_difference: float
    same_class: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeAnswer:
    """What the child reports.

    Attributes:
        source_kind: "keras", "saved_model" or "tflite".
        source_sha256: Of the float model as given (of all files, in name order, for a folder).
        float_bytes: Size of the float .tflite that was quantized.
        quantized_bytes: Size of the result.
        quantized_sha256: Of the result.
        n_calibration: Windows that set the ranges.
        inputs: Input name -> shape without batch.
        agreement: Float against quantized.
        versions: Python, numpy, tensorflow, keras.
        batches: The float model in batches of 1, 2 and 4, before it was converted.
        range_changes: Activations with narrower ranges than minimum and maximum.
    """

    source_kind: str
    source_sha256: str
    float_bytes: int
    quantized_bytes: int
    quantized_sha256: str
    n_calibration: int
    inputs: dict[str, tuple[int, ...]]
    agreement: Agreement
    versions: dict[str, str]
    batches: BatchCheck
    range_changes: tuple[RangeChange, ...] = ()
