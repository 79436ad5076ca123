"""``tflm-gen quantize``: a float model and windows to an int8 .tflite."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tflm_gen.cli.options import json_option

if TYPE_CHECKING:
    from tflm_gen.quantize.records import QuantizeAnswer


@click.command("quantize")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER|FILE",
    help="Representative windows: a .npy/.npz/.csv file, or a folder of them.",
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
    data: Path,
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
    answer = quantize_model(
        QuantizeRequest(
            model_path=str(model),
            data_path=str(data),
            scheme=scheme,
            io=io,
            per_channel=not per_tensor,
            held_out=held_out,
            output_path=str(out),
        ),
        timeout_s=timeout_s,
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
