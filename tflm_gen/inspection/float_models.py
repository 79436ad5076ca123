"""Models that are not quantized, or not in a way that TFLM runs, and models without their weights."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.inspection.precision import model_precision
from tflm_gen.inspection.records import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tflm_gen.model.records import Model

_QUANTIZE = "Quantize the float32 model with representative windows: tflm-gen quantize."
_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "float32": "nothing in the model is quantized: four bytes for each weight and activation, "
        "and output bytes that depend on compiler and core",
        "float16": "the weights are float16, which TFLM does not have; tflm-gen build stores them "
        "as float32",
        "hybrid": "only weights are quantized (dynamic range), not activations: TFLM does not run it",
    }
)


def find_float_model(model: Model) -> Iterator[Finding]:
    """A model that should be quantized before it goes on a microcontroller."""
    precision = model_precision(model)
    if precision in _MESSAGES and any(graph.operators for graph in model.subgraphs):
        yield Finding(
            code=f"{precision}-model",
            is_warning=precision == "hybrid",
            message=_MESSAGES[precision],
            hint=_QUANTIZE,
        )


def find_unset_variables(model: Model) -> Iterator[Finding]:
    """Variables that are read and never written: a converter that was not given their values."""
    places = {
        op: tuple(
            (subgraph.index, operator.index)
            for subgraph in model.subgraphs
            for operator in subgraph.operators
            if operator.op == op
        )
        for op in ("READ_VARIABLE", "ASSIGN_VARIABLE")
    }
    reads = places["READ_VARIABLE"]
    if reads and not places["ASSIGN_VARIABLE"]:
        yield Finding(
            code="unset-variables",
            is_warning=True,
            message=f"{len(reads)} READ_VARIABLE read variables that nothing in the file sets: "
            "the weights behind them are not in it",
            hint="Convert with from_keras_model or from_saved_model, or freeze the function first "
            "(convert_variables_to_constants_v2).",
            operators=reads,
        )
