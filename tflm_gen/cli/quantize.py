"""``tflm-gen quantize``: a float model and windows to an int8 .tflite."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.options import json_option, records_option, show_step, spec_option
from tflm_gen.errors import UsageError
from tflm_gen.quantize.records import PERCENTILE

if TYPE_CHECKING:
    from tflm_gen.quantize.calibration_records import RecordSource
    from tflm_gen.quantize.choice import Choice
    from tflm_gen.quantize.records import QuantizeAnswer, QuantizeRequest


_DATA_HINT = "For example --data windows.npy: windows as in training, saved with numpy.save."


@click.command(
    "quantize",
    epilog="Windows come from --data, or are chosen, balanced, from --records, which needs --spec. "
    "The quantized model carries the preprocessing of --spec.",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FOLDER|FILE",
    help="Representative windows: a .npy/.npz/.csv file, or a folder of them.",
)
@records_option(is_required=False)
@spec_option
@click.option(
    "--train",
    default="de-chazal",
    show_default=True,
    metavar="NAME|LIST",
    help="With --records: de-chazal (DS1 of MIT-BIH), fold:K/N (all but that fold), all, a list.",
)
@click.option(
    "--windows",
    type=click.IntRange(min=10),
    default=200,
    show_default=True,
    help="With --records: how many.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="With --records: of the choice.",
)
@click.option(
    "--out",
    "out_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write the model.  [default: ./<model>_int8.tflite]",
)
@click.option("--io", default="int8", show_default=True, help="Inputs and outputs: int8, float32.")
@click.option("--scheme", default="int8", show_default=True, help="int8, or int16x8.")
@click.option(
    "--method",
    default="minmax",
    show_default=True,
    help="Ranges: minmax, percentile, mse; with --records also best: all of them tried.",
)
@click.option("--percentile", default=PERCENTILE, show_default=True, help="With that method.")
@click.option("--per-tensor", is_flag=True, help="One scale per weight tensor, not per channel.")
@click.option(
    "--held-out",
    default=0.2,
    show_default=True,
    metavar="SHARE",
    help="Share of the windows kept for comparing float with int8.",
)
@click.option("--timeout", "timeout_s", default=600.0, show_default=True, metavar="SECONDS")
@json_option
def command(
    model: Path,
    data: Path | None,
    records: Path | None,
    spec_path: Path | None,
    train: str,
    windows: int,
    seed: int,
    out_path: Path | None,
    io: str,
    scheme: str,
    method: str,
    percentile: float,
    per_tensor: bool,
    held_out: float,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Quantize MODEL (.keras, .h5, SavedModel or float .tflite) with representative windows."""
    from tflm_gen.preprocess.carried import MISSING, MISSING_HINT
    from tflm_gen.quantize.calibration import count_warnings
    from tflm_gen.quantize.client import quantize_model
    from tflm_gen.quantize.records import QuantizeRequest
    from tflm_gen.report.quantize_text import quantize_text

    out = out_path or Path(f"{model.stem}_{scheme}.tflite")
    request = QuantizeRequest(
        model_path=str(model),
        data_path=str(data),
        scheme=scheme,
        io=io,
        per_channel=not per_tensor,
        held_out=held_out,
        output_path=str(out),
        method=method,
        percentile=percentile,
    )
    if (data is None) == (records is None):
        raise UsageError("give --data or --records, one of them", hint=_DATA_HINT)
    _look_first(model, out)
    choice: Choice | None = None
    if records is None:
        show_step("converting, calibrating, quantizing")
        answer = quantize_model(_with_spec(request, spec_path), timeout_s=timeout_s)
        warnings = count_warnings(answer.n_calibration)
    else:
        source = _source(records, spec_path, train=train, method=method)
        answer, choice, warnings = _from_records(
            request, source, windows=windows, seed=seed, limit=timeout_s
        )
    warnings += () if spec_path else (f"{MISSING}; {MISSING_HINT}",)
    if as_json:
        head = {"output": str(out), "per_channel": not per_tensor, "method": method}
        head |= {"scheme": scheme, "io": io}
        click.echo(json.dumps(_document(head, answer, choice, warnings), indent=2))
    else:
        click.echo(quantize_text(answer, choice, out=out, scheme=scheme))
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def _look_first(model: Path, out: Path) -> None:
    """Refuse a wrong model and a place that cannot be written before any record is read."""
    from tflm_gen.project.output_file import check_output
    from tflm_gen.quantize.source import source_kind

    source_kind(model)
    check_output(out)


def _document(
    head: dict[str, object],
    answer: QuantizeAnswer,
    choice: Choice | None,
    warnings: tuple[str, ...],
) -> dict[str, object]:
    taken = {"per_channel": choice.best.per_channel, "method": choice.best.method} if choice else {}
    return {
        "schema": "tflm-gen/quantize/1",
        **head,
        **taken,
        **dataclasses.asdict(answer),
        "choice": choice.document() if choice else None,
        "warnings": list(warnings),
    }


def _with_spec(request: QuantizeRequest, spec_path: Path | None) -> QuantizeRequest:
    """The request with the specification as metadata, if there is one."""
    from tflm_gen.preprocess.carried import METADATA_KEY
    from tflm_gen.preprocess.spec import load_spec

    if request.method == "best":
        raise UsageError(
            "--method best needs --records: windows without patients and classes cannot judge",
            hint="Give --records and --spec, or choose minmax, percentile or mse.",
        )
    if spec_path is None:
        return request
    load_spec(spec_path)
    text = spec_path.read_text(encoding="utf-8")
    return dataclasses.replace(request, metadata={METADATA_KEY: text})


def _source(records: Path, spec_path: Path | None, *, train: str, method: str) -> RecordSource:
    from tflm_gen.quantize.calibration_records import RecordSource

    if spec_path is None:
        raise UsageError(
            "--records needs --spec: how samples become the model's inputs",
            hint="docs/preprocessing.md has one to start from.",
        )
    return RecordSource(
        folder=records,
        spec_path=spec_path,
        train=train,
        has_validation=method == "best",
        progress=show_step,
    )


def _from_records(
    request: QuantizeRequest, source: RecordSource, *, windows: int, seed: int, limit: float
) -> tuple[QuantizeAnswer, Choice | None, tuple[str, ...]]:
    """Choose windows, quantize with all of them, and keep the choice beside the model."""
    import tempfile

    from tflm_gen.project.output_file import write_output
    from tflm_gen.quantize.calibration_records import calibration_from_records
    from tflm_gen.quantize.choice import choose_calibration
    from tflm_gen.quantize.client import quantize_model

    out = Path(request.output_path)
    choice: Choice | None = None
    with tempfile.TemporaryDirectory(prefix="tflm-gen-") as folder:
        chosen = calibration_from_records(source, count=windows, seed=seed, into=Path(folder))
        # Every chosen window counts; labelled records of other people judge the result.
        request = dataclasses.replace(
            request,
            data_path=str(chosen.data_path),
            metadata=chosen.metadata,
            held_out=0.0,
        )
        if chosen.validation is None:
            show_step("converting, calibrating, quantizing")
            answer = quantize_model(request, timeout_s=limit)
        else:
            choice = choose_calibration(
                request, chosen.validation, Path(folder), timeout_s=limit, progress=show_step
            )
            answer = choice.answer
            write_output(out, choice.model)
    record = chosen.record | {"choice": choice.document() if choice else None}
    text = json.dumps(record, indent=2) + "\n"
    write_output(out.with_suffix(".calibration.json"), text.encode())
    return answer, choice, chosen.selection.warnings
