"""The ``evaluate`` verb: float against int8 on records of patients neither has seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tflm_gen.cli.options import json_option, show_step

if TYPE_CHECKING:
    from tflm_gen.evaluate.beats import BeatSet
    from tflm_gen.evaluate.splits import Split
    from tflm_gen.model.records import Model
    from tflm_gen.preprocess.spec import PreprocessSpec


@click.command("evaluate")
@click.argument("float_model", metavar="FLOAT", type=click.Path(path_type=Path))
@click.argument("int8_model", metavar="INT8", type=click.Path(path_type=Path))
@click.option(
    "--records",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="WFDB, .npz or .csv records with beat annotations.",
)
@click.option(
    "--spec",
    "spec_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Preprocessing.  [default: the one carried in INT8]",
)
@click.option(
    "--split",
    "split_name",
    default="de-chazal",
    show_default=True,
    metavar="NAME|LIST",
    help="de-chazal (DS1/DS2 of MIT-BIH), or the test records as a comma list.",
)
@click.option(
    "--preset",
    type=click.Choice(["diagnostic", "screening", "advisory"]),
    default="diagnostic",
    show_default=True,
    help="Points any gated score may fall by: 0.5, 1, 2.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER")
@click.option("--rounds", default=1000, show_default=True, help="Draws of patients.")
@click.option("--seed", default=0, show_default=True, help="Of the draws.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    float_model: Path,
    int8_model: Path,
    records: Path,
    spec_path: Path | None,
    split_name: str,
    preset: str,
    out: Path | None,
    rounds: int,
    seed: int,
    as_json: bool,
) -> None:
    """Score FLOAT and INT8 on the same beats and say whether INT8 may replace FLOAT.

    Exits with 1 when it is rejected. --out writes evaluate.json, evaluate.md and evaluate.html.
    """
    from tflm_gen.evaluate.beats import load_beats
    from tflm_gen.evaluate.evaluation import compare, document
    from tflm_gen.evaluate.runs import run_float, run_int8
    from tflm_gen.model.reader import read_model
    from tflm_gen.report.evaluate_text import render_text

    model = read_model(int8_model)
    spec = _spec(spec_path, model)
    split = _split(split_name, records)
    beats = load_beats(records, split.test, spec, skip_unusable=True, progress=show_step)
    _check_leak(model, beats, split)
    show_step("float model")
    float_run, batches = run_float(float_model, beats.inputs)
    show_step("int8 model")
    int8_run = run_int8(model, beats.inputs)
    show_step(f"{rounds} draws of patients")
    comparison = compare(
        beats.scored, float_run, int8_run, preset=preset, n_rounds=rounds, seed=seed
    )
    facts = _facts(float_model, model, spec, split, beats) | {
        "batch_invariance": {
            "n_windows": batches.n_windows,
            "largest_difference": batches.largest_difference,
            "same_class": batches.same_class,
        },
        "bootstrap": {"rounds": rounds, "seed": seed, "unit": "patient"},
    }
    result = document(comparison, facts)
    if not batches.same_class:
        result["gate"]["accepted"] = False
        result["gate"]["reasons"].append("the float model's class depends on the batch size")
    if out is not None:
        _write(out, result, beats, spec)
    click.echo(json.dumps(result, indent=2) if as_json else render_text(result))
    if not result["gate"]["accepted"]:
        ctx.exit(1)


def _spec(path: Path | None, model: Model) -> PreprocessSpec:
    from tflm_gen.errors import UsageError
    from tflm_gen.preprocess.spec import load_spec, parse_spec
    from tflm_gen.quantize.metadata import PREPROCESS

    if path is not None:
        return load_spec(path)
    carried = model.metadata.get(PREPROCESS)
    if carried is None:
        raise UsageError(
            f"{model.name} carries no preprocessing: filter, rate and scale are guesses then",
            hint="Give --spec FILE, or quantize with --spec so that the model carries it.",
        )
    return parse_spec(carried.decode("utf-8", "replace"), f"{model.name}: {PREPROCESS}")


def _split(name: str, folder: Path) -> Split:
    from tflm_gen.evaluate.beats import find_records
    from tflm_gen.evaluate.splits import Split, de_chazal

    if name == "de-chazal":
        return de_chazal()
    test = tuple(part.strip() for part in name.split(",") if part.strip())
    others = tuple(n for n in find_records(folder) if n not in test)
    return Split(name=f"test records {', '.join(test)}", train=others, test=test)


def _check_leak(model: Model, beats: BeatSet, split: Split) -> None:
    """Calibration records are known by content; training ones by what the split says."""
    from tflm_gen.evaluate.splits import RecordId, check_leak
    from tflm_gen.quantize.metadata import CALIBRATION

    carried = model.metadata.get(CALIBRATION)
    if carried is None:
        return
    known = [RecordId(**item) for item in json.loads(carried)["records"]]
    check_leak(known, beats.records, allowed=split.known_overlap)


def _facts(
    float_model: Path, model: Model, spec: PreprocessSpec, split: Split, beats: BeatSet
) -> dict[str, Any]:
    from tflm_gen.preprocess.spec import spec_sha256
    from tflm_gen.quantize.source import source_sha256

    return {
        "float_model": {"name": float_model.name, "sha256": source_sha256(float_model)},
        "int8_model": {
            "name": model.name,
            "sha256": model.sha256,
            "bytes": len(model.flatbuffer),
        },
        "preprocessing_sha256": spec_sha256(spec),
        "trigger": spec.trigger,
        "split": {
            "name": split.name,
            "test": [record.name for record in beats.records],
            "known_overlap": list(split.known_overlap),
        },
        "records": {record.name: record.sha256 for record in beats.records},
        "skipped_records": dict(beats.skipped_records),
        "excluded": dict(beats.excluded),
    }


def _write(out: Path, result: dict[str, Any], beats: BeatSet, spec: PreprocessSpec) -> None:
    from tflm_gen.report.evaluate_html import render_html
    from tflm_gen.report.evaluate_text import render_markdown

    strips = [
        {
            "caption": f"record {worst['record']} at {_time(beats, worst['row'], spec)}: "
            f"true {worst['true']}, int8 says {worst['called']} "
            f"({worst['confidence']:.2f}), float {worst['float_called']}",
            "samples": beats.inputs[spec.window_input][worst["row"]].ravel().tolist(),
            "beat_at": spec.window_before,
        }
        for worst in result["worst"]
    ]
    out.mkdir(parents=True, exist_ok=True)
    pages = {
        "evaluate.json": json.dumps(result, indent=2) + "\n",
        "evaluate.md": render_markdown(result),
        "evaluate.html": render_html(result, strips),
    }
    for name, page in pages.items():
        (out / name).write_text(page, encoding="utf-8")


def _time(beats: BeatSet, row: int, spec: PreprocessSpec) -> str:
    seconds = int(beats.places[row]) / spec.sample_rate_hz
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
