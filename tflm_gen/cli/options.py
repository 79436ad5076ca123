"""Options that several verbs share."""

from __future__ import annotations

import sys
from pathlib import Path

import click

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
)
board_option = click.option(
    "--board", "board_id", required=True, metavar="ID", help="Board id: tflm-gen boards list."
)
# Existence and kind are checked by our own reader, whose messages say what to do next.
model_argument = click.argument("model", type=click.Path(path_type=Path))
project_argument = click.argument("project", metavar="DIR", type=click.Path(path_type=Path))


def show_step(step: str) -> None:
    """Progress on standard error, for people only."""
    if sys.stderr.isatty():
        click.echo(f"... {step}", err=True)
