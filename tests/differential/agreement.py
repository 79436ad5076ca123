"""Compares the verdicts of ``check`` with what the runtimes do, over the whole zoo; run by hand.

python -m tests.differential.agreement RESULT.json

About 650 models on the wheel and on the image in QEMU, a second or less each.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.support.image_bench import ImageBench
from tests.support.wheel_bench import Outcome, run_on_wheel
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES
from tflm_gen.board_loader import load_board
from tflm_gen.check import check_model
from tflm_gen.errors import TflmGenError
from tflm_gen.model.dtypes import tensor_bytes
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.choice import choose_engine
from tflm_gen.tflm.source_facts import IMAGE_SHA256, WHEEL_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.check.records import CheckReport
    from tflm_gen.model.records import Model

_RELATIVE = 1e-4
_ABSOLUTE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model on one board."""

    name: str
    board: str
    says_yes: bool
    outcome: Outcome
    is_warned: bool

    @property
    def agrees(self) -> bool:
        return self.says_yes == self.outcome.ran


def zoo() -> dict[str, Callable[[], bytes]]:
    """All models with a verdict of their own."""
    return {**ZOO, **{f"feature_{name}": make for name, make in FEATURES.items()}}


def readable(name: str) -> Model | None:
    """A model of the zoo, or None if the validator already refuses it."""
    try:
        return parse_model(zoo()[name](), f"{name}.tflite")
    except TflmGenError:
        return None


@cache
def _choice(board_id: str):
    return choose_engine(load_board(board_id), engine="auto", kernels="auto")


def verdict(model: Model, board_id: str) -> CheckReport:
    """What check says."""
    return check_model(model, _choice(board_id), board_id=board_id)


def inputs_for(model: Model) -> tuple[bytes, ...]:
    """Seeded inputs; whole numbers and truth values are zero, since they may be indices."""
    rng = np.random.default_rng(5)
    return tuple(_input(tensor.dtype, tensor_bytes(tensor) or 0, rng) for tensor in model.inputs)


def _input(dtype: str, n_bytes: int, rng: np.random.Generator) -> bytes:
    if dtype == "float32":
        return rng.normal(0.0, 1.0, n_bytes // 4).astype(np.float32).tobytes()
    if dtype in ("int8", "int16", "uint8"):
        return rng.integers(0, 256, n_bytes, dtype=np.uint8).tobytes()
    return bytes(n_bytes)


def on_wheel(model: Model) -> Outcome:
    return run_on_wheel(model, inputs_for(model))


def on_image(model: Model, bench: ImageBench) -> Outcome:
    return bench.run(model, inputs_for(model))


def row(name: str, board: str, report: CheckReport, outcome: Outcome) -> Row:
    return Row(
        name=name,
        board=board,
        says_yes=report.runs,
        outcome=outcome,
        is_warned=bool(report.warnings),
    )


def n_different(model: Model, one: Outcome, other: Outcome) -> int:
    """Elements of all outputs that differ; floats by more than rounding."""
    total = 0
    for tensor, left, right in zip(model.outputs, one.outputs, other.outputs, strict=True):
        if tensor.dtype == "float32":
            a, b = np.frombuffer(left, np.float32), np.frombuffer(right, np.float32)
            close = np.isclose(a, b, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True)
            total += int(np.sum(~close))
        else:
            a8, b8 = np.frombuffer(left, np.uint8), np.frombuffer(right, np.uint8)
            total += int(np.sum(a8 != b8))
    return total


def main(argv: list[str]) -> int:
    rows: list[Row] = []
    refused, differ = [], []
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as folder:
        bench = ImageBench(Path(folder))
        for name in zoo():
            model = readable(name)
            if model is None:
                refused.append(name)
                continue
            digest.update(model.flatbuffer)
            wheel, image = on_wheel(model), on_image(model, bench)
            report = verdict(model, "corstone300")
            rows.append(row(name, "host", verdict(model, "host"), wheel))
            if not image.verdict.startswith("not asked"):
                rows.append(row(name, "corstone300", report, image))
            if wheel.ran and image.ran and n_different(model, wheel, image):
                differ.append((name, n_different(model, wheel, image), rows[-1].is_warned))
    document = {
        "schema": "tflm-gen/check-agreement/1",
        "command": "python -m tests.differential.agreement RESULT.json",
        "runtimes": {"host": f"tflite-micro {WHEEL_VERSION}", "corstone300": IMAGE_SHA256},
        "zoo_sha256": digest.hexdigest(),
        "models": len({r.name for r in rows}),
        "refused_by_the_validator": refused,
        "counts": {
            board: {
                "check yes, ran": _count(rows, board, True, True),
                "check no, did not run": _count(rows, board, False, False),
                "check yes, did not run": _count(rows, board, True, False),
                "check no, ran": _count(rows, board, False, True),
            }
            for board in ("host", "corstone300")
        },
        "disagreements": [
            {"model": r.name, "board": r.board, "check": r.says_yes, "runtime": r.outcome.verdict}
            for r in rows
            if not r.agrees
        ],
        "outputs_differ_between_runtimes": [
            {"model": name, "elements": n, "check_warns": warned} for name, n, warned in differ
        ],
        "rows": [
            f"{r.name} on {r.board}: {'yes' if r.says_yes else 'no'}, {r.outcome.verdict}"
            for r in rows
        ],
    }
    text = json.dumps(document, indent=1)
    Path(argv[0]).write_text(text + "\n", encoding="utf-8")
    shown = {key: document[key] for key in ("models", "counts", "disagreements")}
    sys.stdout.write(json.dumps(shown) + "\n")
    return 0 if all(r.agrees for r in rows) else 1


def _count(rows: list[Row], board: str, says_yes: bool, ran: bool) -> int:
    return sum(r.board == board and r.says_yes == says_yes and r.outcome.ran == ran for r in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
