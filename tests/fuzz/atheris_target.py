"""Coverage-guided fuzzing of the validator with atheris, which is no dependency of the project.

python -m tests.fuzz.seeds CORPUS
PYTHONPATH=. python tests/fuzz/atheris_target.py CORPUS -runs=300000 -max_len=8192
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["tflm_gen.model"]):
    from tflm_gen.model.reader import parse_model
from tflm_gen.errors import TflmGenError


def one_input(data: bytes) -> None:
    """Any exception but the package's own is a finding, and so is using up memory or time."""
    try:
        parse_model(data, "fuzz.tflite")
    except TflmGenError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
