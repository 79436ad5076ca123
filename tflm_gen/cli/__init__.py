"""The command line: a group that imports a verb only when it runs, and one place for errors."""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
from typing import NoReturn

import click

from tflm_gen import __version__
from tflm_gen.errors import (
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    OutputFolderError,
    TflmGenError,
    UsageError,
)

ERROR_SCHEMA = "tflm-gen/error/1"
# click before 8.2 prints the help itself.
_NO_ARGUMENTS: type[click.UsageError] | tuple[()] = getattr(
    click.exceptions, "NoArgsIsHelpError", ()
)
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})

# verb -> (module, one-line help). The help lives here so that --help imports no verb.
VERBS: dict[str, tuple[str, str]] = {
    "inspect": ("tflm_gen.cli.inspect", "Say what a .tflite model really is and where it fits."),
    "check": ("tflm_gen.cli.check", "Say whether a model will run on a board, and why not."),
    "quantize": (
        "tflm_gen.cli.quantize",
        "Quantize a float model to int8 with representative windows.",
    ),
    "evaluate": ("tflm_gen.cli.evaluate", "Score float and int8 on records; accept or reject."),
    "build": ("tflm_gen.cli.build", "Write a firmware project for a board and build it."),
    "emulate": ("tflm_gen.cli.emulate", "Run a built project in an emulator and show its output."),
    "flash": ("tflm_gen.cli.flash", "Write a built project's firmware into its board."),
    "bench": ("tflm_gen.cli.bench", "Measure latency per inference and per operator."),
    "verify": ("tflm_gen.cli.verify", "Prove that the device's outputs equal the host's."),
    "replay": (
        "tflm_gen.cli.replay",
        "Send recordings through a firmware's preprocessing; compare every byte.",
    ),
    "compare": ("tflm_gen.cli.compare", "Compare the engines that a board can have, in one table."),
    "boards": ("tflm_gen.cli.boards", "List and show the supported boards."),
    "deps": ("tflm_gen.cli.deps", "List and fetch the parts that firmware links against."),
    "doctor": ("tflm_gen.cli.doctor", "Check the tools on this machine and say how to install."),
}


class LazyGroup(click.Group):
    """A click group whose commands are imported on use, so that ``--help`` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of a user's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and return its ``command``."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(VERBS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verb list from the table above, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest verbs named when there is no such verb."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=2)
            guess = f" Did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{guess}", ctx=ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tflm-gen")
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """From an ECG model to TensorFlow Lite Micro firmware that proves itself."""
    ctx.obj = {"debug": debug}


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with the contract's exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    sys.exit(run(arguments))


def run(arguments: list[str]) -> int:
    """Run the command line; errors become ``error[TGnnn]``/``hint`` lines and an exit code.

    With ``--json`` standard output has one document in any case: the verb's, or the error's.
    """
    try:
        result = cli.main(args=arguments, prog_name="tflm-gen", standalone_mode=False)
    except TflmGenError as error:
        if "--debug" in arguments:
            raise
        return _report(error, arguments)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except _NO_ARGUMENTS as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "tflm-gen"
        usage = UsageError(error.format_message(), hint=f"Run: {path} --help")
        return _report(usage, arguments)
    except OSError as error:
        # Verbs name the files that they cannot write; what is left is standard output.
        if error.errno not in _UNWRITABLE or "--debug" in arguments:
            raise
        _discard_output()
        unprinted = OutputFolderError(
            f"cannot write the output: {error.strerror}",
            hint="Free space, or send the output elsewhere.",
        )
        return _report(unprinted, [])
    return result if isinstance(result, int) else 0


def _report(error: TflmGenError, arguments: list[str]) -> int:
    """Print an expected error: two lines for people, and the document that was asked for."""
    click.echo(f"error[{error.code}]: {error.message}", err=True)
    click.echo(f"hint: {error.hint}", err=True)
    if "--json" in arguments:
        document = {
            "schema": ERROR_SCHEMA,
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "exit_code": error.exit_code,
        }
        click.echo(json.dumps(document, indent=2))
    return error.exit_code


def _discard_output() -> None:
    """What is still in standard output's buffer goes nowhere, so that the exit does not fail."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
