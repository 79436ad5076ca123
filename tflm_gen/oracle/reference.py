"""Reference outputs from TFLM's interpreter or, where that cannot give any, from TFLite's kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.errors import MissingToolError, OracleError, RefusedModelError, TflmGenError
from tflm_gen.oracle.client import OracleRun, run_oracle
from tflm_gen.oracle.tflite import run_tflite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.vectors import Vector


def run_reference(flatbuffer: bytes, vectors: Sequence[Vector]) -> OracleRun:
    """Reference outputs of all vectors; the result's runtime names who computed them.

    TFLite's reference kernels take the place of the tflite-micro wheel only where it is not
    installed or refuses the model (an operator or data type that it lacks), never where it crashes.

    Args:
        flatbuffer: A model whose structure the model reader has checked.
        vectors: At least one.

    Raises:
        OracleError: If neither takes the model, as the wheel said it; or if one crashes.
        MissingToolError: If neither is installed.
    """
    try:
        return run_oracle(flatbuffer, vectors)
    except RefusedModelError as error:
        return _by_tflite(flatbuffer, vectors, error, "the tflite-micro wheel refuses the model")
    except MissingToolError as error:
        return _by_tflite(flatbuffer, vectors, error, "the tflite-micro wheel is not installed")


def _by_tflite(
    flatbuffer: bytes, vectors: Sequence[Vector], error: TflmGenError, reason: str
) -> OracleRun:
    try:
        found = run_tflite(flatbuffer, vectors)
    except OracleError as crash:
        raise OracleError(f"{error.message}; {crash.message}", hint=crash.hint) from crash
    if found is None:
        raise error
    return OracleRun(
        outputs=found.outputs, runtime=f"{found.runtime}; {reason}", arena_used_bytes=None
    )
