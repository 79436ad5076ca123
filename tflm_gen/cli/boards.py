"""``tflm-gen boards``: what boards there are and what is known of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.options import json_option, model_argument

if TYPE_CHECKING:
    from pathlib import Path


@click.group("boards")
def command() -> None:
    """List and show the supported boards, and make files for boards of your own."""


@command.command("list")
@json_option
def list_boards(as_json: bool) -> None:
    """List all boards with their memory and how far each has been tried."""
    from tflm_gen.board_loader import list_board_ids, load_board
    from tflm_gen.report.boards_report import boards_document, boards_text

    boards = [load_board(board_id) for board_id in list_board_ids()]
    click.echo(json.dumps(boards_document(boards), indent=2) if as_json else boards_text(boards))


@command.command("show")
@click.argument("board_id", metavar="ID")
@json_option
def show_board(board_id: str, as_json: bool) -> None:
    """Show every fact of a board and where it was read."""
    from tflm_gen.board_loader import load_board
    from tflm_gen.report.boards_report import board_document, board_text

    board = load_board(board_id)
    click.echo(json.dumps(board_document(board), indent=2) if as_json else board_text(board))


@command.command("fit")
@model_argument
@json_option
def fit_boards(model: Path, as_json: bool) -> None:
    """Say which boards have the flash and RAM that MODEL needs."""
    from tflm_gen.arena.modelled import board_target, modelled_arena
    from tflm_gen.model.reader import read_model
    from tflm_gen.project.board_fit import fit_all_boards
    from tflm_gen.report.boards_report import fit_document, fit_text

    parsed = read_model(model)
    model_bytes = len(parsed.flatbuffer)
    fits = fit_all_boards(
        model_bytes=model_bytes, arena_on=lambda board: modelled_arena(parsed, board_target(board))
    )
    if as_json:
        click.echo(json.dumps(fit_document(fits, model_bytes=model_bytes), indent=2))
    else:
        click.echo(fit_text(fits, model_bytes=model_bytes))


@command.command("new")
@click.argument("board_id", metavar="ID")
@click.option("--from", "from_id", metavar="ID", required=True, help="The board to start from.")
@click.option("--name", metavar="TEXT", help="Its name in reports; ID by default.")
@json_option
def new_board(board_id: str, from_id: str, name: str | None, as_json: bool) -> None:
    """Make the file of a board of your own from one that exists.

    It is written into $TFLM_GEN_BOARDS, else ~/.config/tflm-gen/boards; every verb finds it there.
    """
    from tflm_gen.board_new import write_new_board

    path = write_new_board(board_id, from_id=from_id, name=name)
    if as_json:
        document = {
            "schema": "tflm-gen/boards-new/1",
            "board": board_id,
            "from": from_id,
            "file": str(path),
        }
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"written: {path}")
    click.echo(f"next:    correct its facts, then: tflm-gen boards show {board_id}")
