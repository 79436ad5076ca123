"""An inspection as the versioned JSON document of ``inspect --json``."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from tflm_gen.model.dtypes import tensor_bytes

if TYPE_CHECKING:
    from tflm_gen.inspection.records import Inspection, NamedTensor, OperatorRow, TierFit
    from tflm_gen.model.records import OptionValue

SCHEMA = "tflm-gen/inspect/1"


def inspection_document(inspection: Inspection) -> dict[str, object]:
    """Everything the text report says, and every operator."""
    model = inspection.model
    return {
        "schema": SCHEMA,
        "name": model.name,
        "sha256": model.sha256,
        "file_bytes": len(model.flatbuffer),
        "schema_version": model.schema_version,
        "precision": inspection.precision,
        "precision_counts": dict(inspection.precision_counts),
        "macs": inspection.macs,
        "uncounted_ops": list(inspection.uncounted_ops),
        "tensors_peak_bytes": inspection.tensors_peak_bytes,
        "converter": asdict(inspection.converter),
        "layout": asdict(inspection.layout),
        "subgraphs": [
            {"name": graph.name, "tensors": len(graph.tensors), "operators": len(graph.operators)}
            for graph in model.subgraphs
        ],
        "signatures": [
            {
                "key": signature.key,
                "subgraph": signature.subgraph_index,
                "inputs": dict(signature.inputs),
                "outputs": dict(signature.outputs),
            }
            for signature in model.signatures
        ],
        "inputs": [_tensor(entry) for entry in inspection.inputs],
        "outputs": [_tensor(entry) for entry in inspection.outputs],
        "usage": [asdict(usage) for usage in inspection.usage],
        "operators": [_operator(row) for row in inspection.rows],
        "float_islands": [asdict(island) for island in inspection.islands],
        "findings": [asdict(finding) for finding in inspection.findings],
        "tiers": [_tier(fit) for fit in inspection.tiers],
    }


def _tensor(entry: NamedTensor) -> dict[str, object]:
    tensor = entry.tensor
    quantization = tensor.quantization
    return {
        "position": entry.position,
        "name": entry.name,
        "is_from_signature": entry.is_from_signature,
        "tensor_index": tensor.index,
        "tensor_name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "shape_signature": None if tensor.shape_signature is None else list(tensor.shape_signature),
        "bytes": tensor_bytes(tensor),
        "quantization": None if quantization is None else asdict(quantization),
    }


def _operator(row: OperatorRow) -> dict[str, object]:
    operator = row.operator
    return {
        "subgraph": row.subgraph_index,
        "index": operator.index,
        "op": operator.op,
        "version": operator.version,
        "precision": row.precision or None,
        "inputs": list(operator.inputs),
        "outputs": list(operator.outputs),
        "input_shape": None if row.input_shape is None else list(row.input_shape),
        "output_shape": None if row.output_shape is None else list(row.output_shape),
        "options": {name: _json_value(value) for name, value in operator.options.items()},
        **asdict(row.cost),
    }


def _json_value(value: OptionValue) -> object:
    """JSON has no infinity and no NaN, which a file may hold: they become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, tuple):
        return [_json_value(item) for item in value]
    return value


def _tier(fit: TierFit) -> dict[str, object]:
    return {
        "tier": fit.tier.name,
        "min_bytes": fit.tier.min_bytes,
        "max_bytes": fit.tier.max_bytes,
        "hardware": fit.runtime.hardware.value,
        "runtimes": fit.tier.runtimes,
        "runtime": fit.runtime.runtime,
        "needed_bytes": fit.needed_bytes,
        "verdict": fit.verdict,
        "reason": fit.reason,
        "note": fit.tier.note,
    }
