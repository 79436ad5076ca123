"""``tflm-gen check``: will a model run on the TFLM that a board links?"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.options import KERNELS, board_option, json_option, model_argument, show_step
from tflm_gen.errors import EXIT_NO

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.board_loader import Board
    from tflm_gen.check.records import CheckReport
    from tflm_gen.model.records import Model
    from tflm_gen.tflm.choice import EngineChoice


@click.command("check")
@model_argument
@board_option
@click.option(
    "--kernels",
    type=click.Choice(KERNELS),
    default="auto",
    show_default=True,
    help="Kernel library to judge for.",
)
@click.option("--tflm-dir", type=click.Path(path_type=Path), metavar="DIR", help="Own TFLM tree.")
@json_option
def command(model: Path, board_id: str, kernels: str, tflm_dir: Path | None, as_json: bool) -> int:
    """Say whether MODEL will run on a board, and why not; exit code 0 is yes, 1 is no."""
    from tflm_gen.board_loader import load_board
    from tflm_gen.model.reader import read_model
    from tflm_gen.report.check_report import check_document, check_text
    from tflm_gen.tflm.choice import choose_engine

    parsed, board = read_model(model), load_board(board_id)
    choice = choose_engine(board, engine="auto", kernels=kernels, tflm_dir=tflm_dir)
    judge = partial(_judge, board=board, choice=choice, is_asked_for=kernels != "auto")
    report = judge(parsed)
    cleaned = None if report.runs else _after_cleaning(report, judge)
    if as_json:
        click.echo(json.dumps(check_document(report, cleaned), indent=2, allow_nan=False))
    else:
        click.echo(check_text(report, cleaned))
    return 0 if report.runs else EXIT_NO


def _judge(model: Model, *, board: Board, choice: EngineChoice, is_asked_for: bool) -> CheckReport:
    """The verdict as a build would have it, which leaves to TFLM what it cannot compile."""
    from tflm_gen.check import check_model
    from tflm_gen.check.other_engines import check_compiled
    from tflm_gen.project.compiled import compile_part
    from tflm_gen.tflm.choice import choose_engine

    obstacle = compile_part(model, board).obstacle if choice.is_compiled else None
    if obstacle is not None and not is_asked_for:
        choice = choose_engine(board, engine="auto", kernels="auto", obstacle=obstacle)
    if choice.is_compiled:
        return check_compiled(model, choice, board_id=board.id, obstacle=obstacle)
    return check_model(model, choice, board_id=board.id)


def _after_cleaning(
    report: CheckReport, judge: Callable[[Model], CheckReport]
) -> CheckReport | None:
    """The verdict on what ``build`` makes of the model before it links it; None if nothing."""
    from tflm_gen.cleanup.cleaner import clean_model

    cleaning = clean_model(report.model, on_step=show_step)
    return judge(cleaning.cleaned) if cleaning.is_changed else None
