"""The check as a build runs it: errors stop the build, warnings go along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.check import check_model
from tflm_gen.errors import WillNotRunError
from tflm_gen.model.text import printable

if TYPE_CHECKING:
    from tflm_gen.model.records import Model
    from tflm_gen.tflm.choice import EngineChoice


def require_runnable(model: Model, choice: EngineChoice, *, board_id: str) -> tuple[str, ...]:
    """Warnings about a model that will run, one line each.

    Raises:
        WillNotRunError: If a kernel will refuse it, naming the first operator.
    """
    report = check_model(model, choice, board_id=board_id)
    if report.errors:
        first = report.errors[0]
        place = first.places[0] if first.places else None
        where = f" at operator {place.operator_index} ({place.op})" if place else ""
        more = len(report.errors) - 1
        others = f"; {more} more with: tflm-gen check MODEL --board {board_id}" if more else ""
        raise WillNotRunError(
            printable(f"{model.name} will not run on {board_id}{where}: {first.message}{others}"),
            hint=printable(first.remedy),
        )
    return tuple(printable(f"{w.message} [{w.code}]") for w in report.warnings)
