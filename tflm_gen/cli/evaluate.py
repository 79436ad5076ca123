"""The ``evaluate`` verb: float against int8 on records of patients neither has seen."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tflm_gen.cli.options import json_option, records_option, show_step, spec_option
from tflm_gen.errors import EXIT_NO

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from tflm_gen.evaluate.beats import BeatSet
    from tflm_gen.evaluate.splits import Split
    from tflm_gen.model.records import Model
    from tflm_gen.preprocess.spec import PreprocessSpec


@click.command("evaluate")
@click.argument("float_model", metavar="FLOAT", type=click.Path(path_type=Path))
@click.argument("int8_model", metavar="INT8", type=click.Path(path_type=Path))
@records_option(is_required=True)
@spec_option
@click.option(
    "--split",
    "split_name",
    default="de-chazal",
    show_default=True,
    metavar="NAME|LIST",
    help="de-chazal (DS1/DS2 of MIT-BIH), fold:K/N over patients, or a comma list for the test.",
)
@click.option(
    "--trained-on",
    default="split",
    metavar="LIST",
    help="Records that FLOAT was trained on: one that is in the test, under any name, stops the "
    "run.  [default: all records of the split's other side]",
)
@click.option(
    "--trigger",
    type=click.Choice(["annotation_triggered", "detector"]),
    help="How beats are found.  [default: as the preprocessing says]",
)
@click.option(
    "--preset",
    type=click.Choice(["diagnostic", "screening", "advisory"]),
    default="diagnostic",
    show_default=True,
    help="Points any gated score may fall by: 0.5, 1, 2.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the report and the models to use are written.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Draws of patients.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draws."
)
@json_option
def command(
    float_model: Path,
    int8_model: Path,
    records: Path,
    spec_path: Path | None,
    split_name: str,
    trained_on: str,
    trigger: str | None,
    preset: str,
    out: Path | None,
    rounds: int,
    seed: int,
    as_json: bool,
) -> int:
    """Score FLOAT and INT8 on the same beats and say whether INT8 may replace FLOAT.

    Without --spec the preprocessing is the one that INT8 carries.

    Exits with 1 when INT8 is rejected. --out writes evaluate.json, evaluate.md, evaluate.html, and a
    manifest.json that names the model to use: INT8 if it was accepted, and FLOAT as the fallback.
    """
    from tflm_gen.evaluate.beats import load_beats
    from tflm_gen.evaluate.cautions import cautions
    from tflm_gen.evaluate.release import write_release
    from tflm_gen.evaluate.split_choice import check_training, choose_split, names_records
    from tflm_gen.model.reader import read_model
    from tflm_gen.quantize.source import source_kind
    from tflm_gen.report.evaluate_text import render_text

    model = read_model(int8_model)
    source_kind(float_model)  # Refuses a wrong file before any record is read.
    spec = _spec(spec_path, model, trigger)
    if out is not None:
        with _writable(out):
            out.mkdir(parents=True, exist_ok=True)
    split = choose_split(split_name, records, spec, show_step)
    is_skippable = not names_records(split_name)
    beats = load_beats(records, split.test, spec, skip_unusable=is_skippable, progress=show_step)
    _check_leak(model, beats, split)
    show_step("records of the other side")
    others = check_training(trained_on, split, records, spec, beats.records)
    facts = _facts(float_model, model, spec, split, beats)
    facts["split"]["compared_with"] = [record.name for record in others]
    facts["trained_on"] = (
        [] if trained_on == "split" else [dataclasses.asdict(record) for record in others]
    )
    draws = _Draws(preset=preset, rounds=rounds, seed=seed)
    result = _scored(float_model, model, beats, draws, facts)
    float_sha256 = facts["float_model"]["sha256"]
    result["gate"]["warnings"] += cautions(model, float_sha256, beats, split)
    if out is not None:
        with _writable(out):
            pages = _pages(result, beats, spec)
            write_release(out, result, pages, float_model=float_model, int8=int8_model)
    click.echo(json.dumps(result, indent=2) if as_json else render_text(result))
    return 0 if result["gate"]["accepted"] else EXIT_NO


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Draws:
    """The gate's preset, and how patients are drawn."""

    preset: str
    rounds: int
    seed: int


def _scored(
    float_model: Path, model: Model, beats: BeatSet, draws: _Draws, facts: dict[str, Any]
) -> dict[str, Any]:
    """Run both models, score, judge: the document."""
    from tflm_gen.evaluate.detected_scores import detector_document
    from tflm_gen.evaluate.evaluation import compare, document
    from tflm_gen.evaluate.runs import run_float, run_int8

    inputs = _with_extra(beats)
    show_step("float model")
    float_run, batches = run_float(float_model, inputs)
    int8_run = run_int8(model, inputs, show_step)
    show_step(f"{draws.rounds} draws of patients")
    comparison = compare(
        beats.scored,
        float_run.first(beats.n_beats),
        int8_run.first(beats.n_beats),
        preset=draws.preset,
        n_rounds=draws.rounds,
        seed=draws.seed,
        is_batch_invariant=batches.same_class,
    )
    more = {
        "batch_invariance": dataclasses.asdict(batches),
        "bootstrap": {"rounds": draws.rounds, "seed": draws.seed, "unit": "patient"},
    }
    result = document(comparison, facts | more)
    if beats.detections:
        result["detector"] = detector_document(beats, comparison, (float_run, int8_run))
    return result


def _with_extra(beats: BeatSet) -> dict[str, NDArray[np.float32]]:
    """The scored beats, and behind them those that the detector made up."""
    import numpy as np

    return {
        name: np.concatenate([values, beats.extra_inputs[name]])
        for name, values in beats.inputs.items()
    }


def _spec(path: Path | None, model: Model, trigger: str | None) -> PreprocessSpec:
    from tflm_gen.errors import UsageError
    from tflm_gen.evaluate.results import check_class_names
    from tflm_gen.preprocess.carried import MISSING_HINT, carried_spec
    from tflm_gen.preprocess.spec import load_spec, with_trigger

    spec = load_spec(path) if path is not None else carried_spec(model)
    if spec is None:
        raise UsageError(
            f"{model.name} carries no preprocessing: filter, rate and scale are guesses then",
            hint=f"Give --spec FILE, or {MISSING_HINT}.",
        )
    check_class_names(spec.classes, str(path or model.name))
    return with_trigger(spec, trigger or spec.trigger, model.name)


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
    from tflm_gen.evaluate.cautions import calibration_facts
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
        "calibration": calibration_facts(model),
        "trigger": beats.trigger,
        "split": {
            "name": split.name,
            "test": [record.name for record in beats.records],
            "known_overlap": list(split.known_overlap),
        },
        "records": {record.name: record.sha256 for record in beats.records},
        "skipped_records": dict(beats.skipped_records),
        "excluded": dict(beats.excluded),
    }


@contextlib.contextmanager
def _writable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        from tflm_gen.errors import OutputFolderError

        raise OutputFolderError(
            f"{out}: cannot be written ({error.strerror})", hint="Choose another --out."
        ) from error


def _pages(result: dict[str, Any], beats: BeatSet, spec: PreprocessSpec) -> dict[str, str]:
    """The report: file name -> text."""
    from tflm_gen.report.evaluate_html import render_html
    from tflm_gen.report.evaluate_text import render_markdown

    scale, unit = (spec.scale_mv, "mV") if spec.normalization == "fixed" else (1.0, "SD")
    strips = [
        {
            "caption": f"record {worst['record']} at {_time(beats, worst['row'], spec)}: "
            f"true {worst['true']}, int8 says {worst['called']} "
            f"({worst['confidence']:.2f}), float {worst['float_called']}",
            "samples": (scale * beats.inputs[spec.window_input][worst["row"]][:, 0]).tolist(),
            "beat_at": spec.window_before,
            "rate_hz": spec.output_rate_hz,
            "unit": unit,
        }
        for worst in result["worst"]
    ]
    return {
        "evaluate.json": json.dumps(result, indent=2) + "\n",
        "evaluate.md": render_markdown(result),
        "evaluate.html": render_html(result, strips),
    }


def _time(beats: BeatSet, row: int, spec: PreprocessSpec) -> str:
    seconds = int(beats.places[row]) / spec.sample_rate_hz
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
