"""``tflm-gen replay``: whole recordings through the firmware's own preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tflm_gen.cli.device_options import (
    port_option,
    print_document,
    progress,
    timeout_option,
    with_option,
)
from tflm_gen.cli.options import json_option, project_argument, records_option
from tflm_gen.errors import EXIT_NO, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.evaluate.device_inputs import InputComparison
    from tflm_gen.model.records import Model
    from tflm_gen.preprocess.spec import PreprocessSpec
    from tflm_gen.runner.session import DeviceSession

SCHEMA = "tflm-gen/replay/1"


@click.command()
@project_argument
@records_option(is_required=True)
@click.option("--only", default="", metavar="LIST", help="Names, with commas.  [default: all]")
@click.option("--invoke", is_flag=True, help="Run the model on every window, and compare that too.")
@with_option
@port_option
@timeout_option(60.0)
@json_option
def command(
    project: Path,
    records: Path,
    only: str,
    invoke: bool,
    with_name: str | None,
    port: str | None,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Send recordings to the firmware in DIR as its converter would, sample by sample.

    The firmware filters, cuts and quantizes. Exits 0 if the model's raw inputs (and outputs, with
    --invoke) equal the host's in every byte for every beat, else 1.
    """
    from tflm_gen.evaluate.beats import find_records
    from tflm_gen.model.reader import parse_model
    from tflm_gen.preprocess.carried import MISSING_HINT, carried_spec
    from tflm_gen.report.replay_text import replay_document, replay_text
    from tflm_gen.runner.launch import check_identity, open_device
    from tflm_gen.runner.select import select_device
    from tflm_gen.runner.target import load_target

    target = load_target(project)
    model = parse_model(target.model, f"{target.model_name}.tflite")
    spec = carried_spec(model)
    if spec is None:
        raise UsageError(f"{model.name} carries no preprocessing", hint=MISSING_HINT)
    names = [n.strip() for n in only.split(",") if n.strip()] or list(find_records(records))
    choice = select_device(target, port=port, with_name=with_name)
    compared = []
    with open_device(choice, timeout_s=timeout_s) as session:
        boot = session.connect()
        check_identity(boot, target)
        for name in names:
            hz = boot.timer.hz if boot.timer else 0
            replayed = _one(session, model, spec, records, name, invoke=invoke, tick_hz=hz)
            compared.append(replayed)
            if not as_json:
                click.echo(replay_text(compared[-1], spec))
    if as_json:
        print_document(
            {
                "schema": SCHEMA,
                "board": target.board_id,
                "engine": target.engine,
                "device": {"name": choice.name, "reason": choice.reason},
                **replay_document(compared, model, spec, invoke=invoke),
            }
        )
    return 0 if all(item.is_equal for item in compared) else EXIT_NO


def _one(
    session: DeviceSession,
    model: Model,
    spec: PreprocessSpec,
    folder: Path,
    name: str,
    *,
    invoke: bool,
    tick_hz: int,
) -> InputComparison:
    from tflm_gen.evaluate.beats import read_record
    from tflm_gen.evaluate.device_inputs import compare_inputs, host_beats
    from tflm_gen.preprocess.spec import spec_sha256
    from tflm_gen.records.quality import check_record
    from tflm_gen.runner.replay import replay_record

    record = read_record(folder, name, spec)
    check_record(record, spec)
    expected = host_beats(model, spec, record, invoke=invoke)
    total = len(record.adc)
    done = 0
    with progress(100, f"record {name}") as advance:

        def sent(n_samples: int) -> None:
            nonlocal done
            for _ in range(100 * (done + n_samples) // total - 100 * done // total):
                advance()
            done += n_samples

        found = replay_record(session, record.adc, record.beats, invoke=invoke, on_samples=sent)
    if found.spec_sha256 != spec_sha256(spec):
        raise UsageError(
            f"the firmware preprocesses by {found.spec_sha256[:16]}, the model says "
            f"{spec_sha256(spec)[:16]}",
            hint="Build the project again.",
        )
    return compare_inputs(record, expected, found, clock=session.clock, tick_hz=tick_hz)
