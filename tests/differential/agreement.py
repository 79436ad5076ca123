"""Compares the verdicts of ``check`` with what the runtimes do, over the whole zoo; run by hand.

python -m tests.differential.agreement RESULT.json [EARLIER.json]

About 700 models on the wheel and on the image in QEMU, a second or less each. What the runtimes do
depends on the models and the runtimes alone: if an earlier result is given, models it has are not
run again, and only the verdicts are new.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tflm_gen
from tests.support.converter_files import NAMES, converted
from tests.support.image_bench import ImageBench
from tests.support.wheel_bench import Outcome, run_on_wheel
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES
from tflm_gen.board_loader import load_board
from tflm_gen.check import check_model
from tflm_gen.check.held_back import CODE as HELD_BACK
from tflm_gen.errors import TflmGenError
from tflm_gen.model.dtypes import tensor_bytes
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.choice import choose_engine
from tflm_gen.tflm.source_facts import IMAGE_SHA256, WHEEL_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.check.records import CheckReport
    from tflm_gen.model.records import Model

RUNTIMES = {"host": f"tflite-micro {WHEEL_VERSION}", "corstone300": IMAGE_SHA256}
_PACKAGE = Path(tflm_gen.__file__).resolve().parent
# Positions and counts outside of most tensors, and what makes a block of 2 one of 0.
_NUMBERS = (-2, 2, 100_000_000)
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
    is_held_back: bool

    @property
    def agrees(self) -> bool:
        """A model that runs with harmless inputs only is rightly refused; these are listed."""
        return self.says_yes == self.outcome.ran or (self.is_held_back and not self.says_yes)


def zoo() -> dict[str, Callable[[], bytes]]:
    """All models with a verdict of their own."""
    features = {f"feature_{name}": make for name, make in FEATURES.items()}
    files = {f"converter_{name}": partial(converted, name) for name in NAMES}
    return {**ZOO, **features, **files}


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


def on_wheel_with_other_numbers(model: Model) -> str:
    """What the wheel does first with whole numbers as input that are not zero, if not run."""
    for number in _NUMBERS:
        inputs = (
            np.full(len(data) // 4, number, np.int32).tobytes() if tensor.dtype == "int32" else data
            for tensor, data in zip(model.inputs, inputs_for(model), strict=True)
        )
        outcome = run_on_wheel(model, tuple(inputs))
        if not outcome.ran:
            return f"{outcome.verdict} at {number}"
    return "ran"


def on_image(model: Model, bench: ImageBench) -> Outcome:
    return bench.run(model, inputs_for(model))


def row(name: str, board: str, report: CheckReport, outcome: Outcome) -> Row:
    return Row(
        name=name,
        board=board,
        says_yes=report.runs,
        outcome=outcome,
        is_warned=bool(report.warnings),
        is_held_back=is_held_back(report),
    )


def is_held_back(report: CheckReport) -> bool:
    """Nothing but its effect with other inputs speaks against the model."""
    return bool(report.errors) and all(error.code == HELD_BACK for error in report.errors)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the runtimes did in an earlier run, for models that are the same bytes today.

    Attributes:
        verdicts: By model and board.
        differing: Elements that differed between the runtimes, by model.
    """

    verdicts: dict[tuple[str, str], str]
    differing: dict[str, int]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.verdicts)


def known_from(document: dict[str, Any]) -> Known:
    """The runs of an earlier result, if its models and runtimes are those of today.

    Raises:
        ValueError: If a model or a runtime is another one.
    """
    verdicts = {}
    for text in document["rows"]:
        head, _, tail = text.partition(": ")
        name, _, board = head.rpartition(" on ")
        verdicts[name, board] = tail.partition(", ")[2]
    digest = hashlib.sha256()
    for name in dict.fromkeys(name for name, _ in verdicts):
        digest.update(zoo()[name]())
    if digest.hexdigest() != document["zoo_sha256"] or document["runtimes"] != RUNTIMES:
        raise ValueError("the earlier result is of other models or runtimes")
    differ = document["outputs_differ_between_runtimes"]
    return Known(verdicts=verdicts, differing={d["model"]: d["elements"] for d in differ})


def judge(
    name: str, model: Model, bench: ImageBench, known: Known
) -> tuple[list[Row], tuple[str, int, bool] | None]:
    """Verdicts on one model, and what the runtimes do or did; and if their outputs differ."""
    image_report = verdict(model, "corstone300")
    warned = bool(image_report.warnings)
    if name in known.names:
        wheel, image = (
            Outcome(verdict=known.verdicts.get((name, board), "not asked"))
            for board in ("host", "corstone300")
        )
        n = known.differing.get(name, 0)
    else:
        wheel, image = on_wheel(model), on_image(model, bench)
        n = n_different(model, wheel, image) if wheel.ran and image.ran else 0
    rows = [row(name, "host", verdict(model, "host"), wheel)]
    if not image.verdict.startswith("not asked"):
        rows.append(row(name, "corstone300", image_report, image))
    return rows, (name, n, warned) if n else None


def document_of(
    rows: list[Row],
    differ: list[tuple[str, int, bool]],
    refused: list[str],
    zoo_sha256: str,
    n_known: int,
) -> dict[str, Any]:
    """The result file."""
    return {
        "schema": "tflm-gen/check-agreement/1",
        "command": "python -m tests.differential.agreement RESULT.json [EARLIER.json]",
        "runtimes": RUNTIMES,
        "check_sources_sha256": check_sources_sha256(),
        "zoo_sha256": zoo_sha256,
        "models": len({r.name for r in rows}),
        "run_earlier": n_known,
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
        "held_back_though_zero_inputs_run": [
            {"model": r.name, "other_inputs": on_wheel_with_other_numbers(readable(r.name))}
            for r in rows
            if r.board == "host" and r.is_held_back and r.outcome.ran
        ],
        "outputs_differ_between_runtimes": [
            {"model": name, "elements": n, "check_warns": warned} for name, n, warned in differ
        ],
        "rows": [
            f"{r.name} on {r.board}: {'yes' if r.says_yes else 'no'}, {r.outcome.verdict}"
            for r in rows
        ],
    }


def main(argv: list[str]) -> int:
    known = Known(verdicts={}, differing={})
    if len(argv) > 1:
        known = known_from(json.loads(Path(argv[1]).read_text(encoding="utf-8")))
    rows: list[Row] = []
    refused: list[str] = []
    differ: list[tuple[str, int, bool]] = []
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as folder:
        bench = ImageBench(Path(folder))
        for number, name in enumerate(zoo()):
            model = readable(name)
            if number % 50 == 0:
                sys.stderr.write(f"{number} of {len(zoo())} models\n")
            if model is None:
                refused.append(name)
                continue
            digest.update(model.flatbuffer)
            found, difference = judge(name, model, bench, known)
            rows += found
            differ += [difference] if difference else []
    document = document_of(rows, differ, refused, digest.hexdigest(), len(known.names))
    text = json.dumps(document, indent=1)
    Path(argv[0]).write_text(text + "\n", encoding="utf-8")
    shown = {key: document[key] for key in ("models", "counts", "disagreements")}
    sys.stdout.write(json.dumps(shown) + "\n")
    return 0 if all(r.agrees for r in rows) else 1


def check_sources_sha256() -> str:
    """Of everything that decides what check says."""
    digest = hashlib.sha256()
    for folder in ("check", "inspection", "model"):
        for path in sorted((_PACKAGE / folder).rglob("*")):
            if path.suffix in (".py", ".toml", ".json"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _count(rows: list[Row], board: str, says_yes: bool, ran: bool) -> int:
    return sum(r.board == board and r.says_yes == says_yes and r.outcome.ran == ran for r in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
