"""Coverage-guided fuzzing of the validator with atheris, which is no dependency of the project.

python -m tests.fuzz.seeds CORPUS
PYTHONPATH=. python tests/fuzz/atheris_target.py CORPUS -runs=400000 -max_len=8192 -seed=1 -print_final_stats=1
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["tflm_gen.model"]):
    from tflm_gen.model.reader import parse_model
    from tflm_gen.model.run_checks import reason_not_to_run
from tflm_gen.errors import TflmGenError


def one_input(data: bytes) -> None:
    """Any exception but the package's own is a finding, and so is using up memory or time."""
    try:
        reason_not_to_run(parse_model(data, "fuzz.tflite"))
    except TflmGenError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
