"""``arena_config.h``: the one file of a project that changes with the arena."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.arena_model.choice import ArenaForecast, forecast_arena
from tflm_gen.project import context as ctx
from tflm_gen.project.compiled import ENGINE
from tflm_gen.project.render import render

if TYPE_CHECKING:
    from tflm_gen.project.plan import ProjectSpec


def arena_config(
    arena_bytes: int, basis: str, *, floor_bytes: int | None, needed_bytes: int = 0
) -> bytes:
    """Text of ``arena_config.h``.

    Args:
        arena_bytes: Size of the tensor arena.
        basis: How it is known, in words for a comment.
        floor_bytes: The smallest arena that start-up may try; None if that is not known.
        needed_bytes: What the model is known to need: the compiler refuses less; 0 if not known.
    """
    floor = arena_bytes if floor_bytes is None else min(floor_bytes, arena_bytes)
    context = ctx.ArenaConfigContext(
        arena_bytes=arena_bytes,
        basis=basis,
        needed_bytes=needed_bytes,
        search_floor_bytes=floor,
    )
    return render("arena_config.h.j2", context)


def forecast_of(spec: ProjectSpec) -> ArenaForecast:
    """What the tables say of a project's arena, as its build passes it on."""
    if spec.forecast is not None:
        return spec.forecast
    core = spec.board.spec.cpu.core
    return forecast_arena(spec.model, core=core, kernels=spec.kernels, source=spec.source.id)


def search_floor_of(spec: ProjectSpec) -> int | None:
    """The smallest arena that a project's firmware may try; None if that is not known."""
    if spec.engine == ENGINE or spec.npu is not None:
        return None
    return forecast_of(spec).floor_bytes
