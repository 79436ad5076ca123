"""The arena of a model that cannot run on its target here: computed from tables, with a margin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tflm_gen.arena_model.choice import estimate_for, forecast_arena, margin_bytes
from tflm_gen.arena_model.peak import peak_words
from tflm_gen.arena_model.records import ALIGN_BYTES
from tflm_gen.errors import DoesNotFitError, UnsupportedChoiceError
from tflm_gen.golden import golden_input
from tflm_gen.memory_plan import ArenaResult, largest_arena_bytes
from tflm_gen.project.arena_header import forecast_of
from tflm_gen.tflm.source_facts import SOURCES, WHEEL_VERSION
from tflm_gen.tflm.sources import find_wheel_library
from tflm_gen.toolchain.disk_cache import load_json, store_json
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from tflm_gen.arena_model.choice import ArenaForecast
    from tflm_gen.arena_model.records import ArenaEstimate
    from tflm_gen.board_loader import Board
    from tflm_gen.model.records import Model
    from tflm_gen.project.plan import ProjectSpec

_FIXED_MARGIN_BYTES = 1024
_MARGIN_SHARE = 4  # One part in four.


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaTarget:
    """What decides an arena besides the model: core, kernel library and TFLM source."""

    core: str
    kernels: str
    source: str


def with_margin(minimum_bytes: int) -> ArenaResult:
    """The rule without a table: a quarter of the host's minimum and 1,024 bytes more.

    The target's kernels may want scratch buffers that the host's reference kernels do not.
    """
    wanted = minimum_bytes + minimum_bytes // _MARGIN_SHARE + _FIXED_MARGIN_BYTES
    return _modelled(minimum_bytes, wanted - minimum_bytes, "smallest of this machine")


def modelled_arena(model: Model, target: ArenaTarget | None = None) -> ArenaResult | None:
    """The arena computed for a target; by this machine's minimum if no table knows it.

    Args:
        model: The model.
        target: What it runs on; None if that is not known.

    Returns:
        None without a table and without an oracle on this machine.

    Raises:
        OracleError: If the reference interpreter refuses the model, or crashes on it.
    """
    if target is None:
        return _host_arena(model)
    forecast = forecast_arena(model, core=target.core, kernels=target.kernels, source=target.source)
    return _by_forecast(model, forecast)


def _by_forecast(model: Model, forecast: ArenaForecast) -> ArenaResult | None:
    estimate, choice = forecast.estimate, forecast.choice
    if estimate is None or choice is None:
        return _host_arena(model)
    rule = f"computed with table {choice.table_id}"
    return _modelled(estimate.n_bytes, margin_bytes(model, choice), rule)


def estimate_for_target(model: Model, target: ArenaTarget) -> ArenaEstimate | None:
    """The model's arena on a target in all detail, or None if no table covers both."""
    return forecast_arena(
        model, core=target.core, kernels=target.kernels, source=target.source
    ).estimate


def require_estimate(model: Model, target: ArenaTarget) -> ArenaEstimate:
    """:func:`estimate_for_target`, or why there is none.

    Raises:
        UnsupportedChoiceError: If no table describes the target.
        UnsupportedModelError: If the table lacks an operator of the model.
    """
    found = estimate_for(model, core=target.core, kernels=target.kernels, source=target.source)
    if found is None:
        raise UnsupportedChoiceError(
            f"there is no arena table for {target.kernels} on {target.core}",
            hint="Choose a Cortex-M board: tflm-gen boards list",
        )
    return found[0]


def board_target(board: Board) -> ArenaTarget:
    """What a build for a board links if nothing else is asked for."""
    source = board.spec.tflm.sources[0]
    return ArenaTarget(core=board.spec.cpu.core, kernels=SOURCES[source].kernels[0], source=source)


def modelled_for(spec: ProjectSpec) -> ArenaResult | None:
    """:func:`modelled_arena` of a project."""
    return _by_forecast(spec.model, forecast_of(spec))


def with_forecast(spec: ProjectSpec) -> ProjectSpec:
    """The project with what the tables say of its arena, for every later stage to read."""
    if spec.npu is not None or spec.engine != "tflm":
        return spec  # No stage asks.
    return replace(spec, forecast=forecast_of(spec))


def estimate_for_project(spec: ProjectSpec) -> ArenaEstimate | None:
    """:func:`estimate_for_target` of a project; None where TFLM's kernels do not run it all."""
    if spec.npu is not None or spec.engine != "tflm":
        return None
    return forecast_of(spec).estimate


def unseen_overlap_bytes(spec: ProjectSpec, ran_at_bytes: int) -> int:
    """What a smallest arena that ran lacks for permanent and temporary data to lie apart.

    TFLM compares permanent memory with the plan only, not with temporary data: an operator's
    permanent data may grow into the descriptions of its operands, and the model may run all the
    same. Only a table measured on the target says so to the byte; 0 with any other.
    """
    forecast = forecast_of(spec)
    is_measured = forecast.choice is not None and forecast.choice.is_measured
    if forecast.estimate is None or not is_measured:
        return 0
    return max(0, forecast.estimate.n_bytes - ran_at_bytes)


def refuse_hopeless(spec: ProjectSpec) -> None:
    """Refuse a model whose arena cannot fit, before anything is compiled.

    Raises:
        DoesNotFitError: With the tensors that set the size.
    """
    available = largest_arena_bytes(spec.board)
    estimate = estimate_for_project(spec)
    if available is None or estimate is None or estimate.n_bytes <= available:
        return
    raise DoesNotFitError(
        f"{spec.board.id}: the tensor arena needs {estimate.n_bytes:,} B, and the board has "
        f"{available:,} B for it ({estimate.n_bytes - available:,} B too many); "
        f"{peak_words(estimate)}",
        hint="Shorten the ECG window or narrow the layer that writes the largest of these, "
        "or list boards that fit: tflm-gen boards fit MODEL",
    )


def _modelled(minimum_bytes: int, margin: int, rule: str) -> ArenaResult:
    total = align_up(minimum_bytes + margin, ALIGN_BYTES)
    return ArenaResult(
        size_bytes=total,
        basis="modelled",
        ran_at=None,
        failed_at=None,
        margin_bytes=total - minimum_bytes,
        modelled_from=rule,
    )


def _host_arena(model: Model) -> ArenaResult | None:
    """This machine's minimum with the large margin, or None without an oracle."""
    if find_wheel_library() is None:
        return None
    name = f"arena-{WHEEL_VERSION}-{model.sha256}"
    stored = load_json("oracle", name)
    minimum = stored.get("minimum_bytes") if stored else None
    if not isinstance(minimum, int):
        from tflm_gen.oracle.client import find_smallest_host_arena

        minimum = find_smallest_host_arena(model.flatbuffer, golden_input(model))
        store_json("oracle", name, {"minimum_bytes": minimum})
    return with_margin(minimum)
