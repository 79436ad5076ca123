"""``tflm-gen verify``: equal bytes on device and host, or the operator where they part."""

from __future__ import annotations

import shlex
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
from tflm_gen.errors import EXIT_NO, TflmGenError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.model.records import Model
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.runner.target import DeviceTarget
    from tflm_gen.vectors import Vector
    from tflm_gen.verification import Divergence, OpenTap

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
@click.option(
    "--reflash",
    metavar="TOOL|auto",
    help="With --port, if bytes differ: write a second firmware into the board to find the operator, "
    "then the project's again.",
)
@timeout_option(60.0)
@json_option
def command(
    project: Path,
    with_name: str | None,
    port: str | None,
    n_vectors: int,
    seed: int,
    reflash: str | None,
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

    if reflash is not None and port is None:
        raise UsageError(
            "--reflash is for boards", hint="Name the board's serial port too: --port PORT."
        )
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
    divergence: Divergence | None = None
    note: str | None = target.original_note or None
    if result.mismatches:
        vector = vectors[result.mismatches[0].vector_index]
        divergence, note = _localise(
            model, vector, _tap_opener(target, choice, port, reflash, timeout_s)
        )
        if port is not None and reflash is not None:
            note = _put_back(target, reflash, port, note)
    if as_json:
        print_document(verification_document(result, divergence, note, boot, choice))
    else:
        for line in verification_text(result, divergence, note, boot):
            click.echo(line)
    return 0 if result.is_equal else EXIT_NO


def _tap_opener(
    target: DeviceTarget,
    choice: DeviceChoice,
    port: str | None,
    reflash: str | None,
    timeout_s: float,
) -> OpenTap | None:
    """How firmware that shows every operator's results is started; None if it was not allowed."""
    from tflm_gen.tap_device import open_tap_board, open_tap_device

    if port is None:
        return lambda tap: open_tap_device(tap, target, with_name=choice.name, timeout_s=timeout_s)
    if reflash is None:
        return None
    return lambda tap: open_tap_board(tap, target, tool=reflash, port=port, timeout_s=timeout_s)


def _localise(
    model: Model, vector: Vector, open_tap: OpenTap | None
) -> tuple[Divergence | None, str | None]:
    """The first operator that differs, or why none can be named."""
    from tflm_gen.verification import find_divergence

    if open_tap is None:
        return None, (
            "to find the operator, a second firmware must run on the board: repeat with --reflash "
            "auto, which writes it and then the project's again; or run without --port, in an emulator"
        )
    if sys.stderr.isatty():
        click.echo("building a firmware that shows every operator's results ...", err=True)
    try:
        found = find_divergence(model, vector, open_tap)
    except TflmGenError as error:
        return None, f"the operator could not be found: {error.message}"
    if found is None:
        return None, "no operator differs when all results are kept: it depends on memory layout"
    return found, None


def _put_back(target: DeviceTarget, tool: str, port: str, note: str | None) -> str | None:
    """Write the project's firmware again; the note, and what went wrong with that."""
    from tflm_gen.tap_device import write_firmware

    try:
        write_firmware(target, tool=tool, port=port)
    except TflmGenError as error:
        left = (
            f"the project's firmware could not be written back: {error.message}; "
            f"run: tflm-gen flash {shlex.quote(str(target.root))}"
        )
        return f"{note}; {left}" if note else left
    return note
