"""The compiled engine's one entry: a model in, C files and a report of what they need out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.compiled.carried import require_carried
from tflm_gen.compiled.emit import model_text, render_model
from tflm_gen.compiled.ir import Target, Tuning
from tflm_gen.compiled.lowering import lower_model
from tflm_gen.compiled.memory import plan_memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.compiled.ir import Program
    from tflm_gen.compiled.memory import MemoryPlan
    from tflm_gen.model.records import Model

DEFAULT_PREFIX = "compiled_model"
DEFAULT_TUNING = Tuning()
_HEADER_FOLDER = "include/tgk"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledModel:
    """A model as C.

    Attributes:
        program: The lowered graph.
        memory: Its memory plan.
        files: Relative path -> bytes: ``model.h``, ``model.c``, ``sources.cmake``, ``include/``,
            ``src/``.
        sources: The C files to compile, relative paths.
    """

    program: Program
    memory: MemoryPlan
    files: Mapping[str, bytes]
    sources: tuple[str, ...]


def compile_model(
    model: Model, target: Target, *, prefix: str = DEFAULT_PREFIX, tuning: Tuning = DEFAULT_TUNING
) -> CompiledModel:
    """Lowers, plans and writes (in memory) one model.

    Args:
        model: A model that passed the reader's checks.
        target: Instruction set of the kernels.
        prefix: Start of the generated C names.
        tuning: Where kernels trade flash for speed.

    Raises:
        NotCompilableError: If the compiled engine does not carry an operator of the model.
    """
    require_carried(model)
    program = lower_model(model, target, tuning)
    memory = plan_memory(program)
    text = model_text(
        program,
        memory,
        prefix=prefix,
        model_name=model.name,
        model_sha256=model.sha256,
    )
    header, source = render_model(text)
    kernels = tuple(sorted({f"src/{call.source}" for step in program.steps for call in step.calls}))
    root = resources.firmware_templates_dir() / "compiled"
    sources = ("model.c", *kernels)
    cmake = "".join(f"  {path}\n" for path in sources)
    files = {
        "model.h": header,
        "model.c": source,
        "sources.cmake": f"set(ECG_COMPILED_SOURCES\n{cmake})\n".encode(),
    }
    files |= {path: (root / path).read_bytes() for path in kernels}
    files |= {
        f"{_HEADER_FOLDER}/{path.name}": path.read_bytes()
        for path in sorted((root / _HEADER_FOLDER).glob("*.h"))
    }
    return CompiledModel(program=program, memory=memory, files=files, sources=("model.c", *kernels))


def target_of_core(core: str) -> Target:
    """The fastest kernels that a core runs.

    Args:
        core: As ``-mcpu`` names it, with or without a floating-point suffix ("cortex-m4f").
    """
    if core.startswith(("cortex-m55", "cortex-m85", "cortex-m52")):
        return Target.MVE
    if core.startswith(("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m35")):
        return Target.DSP
    return Target.PORTABLE
