"""Says what a model really is, what it costs, what its converter left in it, where it fits."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tflm_gen.inspection.findings import find_all
from tflm_gen.inspection.memory import fit_tiers, tensors_peak_bytes
from tflm_gen.inspection.precision import (
    CONVERSION,
    NOT_COMPUTE,
    file_precision,
    find_islands,
    operator_precision,
)
from tflm_gen.inspection.records import Converter, Inspection, NamedTensor, OperatorRow
from tflm_gen.model.macs import operator_cost
from tflm_gen.model.ops import op_usage

if TYPE_CHECKING:
    from tflm_gen.model.records import Model, OperatorSpec, SubgraphSpec

# A release, with a possible suffix: "2.21.0", "2.20.0-rc1", "1.14.0".
_VERSION = re.compile(rb"\d{1,3}\.\d{1,3}\.\d{1,3}[-.+\w]{0,24}")


def inspect_model(model: Model) -> Inspection:
    """Find out everything about a model that its file says."""
    rows = tuple(
        _row(operator, subgraph) for subgraph in model.subgraphs for operator in subgraph.operators
    )
    precision = file_precision(model, (row.precision for row in rows))
    peak_bytes = tensors_peak_bytes(model.main)
    counts = Counter(row.precision for row in rows)
    return Inspection(
        model=model,
        precision=precision,
        precision_counts=tuple(
            (name, count)
            for name, count in counts.most_common()
            if name not in (CONVERSION, NOT_COMPUTE)
        ),
        inputs=named_tensors(model, outputs=False),
        outputs=named_tensors(model, outputs=True),
        rows=rows,
        usage=op_usage(model),
        macs=sum(row.cost.macs or 0 for row in rows if row.subgraph_index == 0),
        uncounted_ops=tuple(dict.fromkeys(r.operator.op for r in rows if r.cost.is_opaque)),
        tensors_peak_bytes=peak_bytes,
        islands=tuple(
            island
            for subgraph in model.subgraphs
            for island in find_islands(
                subgraph,
                {
                    row.operator.index: row.precision
                    for row in rows
                    if row.subgraph_index == subgraph.index
                },
            )
        ),
        findings=find_all(model),
        converter=read_converter(model),
        tiers=fit_tiers(model, precision=precision, peak_bytes=peak_bytes),
    )


def named_tensors(model: Model, *, outputs: bool) -> tuple[NamedTensor, ...]:
    """Inputs or outputs in the interpreter's order, named by the signature's tensor index.

    A signature lists its entries in an order of its own, so position must not be used.
    """
    names: dict[int, str] = {}
    for signature in model.signatures:
        if signature.subgraph_index == 0:
            for name, index in signature.outputs if outputs else signature.inputs:
                names.setdefault(index, name)
    tensors = model.outputs if outputs else model.inputs
    return tuple(
        NamedTensor(
            position=position,
            name=names.get(tensor.index, tensor.name),
            is_from_signature=tensor.index in names,
            tensor=tensor,
        )
        for position, tensor in enumerate(tensors)
    )


def read_converter(model: Model) -> Converter:
    """Who made the file. The metadata's layout is private to the converter: look for a version."""
    conversion = _VERSION.search(model.metadata.get("CONVERSION_METADATA", b""))
    runtime = _VERSION.search(model.metadata.get("min_runtime_version", b""))
    return Converter(
        description=model.description,
        tensorflow_version=conversion[0].decode() if conversion else None,
        min_runtime_version=runtime[0].decode() if runtime else None,
    )


def _row(operator: OperatorSpec, subgraph: SubgraphSpec) -> OperatorRow:
    tensors = subgraph.tensors
    data = [i for i in operator.inputs if i >= 0 and not tensors[i].is_constant]
    return OperatorRow(
        subgraph_index=subgraph.index,
        operator=operator,
        precision=operator_precision(operator, subgraph),
        cost=operator_cost(operator, subgraph),
        input_shape=tensors[data[0]].shape if data else None,
        output_shape=tensors[operator.outputs[0]].shape if operator.outputs else None,
    )
