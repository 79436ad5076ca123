"""``quantize`` for people."""

from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING

from tflm_gen.evaluate.results import LABELS
from tflm_gen.report.evaluate_text import batches_text, percent
from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.quantize.choice import Choice
    from tflm_gen.quantize.records import QuantizeAnswer, RangeChange


def quantize_text(answer: QuantizeAnswer, choice: Choice | None, *, out: Path, scheme: str) -> str:
    """The summary: size, ranges, agreement, and every calibration that was tried."""
    agreement = answer.agreement
    share = answer.quantized_bytes / answer.float_bytes
    lines = [
        f"quantized   {out}  ({scheme}, {answer.n_calibration} calibration windows)",
        f"size        float .tflite {answer.float_bytes:,} B -> {answer.quantized_bytes:,} B "
        f"({share:.1%})",
        f"compared    on {agreement.split}; {scheme} ran on {agreement.runtime}",
    ]
    lines.append(f"batches     {batches_text(dataclasses.asdict(answer.batches))}")
    if answer.range_changes:
        most = min(answer.range_changes, key=_left)
        lines.append(
            f"ranges      {len(answer.range_changes)} activations narrower than their values; most "
            f"{most.tensor[-40:]}: {most.least:.3g}..{most.most:.3g} -> {most.low:.3g}.."
            f"{most.high:.3g}"
        )
    if agreement.same_class is not None:
        lines.append(
            f"same class  {agreement.same_class} of {agreement.n_windows} "
            f"({agreement.same_class / agreement.n_windows:.2%})"
        )
    lines += [
        f"output diff max {agreement.max_abs_error:.4g}, mean {agreement.mean_abs_error:.3g}",
        f"sha256      {answer.quantized_sha256}",
        *(choice_lines(choice) if choice else ()),
        "Agreement with the float model is not accuracy: compare both with labels before use.",
        f"next        tflm-gen build {shlex.quote(str(out))} --board corstone300",
    ]
    return "\n".join(lines)


def choice_lines(choice: Choice) -> list[str]:
    """Every calibration on the validation patients, and which one was taken."""
    columns = [
        Column(title="calibration"),
        *(
            Column(title=title, is_number=True)
            for title in (
                "narrowed",
                "accuracy",
                "VEB Se",
                "VEB +P",
                "SVEB Se",
                "SVEB +P",
                "same class",
            )
        ),
        Column(title="falls most"),
    ]
    rows = [
        [
            "float",
            "",
            *(percent(choice.float_scores[k]) for k in _SHOWN),
            "",
            "",
        ]
    ]
    rows += [
        [
            trial.label + (" *" if trial is choice.best else ""),
            str(trial.n_narrowed),
            *(percent(trial.scores[k]) for k in _SHOWN),
            f"{100 * trial.same_class:.2f}",
            f"{LABELS[trial.worst_score]} {trial.worst_drop_points:+.2f}",
        ]
        for trial in choice.trials
    ]
    return [
        "",
        f"{choice.n_beats} beats of validation records {', '.join(choice.records)} (percent):",
        *render_table(columns, rows, indent=0),
        f"* taken: the least fall of its worst score ({choice.best.label})",
        "",
    ]


_SHOWN = ("accuracy", "veb_se", "veb_ppv", "sveb_se", "sveb_ppv")


def _left(change: RangeChange) -> float:
    """Share of the values' span that is left."""
    return (change.high - change.low) / (change.most - change.least)
