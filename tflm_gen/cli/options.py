"""Options that several verbs share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

KERNELS = ("auto", "reference", "cmsis-nn", "esp-nn", "ethos-u", "tflm-gen")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
)
board_option = click.option(
    "--board", "board_id", required=True, metavar="ID", help="Board id: tflm-gen boards list."
)
# Existence and kind are checked by our own reader, whose messages say what to do next.
model_argument = click.argument("model", type=click.Path(path_type=Path))
project_argument = click.argument("project", metavar="DIR", type=click.Path(path_type=Path))
spec_option = click.option(
    "--spec",
    "spec_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Preprocessing that makes the model's inputs from records.",
)


def records_option(*, is_required: bool) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """``--records``: a folder of recordings."""
    return click.option(
        "--records",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        required=is_required,
        metavar="FOLDER",
        help="ECG records in WFDB, .npz or .csv, with their beat annotations.",
    )


def show_step(step: str) -> None:
    """Progress on standard error, for people only."""
    if sys.stderr.isatty():
        click.echo(f"... {step}", err=True)
