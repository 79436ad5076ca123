"""``tflm-gen flash``: write a project's firmware into its board."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.options import json_option, project_argument

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "tflm-gen/flash/1"


@click.command("flash")
@project_argument
@click.option("--tool", "tool_name", metavar="NAME", help="Default: the first that is installed.")
@click.option(
    "--port", metavar="PORT", help="The board's serial port, for tools that write over it."
)
@click.option("--probe", metavar="SERIAL", help="Serial number of the probe, if several.")
@click.option("--drive", metavar="PATH", help="The UF2 bootloader's drive, if several.")
@json_option
def command(
    project: Path,
    tool_name: str | None,
    port: str | None,
    probe: str | None,
    drive: str | None,
    as_json: bool,
) -> None:
    """Write the firmware in DIR into its board and prove that it is there.

    Exits 0 only if the tool's output proves the write, 3 if no board or no tool is there, 4 if
    the tool failed.
    """
    from tflm_gen.runner.flash import choose_flasher, firmware_image, flash_request
    from tflm_gen.runner.target import load_target

    target = load_target(project)
    choice = choose_flasher(target, tool_name=tool_name)
    request = flash_request(
        target,
        choice,
        image=firmware_image(target, choice),
        port=port,
        probe=probe,
        drive=drive,
    )
    if not as_json:
        click.echo(f"flashing {request.image} with {choice.flasher.name} ({choice.reason})")
    report = choice.flasher.flash(request)
    if as_json:
        document = {
            "schema": SCHEMA,
            "board": target.board_id,
            "tool": report.tool,
            "reason": choice.reason,
            "image": str(request.image),
            "proof": report.proof,
            "command": list(report.command),
        }
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"written:  {report.proof}")
    click.echo(f"next:     tflm-gen verify {shlex.quote(str(project))} --port PORT")
