"""Options and output that the verbs which talk to a device share."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

port_option = click.option(
    "--port", metavar="PORT", help="A real board: serial port or pyserial URL."
)
with_option = click.option(
    "--with",
    "with_name",
    metavar="NAME",
    help="Emulator: renode, qemu or host. Default: the first that can run the board.",
)


def timeout_option(default_s: float) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """``--timeout``: limit of the start-up and of every command."""
    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=0.1, max=86_400.0),
        default=default_s,
        show_default=True,
        metavar="SECONDS",
        help="Wall-clock limit of the start-up, and of each command to the device.",
    )


def print_document(document: dict[str, object]) -> None:
    """Print one JSON document; JSON has no NaN and no infinity, which float models can give."""
    click.echo(json.dumps(_finite(document), indent=2, allow_nan=False))


def _finite(value: object) -> object:
    """The same with null for every number that JSON cannot write."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def progress(length: int, label: str) -> Iterator[Callable[[], None]]:
    """A bar on standard error, and nothing at all where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)
