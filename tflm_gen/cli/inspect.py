"""``tflm-gen inspect``: say what a .tflite model really is and where it fits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.options import json_option, model_argument
from tflm_gen.inspection import inspect_model
from tflm_gen.model.reader import read_model

if TYPE_CHECKING:
    from pathlib import Path


@click.command("inspect")
@model_argument
@json_option
def command(model: Path, as_json: bool) -> None:
    """Say what MODEL really is: operators, types, sizes, converter artefacts, where it fits."""
    inspection = inspect_model(read_model(model))
    if as_json:
        from tflm_gen.report.inspect_json import inspection_document

        click.echo(json.dumps(inspection_document(inspection), indent=2, allow_nan=False))
        return
    from tflm_gen.report.inspect_text import render_inspection

    click.echo(render_inspection(inspection))
