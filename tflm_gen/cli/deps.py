"""``tflm-gen deps``: the parts that firmware links against and no package installs for us."""

from __future__ import annotations

import json

import click

from tflm_gen.cli.options import json_option, show_step


@click.group("deps")
def command() -> None:
    """List and fetch the parts that firmware links against."""


@command.command("list")
@json_option
def list_deps(as_json: bool) -> None:
    """List the parts, what each is for, and whether it is here."""
    from tflm_gen.report.deps_report import deps_document, deps_text
    from tflm_gen.tflm.deps import list_dependencies

    parts = list_dependencies()
    click.echo(json.dumps(deps_document(parts), indent=2) if as_json else deps_text(parts))


@command.command("get")
@click.argument("name")
@json_option
def get_dep(name: str, as_json: bool) -> None:
    """Fetch the part NAME into the cache, checked against its pinned hash."""
    from tflm_gen.report.deps_report import deps_document, fetched_text
    from tflm_gen.tflm.deps import get_dependency

    part = get_dependency(name, show_step)
    click.echo(json.dumps(deps_document([part]), indent=2) if as_json else fetched_text(part))
