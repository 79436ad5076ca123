"""What the README of a project says: model, board, engines, and how to build it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen import __version__
from tflm_gen.project import context as ctx
from tflm_gen.project.compiled import ENGINE
from tflm_gen.project.manifest import MODEL_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.model.records import TensorSpec
    from tflm_gen.project.plan import ProjectSpec


def readme_context(spec: ProjectSpec) -> ctx.ReadmeContext:
    """Values of the project's README."""
    source = spec.source
    configure = f"cmake -S . -B out/{spec.engine}/build -G Ninja"
    image_note = ""
    if spec.engine != ENGINE:
        configure += f" -D{source.cmake_variable}=<path of that TFLM>"
        image_note = f"TFLM itself is not in this folder; to have it: `{source.how_to_get}`."
    return ctx.ReadmeContext(
        tool_version=__version__,
        model_name=spec.model.name,
        model_bytes=len(spec.model.flatbuffer),
        model_sha256=spec.model.sha256,
        board_id=spec.board.id,
        board_name=spec.board.spec.name,
        board_tier=spec.board.spec.tier,
        engine=spec.engine,
        runtime_id=spec.runtime_id,
        other_engine=_other_engine(spec),
        link_other=_link_other(spec),
        has_compiled=ENGINE in spec.carried_engines,
        inputs=_tensor_lines(spec.model.inputs),
        outputs=_tensor_lines(spec.model.outputs),
        configure=configure,
        image_note=image_note,
        packages=f"cmake ninja-build {source.packages} (Debian's names)",
    )


def _other_engine(spec: ProjectSpec) -> str:
    """The engine that is not linked, and whether its application is here."""
    if spec.engine == ENGINE:
        state = f"left out: {spec.tflm_obstacle}" if spec.tflm_obstacle else spec.source.runtime_id
        return f"tflm: {state}"
    part = spec.compiled
    if part is not None and part.model is not None:
        return f"{ENGINE}: {part.words}"
    return f"{ENGINE}: left out: {part.words if part else 'the model is for the NPU'}"


def _link_other(spec: ProjectSpec) -> str:
    """The command that links the engine that is not linked, if its application is here."""
    others = [name for name in spec.carried_engines if name != spec.engine]
    build = f"tflm-gen build {MODEL_FILE} --board {spec.board.id}"
    return f"{build} --engine {others[0]}" if others and spec.npu is None else ""


def _tensor_lines(tensors: Sequence[TensorSpec]) -> tuple[str, ...]:
    """One line per tensor: type, shape, quantization."""
    lines = []
    for tensor in tensors:
        text = f"{tensor.dtype} {list(tensor.shape)}"
        if tensor.quantization is not None and len(tensor.quantization.scales) == 1:
            scale, zero_point = tensor.quantization.scales[0], tensor.quantization.zero_points[0]
            text += (
                f", real = (q {'-' if zero_point >= 0 else '+'} {abs(zero_point)}) * {scale:.9g}"
            )
        lines.append(text)
    return tuple(lines)
