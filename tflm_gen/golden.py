"""The golden vector of a model: one input, and the outputs the oracle computes for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tflm_gen.project.plan import GoldenVector, io_bytes
from tflm_gen.tflm.source_facts import WHEEL_VERSION
from tflm_gen.tflm.sources import find_wheel_library
from tflm_gen.toolchain.disk_cache import load_json, store_json

if TYPE_CHECKING:
    from tflm_gen.model.records import Model
    from tflm_gen.vectors import Vector

NOT_WANTED = "not wanted: the outputs are compared elsewhere"
NO_ORACLE = "no oracle: the tflite-micro wheel is not installed on this machine"


def make_golden_vector(model: Model, has_outputs: bool = True) -> GoldenVector:
    """Compute, or take from the cache, the golden vector of a model.

    Without the wheel the vector has no outputs, and firmware skips its start-up test.

    Args:
        model: The model.
        has_outputs: False leaves the outputs out.

    Raises:
        UnsupportedModelError: If an input or output has no fixed size.
        OracleError: If the reference interpreter refuses the model or crashes on it.
    """
    for tensor in (*model.inputs, *model.outputs):
        io_bytes(tensor)
    vector = golden_input(model)
    if not has_outputs:
        return GoldenVector(inputs=vector.inputs, outputs=None, oracle=NOT_WANTED)
    if find_wheel_library() is None:
        return GoldenVector(inputs=vector.inputs, outputs=None, oracle=NO_ORACLE)
    name = _cache_name(model, vector, WHEEL_VERSION)
    cached = _load(name, vector)
    if cached is not None:
        return cached
    from tflm_gen.oracle.reference import run_reference

    run = run_reference(model.flatbuffer, [vector])
    golden = GoldenVector(inputs=vector.inputs, outputs=run.outputs[0], oracle=run.runtime)
    outputs = [data.hex() for data in run.outputs[0]]
    store_json("oracle", name, {"oracle": golden.oracle, "outputs": outputs})
    return golden


def golden_input(model: Model) -> Vector:
    """The input of the golden vector: the first that verification uses too."""
    from tflm_gen.vectors import make_vectors

    return make_vectors(model.inputs, count=1)[0]


def _cache_name(model: Model, vector: Vector, runtime: str) -> str:
    digest = hashlib.sha256(f"{runtime}\0{model.sha256}\0".encode())
    for data in vector.inputs:
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()


def _load(name: str, vector: Vector) -> GoldenVector | None:
    stored = load_json("oracle", name)
    outputs = stored.get("outputs") if stored else None
    oracle = stored.get("oracle") if stored else None
    if not isinstance(outputs, list) or not isinstance(oracle, str):
        return None
    try:
        data = tuple(bytes.fromhex(text) for text in outputs)
    except (TypeError, ValueError):
        return None
    return GoldenVector(inputs=vector.inputs, outputs=data, oracle=oracle)
