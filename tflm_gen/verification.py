"""Proves that a device computes the reference's bytes, or finds the operator where they part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.model.records import Model
from tflm_gen.oracle.client import make_tap_model, read_tensors
from tflm_gen.oracle.reference import run_reference
from tflm_gen.runner.session import DeviceSession

if TYPE_CHECKING:
    from tflm_gen.vectors import Vector

# Operators that keep state outside variable tensors.
_STATEFUL_OPS = frozenset({"VAR_HANDLE", "CALL_ONCE", "CUSTOM:CIRCULAR_BUFFER"})
_NUMPY_NAMES = {"bool": "u1", "float32": "<f4", "float16": "<f2"}

OpenTap = Callable[[Model], AbstractContextManager[DeviceSession]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two tensors differ.

    Attributes:
        n_elements: Elements of the tensor.
        n_different: Elements whose bytes differ.
        element: Index of the first of them.
        device_value: What the device computed there.
        host_value: What the reference computed there.
        max_abs_difference: Largest difference of any element, in stored numbers.
    """

    n_elements: int
    n_different: int
    element: int
    device_value: float
    host_value: float
    max_abs_difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """An output that differs on one vector."""

    vector_index: int
    vector: str
    output_index: int
    output: str
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first operator, in execution order, whose result differs although its inputs agree."""

    operator_index: int
    op: str
    tensor_index: int
    tensor: str
    dtype: str
    vector: str
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Result of a comparison.

    Attributes:
        n_vectors: Vectors run on both sides.
        n_bytes: Output bytes compared.
        oracle: Which reference interpreter.
        mismatches: Every output that differs; empty if all bytes are equal.
        n_original_different: Vectors for which the model before its clean-up gives other bytes on
            the reference; None if that was not compared.
    """

    n_vectors: int
    n_bytes: int
    oracle: str
    mismatches: tuple[Mismatch, ...]
    n_original_different: int | None = None

    @property
    def is_equal(self) -> bool:
        """Every byte agreed."""
        return not self.mismatches and not self.n_original_different

    @property
    def n_vectors_different(self) -> int:
        """Vectors with at least one different output."""
        return len({mismatch.vector_index for mismatch in self.mismatches})


def has_state(model: Model) -> bool:
    """An inference changes what the next one computes."""
    operators = [operator for graph in model.subgraphs for operator in graph.operators]
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    return any(t.is_variable for t in tensors) or any(o.op in _STATEFUL_OPS for o in operators)


def verify_device(
    model: Model,
    vectors: Sequence[Vector],
    session: DeviceSession,
    *,
    original: bytes | None = None,
    on_vector: Callable[[], None] = lambda: None,
) -> Verification:
    """Run all vectors on the reference and on a connected device, and compare every byte.

    Args:
        model: The model in the firmware.
        vectors: What to run.
        session: The device.
        original: The model before its clean-up; must give the same bytes on the reference.
        on_vector: Called after each vector.

    Raises:
        OracleError: If the reference refuses the model or crashes.
        TflmGenError: What the session raises.
    """
    reference = run_reference(model.flatbuffer, vectors)
    n_original_different = None
    if original is not None:
        before = run_reference(original, vectors).outputs
        n_original_different = sum(
            old != new for old, new in zip(before, reference.outputs, strict=True)
        )
    is_stateful = has_state(model)
    mismatches: list[Mismatch] = []
    n_bytes = 0
    for number, (vector, expected) in enumerate(zip(vectors, reference.outputs, strict=True)):
        found = run_on_device(session, vector, len(expected), is_stateful=is_stateful)
        n_bytes += sum(len(data) for data in expected)
        for index, spec in enumerate(model.outputs):
            difference = compare(spec.dtype, found[index], expected[index])
            if difference is not None:
                mismatches.append(
                    Mismatch(
                        vector_index=number,
                        vector=vector.name,
                        output_index=index,
                        output=spec.name,
                        difference=difference,
                    )
                )
        on_vector()
    return Verification(
        n_vectors=len(vectors),
        n_bytes=n_bytes,
        oracle=reference.runtime,
        mismatches=tuple(mismatches),
        n_original_different=n_original_different,
    )


def run_on_device(
    session: DeviceSession, vector: Vector, n_outputs: int, *, is_stateful: bool
) -> tuple[bytes, ...]:
    """Outputs of one vector; the model's state, if it has any, is put back to its start first."""
    if is_stateful:
        session.reset()
    for index, data in enumerate(vector.inputs):
        session.write_input(index, data)
    session.invoke()
    return tuple(session.read_output(index) for index in range(n_outputs))


def find_divergence(model: Model, vector: Vector, open_tap: OpenTap) -> Divergence | None:
    """Find the first operator whose result differs.

    The device runs a tap model: the same operators, with all their results as outputs. The
    reference's values come from the unchanged model.

    Args:
        model: The model.
        vector: One on which the outputs differ.
        open_tap: Builds firmware for a tap model and starts it.

    Returns:
        None if with all results kept, nothing differs: then the difference depends on where
        tensors lie in the arena.
    """
    tap = make_tap_model(model)
    expected = read_tensors(model.flatbuffer, vector, tap.tensors)
    with open_tap(tap.model) as session:
        session.connect()
        is_stateful = has_state(model)
        found = run_on_device(session, vector, len(tap.tensors), is_stateful=is_stateful)
    producers = {t: o for o in model.main.operators for t in o.outputs}
    for tensor, ours, theirs in zip(tap.tensors, expected, found, strict=True):
        spec = model.main.tensors[tensor]
        difference = compare(spec.dtype, theirs, ours)
        if difference is not None:
            operator = producers[tensor]
            return Divergence(
                operator_index=operator.index,
                op=operator.op,
                tensor_index=tensor,
                tensor=spec.name,
                dtype=spec.dtype,
                vector=vector.name,
                difference=difference,
            )
    return None


def compare(dtype: str, device: bytes, host: bytes) -> Difference | None:
    """Where two tensors' bytes differ; None if nowhere.

    Raises:
        ValueError: If the lengths differ.
    """
    if device == host:
        return None
    if len(device) != len(host):
        raise ValueError(f"{len(device)} bytes against {len(host)}")
    kind = np.dtype(_NUMPY_NAMES.get(dtype, dtype))
    theirs, ours = np.frombuffer(device, kind), np.frombuffer(host, kind)
    raw = np.dtype(f"V{kind.itemsize}")
    # By bytes, not by value: 0.0 and -0.0 differ, and a NaN may equal itself.
    differs = np.frombuffer(device, raw) != np.frombuffer(host, raw)
    first = int(np.argmax(differs))
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(theirs[differs].astype(np.float64) - ours[differs].astype(np.float64))
    return Difference(
        n_elements=len(ours),
        n_different=int(np.count_nonzero(differs)),
        element=first,
        device_value=theirs[first].item(),
        host_value=ours[first].item(),
        max_abs_difference=float(np.nanmax(gaps)) if not np.isnan(gaps).all() else float("nan"),
    )
