"""``tflm-gen quantize``: a float model and windows to an int8 .tflite."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.options import json_option, show_step
from tflm_gen.errors import UsageError

if TYPE_CHECKING:
    from tflm_gen.quantize.records import QuantizeAnswer, QuantizeRequest


@click.command("quantize")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FOLDER|FILE",
    help="Representative windows: a .npy/.npz/.csv file, or a folder of them.",
)
@click.option(
    "--records",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Instead of --data: ECG records, from which balanced windows are chosen.",
)
@click.option(
    "--spec",
    "spec_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --records: the preprocessing, which the model then carries.",
)
@click.option(
    "--train",
    default="de-chazal",
    show_default=True,
    metavar="NAME|LIST",
    help="With --records: de-chazal (DS1 of MIT-BIH), all, or a comma list.",
)
@click.option("--windows", default=200, show_default=True, help="With --records: how many.")
@click.option("--seed", default=0, show_default=True, help="With --records: of the choice.")
@click.option(
    "--out",
    "out_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write the model.  [default: ./<model>_int8.tflite]",
)
@click.option("--io", default="int8", show_default=True, help="Inputs and outputs: int8, float32.")
@click.option("--scheme", default="int8", show_default=True, help="int8, or int16x8.")
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
    per_tensor: bool,
    held_out: float,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Quantize MODEL (.keras, .h5, SavedModel or float .tflite) with representative windows."""
    from tflm_gen.quantize.client import quantize_model
    from tflm_gen.quantize.records import QuantizeRequest

    out = out_path or Path(f"{model.stem}_{scheme}.tflite")
    request = QuantizeRequest(
        model_path=str(model),
        data_path=str(data),
        scheme=scheme,
        io=io,
        per_channel=not per_tensor,
        held_out=held_out,
        output_path=str(out),
    )
    if (data is None) == (records is None):
        raise UsageError("give --data or --records, one of them", hint="See docs/calibration.md.")
    if records is None:
        answer = quantize_model(request, timeout_s=timeout_s)
    else:
        answer = _from_records(
            request, records, spec_path, train=train, windows=windows, seed=seed, limit=timeout_s
        )
    if as_json:
        document = {
            "schema": "tflm-gen/quantize/1",
            "output": str(out),
            "scheme": scheme,
            "io": io,
            "per_channel": not per_tensor,
            **dataclasses.asdict(answer),
        }
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(_summary(answer, out=out, scheme=scheme))


def _from_records(
    request: QuantizeRequest,
    records: Path,
    spec_path: Path | None,
    *,
    train: str,
    windows: int,
    seed: int,
    limit: float,
) -> QuantizeAnswer:
    """Choose windows, quantize with all of them, and keep the choice beside the model."""
    import tempfile

    from tflm_gen.quantize.calibration_records import calibration_from_records
    from tflm_gen.quantize.client import quantize_model

    if spec_path is None:
        raise UsageError(
            "--records needs --spec: how samples become the model's inputs",
            hint="docs/preprocessing.md has one to start from.",
        )
    with tempfile.TemporaryDirectory(prefix="tflm-gen-") as folder:
        chosen = calibration_from_records(
            records,
            spec_path,
            train=train,
            count=windows,
            seed=seed,
            into=Path(folder),
            progress=show_step,
        )
        answer = quantize_model(
            dataclasses.replace(
                request,
                data_path=str(chosen.data_path),
                metadata=chosen.metadata,
                # Every chosen window counts; labelled records of other people judge the result.
                held_out=0.0,
            ),
            timeout_s=limit,
        )
    for warning in chosen.selection.warnings:
        click.echo(f"warning: {warning}", err=True)
    out = Path(request.output_path)
    out.with_suffix(".calibration.json").write_text(chosen.record, encoding="utf-8")
    return answer


def _summary(answer: QuantizeAnswer, *, out: Path, scheme: str) -> str:
    agreement = answer.agreement
    share = answer.quantized_bytes / answer.float_bytes
    lines = [
        f"quantized   {out}  ({scheme}, {answer.n_calibration} calibration windows)",
        f"size        float .tflite {answer.float_bytes:,} B -> {answer.quantized_bytes:,} B "
        f"({share:.1%})",
        f"compared    on {agreement.split}; {scheme} ran on {agreement.runtime}",
    ]
    if agreement.same_class is not None:
        lines.append(
            f"same class  {agreement.same_class} of {agreement.n_windows} "
            f"({agreement.same_class / agreement.n_windows:.2%})"
        )
    lines += [
        f"output diff max {agreement.max_abs_error:.4g}, mean {agreement.mean_abs_error:.3g}",
        f"sha256      {answer.quantized_sha256}",
        "Agreement with the float model is not accuracy: compare both with labels before use.",
        f"next        tflm-gen build {out} --board corstone300",
    ]
    return "\n".join(lines)
