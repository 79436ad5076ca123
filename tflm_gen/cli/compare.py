"""``tflm-gen compare``: one model, one board, every engine that can be linked, in one table."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tflm_gen.cli.device_options import timeout_option, with_option
from tflm_gen.cli.options import board_option, json_option, model_argument, show_step


@click.command("compare")
@model_argument
@board_option
@with_option
@click.option(
    "--vectors",
    "n_vectors",
    type=click.IntRange(1, 100_000),
    default=32,
    show_default=True,
    help="How many input vectors decide whether an engine is bit-exact.",
)
@click.option("--tflm-dir", type=click.Path(path_type=Path), metavar="DIR", help="Own TFLM tree.")
@timeout_option(60.0)
@json_option
def command(
    model: Path,
    board_id: str,
    with_name: str | None,
    n_vectors: int,
    tflm_dir: Path | None,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Build, run and verify MODEL with each engine of a board, and print one table.

    Every row is the same board, the same core and the same emulator; figures of two boards are
    never in one table.
    """
    from tflm_gen.comparison import compare_engines
    from tflm_gen.model.reader import read_model
    from tflm_gen.pipeline import BuildRequest
    from tflm_gen.report.compare_text import comparison_document, comparison_text

    request = BuildRequest(
        model=read_model(model), board_id=board_id, out=Path(), tflm_dir=tflm_dir
    )
    result = compare_engines(
        request, n_vectors=n_vectors, with_name=with_name, timeout_s=timeout_s, on_step=show_step
    )
    if as_json:
        click.echo(json.dumps(comparison_document(result), indent=2))
    else:
        click.echo("\n".join(comparison_text(result)))
