"""Asks both runtimes about every kernel case; run by hand, once for each new runtime.

python -m tests.differential.run_kernel_cases RESULTS.jsonl

Continues a file that is there. ``tests.support.write_kernel_types`` then writes the table.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.support.image_bench import ImageBench
from tests.support.wheel_bench import Outcome, run_on_wheel
from tests.support.zoo_kernels import KernelCase, kernel_cases
from tflm_gen.check.rules import IMAGE, WHEEL
from tflm_gen.errors import TflmGenError
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.op_table import load_op_table

NO_OPERATOR = Outcome(verdict="no operator")
_USUAL = ("float32", "int8", "int16")


def ask(case: KernelCase, image: ImageBench) -> dict[str, object] | None:
    """What both do with a case; None if the validator refuses it."""
    try:
        model = parse_model(case.flatbuffer, "case.tflite")
    except TflmGenError:
        return None
    wheel = run_on_wheel(model)
    has_it = case.op in load_op_table(IMAGE).ops
    # What the wheel refuses and no converter writes is not asked again.
    is_likely = wheel.ran or case.signature.startswith(_USUAL)
    here = image.run(model) if has_it and is_likely else NO_OPERATOR if not has_it else wheel
    return {
        "op": case.op,
        "signature": case.signature,
        WHEEL: {"verdict": wheel.verdict, "said": wheel.said[-200:]},
        IMAGE: {"verdict": here.verdict, "said": here.said[-400:], "asked": here is not wheel},
    }


def main(argv: list[str]) -> int:
    path = Path(argv[0])
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    done = {(row["op"], row["signature"]) for row in map(json.loads, lines)}
    with tempfile.TemporaryDirectory() as folder, path.open("a", encoding="utf-8") as out:
        image = ImageBench(Path(folder))
        for case in kernel_cases():
            row = ask(case, image) if (case.op, case.signature) not in done else None
            if row is not None:
                out.write(json.dumps(row) + "\n")
                out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
