"""``tflm-gen build``: a model and a board to a firmware project, built and measured."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tflm_gen.cli.options import KERNELS, board_option, json_option, show_step

ENGINES = ("auto", "tflm", "compiled")
PROJECT_KINDS = ("auto", "cmake", "platformio", "esp-idf")


@click.command("build")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@board_option
@click.option("--example", metavar="NAME", help="Build an example model of the tool: ecg.")
@click.option(
    "--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="What to link."
)
@click.option(
    "--kernels",
    type=click.Choice(KERNELS),
    default="auto",
    show_default=True,
    help="Kernel library of engine tflm.",
)
@click.option(
    "--npu",
    metavar="NAME",
    help="Configuration of the Ethos-U for --kernels ethos-u: ethos-u55-128, ethos-u65-256.",
)
@click.option(
    "--project",
    "project_kind",
    type=click.Choice(PROJECT_KINDS),
    default="auto",
    show_default=True,
    help="Kind of project to write.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the project.  [default: ./<model>-<board>]",
)
@click.option("--tflm-dir", type=click.Path(path_type=Path), metavar="DIR", help="Own TFLM tree.")
@click.option("--no-clean", is_flag=True, help="Keep the model byte for byte.")
@click.option(
    "--plan-memory",
    is_flag=True,
    help="Plan the tensor arena ahead: operators reordered, offsets in the model.",
)
@click.option(
    "--probe-arena",
    is_flag=True,
    help="Reserve all the board has; start-up reports the smallest arena that works there.",
)
@click.option("--no-build", is_flag=True, help="Write the project, link nothing.")
@click.option("--no-cache", is_flag=True, help="Build even if nothing changed.")
@json_option
def command(
    model: Path | None,
    board_id: str,
    example: str | None,
    engine: str,
    kernels: str,
    npu: str | None,
    project_kind: str,
    out: Path | None,
    tflm_dir: Path | None,
    no_clean: bool,
    plan_memory: bool,
    probe_arena: bool,
    no_build: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Write a firmware project that runs MODEL on a board, and build it."""
    from tflm_gen.model.reader import read_model
    from tflm_gen.pipeline import BuildRequest, build_project
    from tflm_gen.report.build_report import build_document, build_text

    parsed = read_model(_model_path(model, example))
    root = out or Path(f"{parsed.name}-{board_id}{_npu_suffix(kernels, npu)}")
    result = build_project(
        BuildRequest(
            model=parsed,
            board_id=board_id,
            out=root,
            engine=engine,
            kernels=kernels,
            npu=npu,
            project_kind=project_kind,
            tflm_dir=tflm_dir,
            arena_mode="largest" if probe_arena else "proven",
            is_linked=not no_build,
            use_cache=not no_cache,
            is_cleaned=not no_clean,
            is_memory_planned=plan_memory,
        ),
        on_step=show_step,
    )
    if as_json:
        click.echo(json.dumps(build_document(result, project=str(root)), indent=2))
    else:
        click.echo(build_text(result, project=str(root)))


def _npu_suffix(kernels: str, npu: str | None) -> str:
    """Keeps the NPU's project beside that of the CPU: both may be wanted."""
    return "-npu" if kernels == "ethos-u" or npu is not None else ""


def _model_path(model: Path | None, example: str | None) -> Path:
    """The one model that was named.

    Raises:
        UsageError: If none or two were named, or the example does not exist.
    """
    from tflm_gen.errors import UsageError
    from tflm_gen.examples import example_model

    if (model is None) == (example is None):
        raise UsageError(
            "name one model: a .tflite file or --example NAME",
            hint="For example: tflm-gen build --example ecg --board corstone300",
        )
    return example_model(example) if example is not None else model or Path()
