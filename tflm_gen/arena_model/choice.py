"""Which table describes a board's TFLM, and how much its numbers may be off there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.arena_model.compute import estimate_arena
from tflm_gen.arena_model.records import ALIGN_BYTES
from tflm_gen.arena_model.tables import load_table
from tflm_gen.errors import UnsupportedModelError
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from tflm_gen.arena_model.records import ArenaEstimate
    from tflm_gen.model.records import Model

MARGIN_BYTES = 512
MARGIN_PER_OPERATOR_BYTES = 32

_WIDEST = "wheel"
# The planner checks the room in its own table; nobody checks that its notes fit.
_BEFORE_PLANNING = ("construct", "describe", "init", "prepare", "plan notes")
_HELIUM = ("cortex-m55", "cortex-m85", "cortex-m52")
_DSP = ("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m35p")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChoice:
    """A table for a target.

    Attributes:
        table_id: Name of the table.
        is_measured: It was measured on this very TFLM and core; otherwise a margin is due.
    """

    table_id: str
    is_measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaForecast:
    """All that the tables say of a model's arena on a target.

    Attributes:
        estimate: The arena, or None if no table describes the target and the whole model.
        choice: The table; None if there is none for the target.
        floor_bytes: An arena in which nothing can fail before the memory is planned; None if that
            is not known. In a smaller one an operator's preparation may run out of memory, and not
            every kernel looks; the planner does. Where no table describes the target, the one of
            this machine's runtime stands in: its structures are larger.
    """

    estimate: ArenaEstimate | None
    choice: TableChoice | None
    floor_bytes: int | None


def choose_table(*, core: str, kernels: str, source: str) -> TableChoice | None:
    """The table for a core, a kernel library and a TFLM source, or None if there is none.

    Args:
        core: Core of the board file ("cortex-m4f").
        kernels: "cmsis-nn", "reference", ...
        source: "corstone300_image", "wheel", "upstream".
    """
    if not core.startswith("cortex-m"):
        return None
    if kernels == "reference":
        return TableChoice(table_id="arm_reference", is_measured=False)
    if kernels != "cmsis-nn":
        return None
    if core.startswith(_HELIUM):
        is_measured = source == "corstone300_image"
        return TableChoice(table_id="corstone300_image", is_measured=is_measured)
    table_id = "arm_cmsis_dsp" if core.startswith(_DSP) else "arm_cmsis_plain"
    return TableChoice(table_id=table_id, is_measured=False)


def estimate_for(
    model: Model, *, core: str, kernels: str, source: str
) -> tuple[ArenaEstimate, TableChoice] | None:
    """The estimate for a target, or None without a table for it.

    Raises:
        UnsupportedModelError: If the table lacks an operator of the model.
    """
    choice = choose_table(core=core, kernels=kernels, source=source)
    if choice is None:
        return None
    return estimate_arena(model, load_table(choice.table_id)), choice


def forecast_arena(model: Model, *, core: str, kernels: str, source: str) -> ArenaForecast:
    """Estimate and search floor for a target, computed once for both."""
    choice = choose_table(core=core, kernels=kernels, source=source)
    stand_in = choice or TableChoice(table_id=_WIDEST, is_measured=False)
    try:
        estimate = estimate_arena(model, load_table(stand_in.table_id))
    except UnsupportedModelError:
        return ArenaForecast(estimate=None, choice=choice, floor_bytes=None)
    needed = _before_planning_bytes(estimate) + margin_bytes(model, stand_in)
    return ArenaForecast(
        estimate=estimate if choice is not None else None,
        choice=choice,
        floor_bytes=align_up(needed, ALIGN_BYTES),
    )


def preparation_bytes(model: Model, table_id: str) -> int | None:
    """The largest need before the memory is planned; None if the table lacks an operator."""
    try:
        estimate = estimate_arena(model, load_table(table_id))
    except UnsupportedModelError:
        return None
    return _before_planning_bytes(estimate)


def _before_planning_bytes(estimate: ArenaEstimate) -> int:
    return max(need.n_bytes for need in estimate.needs if need.phase in _BEFORE_PLANNING)


def margin_bytes(model: Model, choice: TableChoice) -> int:
    """Headroom for another state of TFLM's sources; 0 for a table measured on the target."""
    if choice.is_measured:
        return 0
    n_operators = sum(len(graph.operators) for graph in model.subgraphs)
    return MARGIN_BYTES + MARGIN_PER_OPERATOR_BYTES * n_operators
