"""``tflm-gen doctor``: what is installed, what is missing, and how to install it."""

from __future__ import annotations

import json
import os
import platform

import click

from tflm_gen import __version__
from tflm_gen.cli.options import json_option
from tflm_gen.errors import EXIT_MISSING


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """Check the tools on this machine; exit code 3 if the main job cannot run."""
    from tflm_gen.report.doctor_report import can_do_main_job, doctor_document, doctor_text
    from tflm_gen.toolchain.tools import find_tools

    findings = find_tools()
    is_root = os.geteuid() == 0
    python = platform.python_version()
    if as_json:
        document = doctor_document(findings, is_root=is_root, python=python, tool=__version__)
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(doctor_text(findings, is_root=is_root, python=python, tool=__version__))
    return 0 if can_do_main_job(findings) else EXIT_MISSING
