"""The check as a build runs it: errors stop the build, warnings go along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.check import check_model
from tflm_gen.check.other_engines import check_compiled, check_npu
from tflm_gen.errors import WillNotRunError
from tflm_gen.model.text import printable

if TYPE_CHECKING:
    from tflm_gen.check.records import CheckReport
    from tflm_gen.model.records import Model
    from tflm_gen.tflm.choice import EngineChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a build has to know of a model that will run.

    Attributes:
        warnings: One line each.
        tflm_obstacle: Why TFLM's application is left out of a project of the compiled engine;
            empty if it need not be.
    """

    warnings: tuple[str, ...]
    tflm_obstacle: str = ""


def require_runnable(
    model: Model, choice: EngineChoice, *, board_id: str, before: Model | None = None
) -> Verdict:
    """The verdict on a model that will run.

    Args:
        model: What is flashed.
        choice: Engine, kernels and TFLM.
        board_id: The board.
        before: The model that the NPU's compiler was given; None without an NPU.

    Raises:
        WillNotRunError: If it will not, naming the first operator.
    """
    if before is not None:
        return _verdict(check_npu(model, choice, board_id=board_id, before=before))
    report = check_model(model, choice, board_id=board_id)
    if not choice.is_compiled:
        return _verdict(report)
    obstacle = printable(report.errors[0].message) if report.errors else ""
    return _verdict(check_compiled(model, choice, board_id=board_id), tflm_obstacle=obstacle)


def _verdict(report: CheckReport, *, tflm_obstacle: str = "") -> Verdict:
    if report.errors:
        first = report.errors[0]
        place = first.places[0] if first.places else None
        where = f" at operator {place.operator_index} ({place.op})" if place else ""
        more = len(report.errors) - 1
        board = report.board_id
        others = f"; {more} more with: tflm-gen check MODEL --board {board}" if more else ""
        raise WillNotRunError(
            printable(
                f"{report.model.name} will not run on {board}{where}: {first.message}{others}"
            ),
            hint=printable(first.remedy),
        )
    warnings = tuple(printable(f"{w.message} [{w.code}]") for w in report.warnings)
    return Verdict(warnings=warnings, tflm_obstacle=tflm_obstacle)
