"""Edited files that the reader accepts: the compiled engine takes them or says why not."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.mutate import Mutator
from tests.kernels.random_cases import build_case
from tests.support.zoo import ZOO
from tflm_gen.compiled.generate import compile_model
from tflm_gen.compiled.ir import Target
from tflm_gen.errors import NotCompilableError, TflmGenError
from tflm_gen.model.reader import parse_model

SEEDS = {
    "dense": lambda: build_case("FULLY_CONNECTED", 1),
    "depthwise": ZOO["depthwise_multiplier"],
    "slice": lambda: build_case("STRIDED_SLICE", 0),
}
MUTANTS = 1000


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_edited_files_are_compiled_or_refused(name: str) -> None:
    rng, mutator = random.Random(20261121), Mutator(SEEDS[name]())
    n_compiled = n_refused = 0
    for _ in range(MUTANTS):
        try:
            model = parse_model(mutator.mutate(rng), "edited.tflite")
        except TflmGenError:
            continue
        try:
            compile_model(model, Target.PORTABLE)
            n_compiled += 1
        except NotCompilableError:
            n_refused += 1
    assert n_compiled > 20
    assert n_refused > 5
