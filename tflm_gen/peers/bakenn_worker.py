"""The child process of :mod:`tflm_gen.peers.bakenn`: one model, one folder of C or one refusal."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.oracle.messages import pack, unpack

if TYPE_CHECKING:
    from tflm_gen.oracle.messages import JsonValue, Message

_NAME = "model"


class _RefusedError(Exception):
    """Bakenn's words."""


def main() -> int:
    """Serve one request."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What the compiler prints must not get between the answer's bytes.
    answers.write(_serve(unpack(sys.stdin.buffer)))
    answers.close()
    return 0


def _serve(request: Message) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name, "model.tflite"), Path(name, "out")
        source.write_bytes(request.blobs[0])
        try:
            facts = _compile(source, out, request.text("kernels"))
        except _RefusedError as refusal:
            return pack({"refused": str(refusal)}, ())
        paths = sorted(p for p in out.rglob("*") if p.suffix in (".c", ".h"))
        names: list[JsonValue] = [p.relative_to(out).as_posix() for p in paths]
        return pack({**facts, "files": names}, [p.read_bytes() for p in paths])


def _compile(source: Path, out: Path, kernels: str) -> dict[str, JsonValue]:
    import bakenn

    options = bakenn.CBackendOptions()
    if kernels == "cmsis-nn":
        options = bakenn.CBackendOptions(
            kernel_policy=bakenn.KernelPolicy.STATIC_PRIORITY,
            enable_cmsis_nn=True,
            target=bakenn.CORTEX_M4,
        )
    try:
        compiled = bakenn.compile_tflite(source, out, name=_NAME, backend_options=options)
    except (bakenn.BakeNNError, ImportError, ValueError) as refusal:
        raise _RefusedError(f"{type(refusal).__name__}: {refusal}") from refusal
    return {"arena_bytes": int(compiled.memory_report.arena_bytes)}


if __name__ == "__main__":
    sys.exit(main())
