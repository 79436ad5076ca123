"""``tflm-gen inspect``: say what a .tflite model really is and where it fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.options import json_option, model_argument
from tflm_gen.inspection import inspect_model
from tflm_gen.model.reader import read_model

if TYPE_CHECKING:
    from tflm_gen.model.records import Model


@click.command("inspect")
@model_argument
@click.option("--arena", is_flag=True, help="Show what the tensor arena holds, and when.")
@click.option(
    "--board",
    "board_id",
    default="corstone300",
    show_default=True,
    metavar="ID",
    help="Board of --arena.",
)
@click.option(
    "--svg",
    "svg_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also draw the arena as a picture.",
)
@json_option
def command(model: Path, arena: bool, board_id: str, svg_path: Path | None, as_json: bool) -> None:
    """Say what MODEL really is: operators, types, sizes, converter artefacts, where it fits."""
    parsed = read_model(model)
    if arena or svg_path is not None:
        _show_arena(parsed, board_id, svg_path, as_json)
        return
    inspection = inspect_model(parsed)
    if as_json:
        from tflm_gen.report.inspect_json import inspection_document

        click.echo(json.dumps(inspection_document(inspection), indent=2, allow_nan=False))
        return
    from tflm_gen.report.inspect_text import render_inspection

    click.echo(render_inspection(inspection))


def _show_arena(model: Model, board_id: str, svg_path: Path | None, as_json: bool) -> None:
    """The arena of a model on a board, as text, JSON or picture.

    Raises:
        OutputFolderError: If the picture cannot be written.
        UnsupportedChoiceError: If no table describes the board's TFLM.
        UnsupportedModelError: If the table lacks an operator of the model.
    """
    from tflm_gen.arena.modelled import board_target, require_estimate
    from tflm_gen.board_loader import load_board
    from tflm_gen.project.output_file import write_output
    from tflm_gen.report.arena_svg import arena_svg
    from tflm_gen.report.arena_text import arena_document, arena_text

    estimate = require_estimate(model, board_target(load_board(board_id)))
    if svg_path is not None:
        svg = arena_svg(estimate, title=model.name)
        write_output(svg_path, svg.encode("utf-8"), option="--svg")
    click.echo(json.dumps(arena_document(estimate), indent=2) if as_json else arena_text(estimate))
