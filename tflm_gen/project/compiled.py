"""The compiled engine's part of a project: the model as C where that is possible, or why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen import __version__
from tflm_gen.compiled.generate import CompiledModel, compile_model, target_of_core
from tflm_gen.errors import NotCompilableError
from tflm_gen.memory_plan import ArenaResult
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.board_loader import Board
    from tflm_gen.model.records import Model

ENGINE = "compiled"
KERNELS = "tflm-gen"
RUNTIME_ID = f"tflm-gen-{__version__}"
FOLDER = "compiled"

_VECTOR_TABLE_BYTES = 64
_ALIGN_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPart:
    """What the compiled engine makes of a model.

    Attributes:
        model: The model as C, or None.
        obstacle: Why there is none; None if there is one.
    """

    model: CompiledModel | None
    obstacle: NotCompilableError | None

    @property
    def files(self) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Its files by path in the project."""
        for path, data in self.model.files.items() if self.model else ():
            yield PurePosixPath(FOLDER, path), data

    @property
    def words(self) -> str:
        """What is in the project of it, for the manifest and the project's README."""
        if self.model is None:
            return self.obstacle.message if self.obstacle else "it was not asked for"
        program = self.model.program
        return f"{len(program.steps)} steps, kernels for {program.target.value}"


def compile_part(model: Model, board: Board) -> CompiledPart:
    """Compile a model for a board's core, if the engine has all its operators."""
    try:
        compiled = compile_model(model, target_of_core(board.spec.cpu.core))
    except NotCompilableError as obstacle:
        return CompiledPart(model=None, obstacle=obstacle)
    return CompiledPart(model=compiled, obstacle=None)


def static_arena(compiled: CompiledModel) -> ArenaResult:
    """The arena of a compiled model: its plan is all the memory it ever uses."""
    return ArenaResult(
        size_bytes=align_up(compiled.memory.arena_bytes, _ALIGN_BYTES),
        basis="static",
        ran_at=None,
        failed_at=None,
        margin_bytes=0,
        modelled_from=compiled.memory.words,
    )


def board_without_image(board: Board) -> Board:
    """The board when no prebuilt image is linked: the code region is all ours."""
    memory = tuple(
        region.model_copy(update={"reserved_bytes": _VECTOR_TABLE_BYTES})
        if "code" in region.holds and region.reserved_bytes
        else region
        for region in board.spec.memory
    )
    return replace(board, spec=board.spec.model_copy(update={"memory": memory}))
