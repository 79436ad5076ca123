"""``tflm-gen emulate``: boot a project's firmware and show what it says."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.device_options import port_option, print_document, timeout_option, with_option
from tflm_gen.cli.options import json_option, project_argument
from tflm_gen.errors import EXIT_NO

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.runner.records import BootReport
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.wire import Line, Transcript

SCHEMA = "tflm-gen/emulate/1"


@click.command()
@project_argument
@with_option
@port_option
@timeout_option(60.0)
@json_option
def command(
    project: Path, with_name: str | None, port: str | None, timeout_s: float, as_json: bool
) -> int:
    """Run the firmware in DIR from its banner to its self-test.

    Exits 0 if the self-test passed, 1 if it gave other bytes, 4 if the firmware crashed or fell
    silent.
    """
    from tflm_gen.report.emulate_text import line_text, verdict_text
    from tflm_gen.runner.launch import check_identity, open_device
    from tflm_gen.runner.select import select_device
    from tflm_gen.runner.target import load_target

    def show(line: Line) -> None:
        text = line_text(line)
        if text is not None:
            click.echo(text)

    target = load_target(project)
    choice = select_device(target, port=port, with_name=with_name)
    if not as_json:
        click.echo(f"running {target.model_name} with {choice.name} ({choice.reason})")
    on_line = None if as_json else show
    with open_device(choice, timeout_s=timeout_s, on_line=on_line) as session:
        report = session.connect()
        check_identity(report, target)
        transcript = session.transcript()
    if as_json:
        print_document(_document(choice, report, transcript))
    else:
        click.echo()
        for text in verdict_text(report):
            click.echo(text)
        click.echo(f"next:      tflm-gen verify {shlex.quote(str(project))}")
    return EXIT_NO if report.selftest is not None and _has_failed(report) else 0


def _has_failed(report: BootReport) -> bool:
    selftest = report.selftest
    return selftest is not None and selftest.n_bytes > 0 and not selftest.is_equal


def _document(
    choice: DeviceChoice, report: BootReport, transcript: Transcript
) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "device": {"name": choice.name, "reason": choice.reason, "title": transcript.source},
        "boot": asdict(report),
        "selftest_passed": None if report.selftest is None else not _has_failed(report),
        "lines": [{"elapsed_s": round(at, 6), "text": text} for at, text in transcript.lines],
    }
