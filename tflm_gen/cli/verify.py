"""``tflm-gen verify``: equal bytes on device and host, or the operator where they part."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.device_options import (
    port_option,
    print_document,
    progress,
    timeout_option,
    with_option,
)
from tflm_gen.cli.options import json_option, project_argument
from tflm_gen.errors import EXIT_NO, TflmGenError

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.model.records import Model
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.runner.target import DeviceTarget
    from tflm_gen.vectors import Vector
    from tflm_gen.verification import Divergence, Verification

_MIN_VECTORS = 1


@click.command()
@project_argument
@with_option
@port_option
@click.option(
    "--vectors",
    "n_vectors",
    type=click.IntRange(_MIN_VECTORS, 100_000),
    default=32,
    show_default=True,
    help="How many input vectors.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of them.")
@timeout_option(60.0)
@json_option
def command(
    project: Path,
    with_name: str | None,
    port: str | None,
    n_vectors: int,
    seed: int,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Prove that the firmware in DIR computes the reference's bytes.

    Exits 0 if every output byte is equal, else 1 with the first operator that differs.
    """
    from tflm_gen.model.reader import parse_model
    from tflm_gen.report.verify_text import verification_document, verification_text
    from tflm_gen.runner.launch import check_identity, open_device
    from tflm_gen.runner.select import select_device
    from tflm_gen.runner.target import load_target
    from tflm_gen.vectors import make_vectors
    from tflm_gen.verification import verify_device

    target = load_target(project)
    model = parse_model(target.model, f"{target.model_name}.tflite")
    choice = select_device(target, port=port, with_name=with_name)
    if not as_json:
        click.echo(f"verifying {target.model_name} with {choice.name} ({choice.reason})")
    vectors = make_vectors(model.inputs, count=n_vectors, seed=seed)
    with open_device(choice, timeout_s=timeout_s) as session:
        boot = session.connect()
        check_identity(boot, target)
        with progress(len(vectors), "vectors") as advance:
            result = verify_device(
                model, vectors, session, original=target.original, on_vector=advance
            )
    divergence, note = _localise(model, vectors, result, target, choice, timeout_s)
    if as_json:
        print_document(verification_document(result, divergence, note, boot, choice))
    else:
        for line in verification_text(result, divergence, note, boot):
            click.echo(line)
    return 0 if result.is_equal else EXIT_NO


def _localise(
    model: Model,
    vectors: tuple[Vector, ...],
    result: Verification,
    target: DeviceTarget,
    choice: DeviceChoice,
    timeout_s: float,
) -> tuple[Divergence | None, str | None]:
    """The first operator that differs, or why none can be named."""
    if not result.mismatches:
        return None, target.original_note or None
    if choice.is_real:
        return None, "the operator is found in emulators only: run without --port"
    from tflm_gen.tap_device import open_tap_device
    from tflm_gen.verification import find_divergence

    vector = vectors[result.mismatches[0].vector_index]
    if sys.stderr.isatty():
        click.echo("building a firmware that shows every operator's results ...", err=True)
    try:
        found = find_divergence(
            model,
            vector,
            lambda tap: open_tap_device(tap, target, with_name=choice.name, timeout_s=timeout_s),
        )
    except TflmGenError as error:
        return None, f"the operator could not be found: {error.message}"
    if found is None:
        return None, "no operator differs when all results are kept: it depends on memory layout"
    return found, None
