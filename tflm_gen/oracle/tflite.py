"""Runs a model on TFLite's reference kernels, if a package with them is installed.

Never with the default delegate (XNNPACK): its arithmetic differs from the reference kernels.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import json
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import OracleError, ProcessTimeoutError
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.messages import JsonValue, MessageError, pack, unpack
from tflm_gen.process import CONVERTER_MEMORY_BYTES, CommandLine, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.vectors import Vector

_TIMEOUT_S = 120.0
# Module to look for, and the distributions that may carry it.
_PACKAGES = (
    ("ai_edge_litert", ("ai-edge-litert",)),
    ("tensorflow", ("tensorflow-cpu", "tensorflow")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteRun:
    """What TFLite made of a model.

    Attributes:
        outputs: Bytes by vector and output.
        shapes: The shape it derived for every tensor of the main subgraph (and more behind them).
        package: TFLite's package and version.
        kernels: Which of its kernels ran.
    """

    outputs: tuple[tuple[bytes, ...], ...]
    shapes: tuple[tuple[int, ...], ...]
    package: str
    kernels: str

    @property
    def runtime(self) -> str:
        """Package and kernels in words."""
        return f"{self.package} ({self.kernels})"


def tflite_package() -> tuple[str, str] | None:
    """Module and version of the TFLite that is installed, or None."""
    for module, distributions in _PACKAGES:
        if importlib.util.find_spec(module) is None:
            continue
        for distribution in distributions:
            try:
                return module, f"{distribution} {importlib.metadata.version(distribution)}"
            except importlib.metadata.PackageNotFoundError:
                continue
    return None


def run_tflite(
    flatbuffer: bytes, vectors: Sequence[Vector], *, kernels: str = ""
) -> TfliteRun | None:
    """Outputs of all vectors from a child process; None without TFLite, or if it cannot do it.

    Args:
        flatbuffer: A model whose structure the model reader has checked.
        vectors: At least one.
        kernels: As an earlier run named them; else the reference kernels, or what comes next.

    Raises:
        OracleError: If they crash on the model.
    """
    found = tflite_package()
    if found is None:
        return None
    parse_model(flatbuffer, "model.tflite")  # Interpreters see nothing that was not checked.
    module, version = found
    header: dict[str, JsonValue] = {
        "module": module,
        "kernels": kernels,
        "n_inputs": len(vectors[0].inputs),
    }
    blobs = [flatbuffer, *(data for vector in vectors for data in vector.inputs)]
    try:
        completed = run(
            CommandLine(
                argv=(sys.executable, "-m", "tflm_gen.oracle.tflite_worker"),
                purpose="run TFLite's reference kernels",
                timeout_s=_TIMEOUT_S,
                stdin=pack(header, blobs),
                memory_bytes=CONVERTER_MEMORY_BYTES,
            )
        )
    except ProcessTimeoutError:
        return None
    if completed.returncode < 0:
        raise OracleError(
            f"TFLite's kernels ({version}) crashed on the model with "
            f"{signal.Signals(-completed.returncode).name}",
            hint="The model runs into a defect of the interpreter; check it: tflm-gen check MODEL --board BOARD",
        )
    try:
        answer = unpack(io.BytesIO(completed.stdout))
    except MessageError:
        return None
    if completed.returncode != 0 or "kernels" not in answer.header:
        return None
    n = answer.integer("n_outputs")
    rows = (answer.blobs[at : at + n] for at in range(0, len(answer.blobs), n))
    shapes = tuple(tuple(shape) for shape in json.loads(answer.text("shapes")))
    return TfliteRun(
        outputs=tuple(rows), shapes=shapes, package=version, kernels=answer.text("kernels")
    )
