"""A short seeded run of what tests/fuzz/run_fuzz.py does for hours."""

from __future__ import annotations

import json
import random

import pytest

from tests.fuzz.mutate import Mutator
from tests.fuzz.run_fuzz import fuzz
from tests.fuzz.seeds import seed_files
from tests.fuzz.wheel_batch import run_batch
from tests.support.command_line import ROOT
from tests.support.model_builder import ModelBuilder
from tests.support.small_model import SMALL
from tflm_gen.model.reader import parse_model


@pytest.mark.oracle
@pytest.mark.slow
def test_short_run_finds_nothing() -> None:
    tally = fuzz(4000, seed=20261121)
    assert tally.findings == []
    assert set(tally.outcomes) <= {"accepted", "TG101", "TG102", "TG103", "TG104"}
    # The mutations are neither all harmless nor all fatal, and the wheel saw many.
    assert tally.outcomes["accepted"] > 400
    assert tally.outcomes["TG103"] > 1000
    assert tally.on_wheel > 400


@pytest.mark.parametrize("name", sorted(seed_files()))
def test_seeds_are_accepted(name: str) -> None:
    parse_model(seed_files()[name], name)


def test_same_seed_gives_the_same_mutations() -> None:
    first, second = (
        [Mutator(SMALL).mutate(random.Random(seed)) for seed in range(50)] for _ in range(2)
    )
    assert first == second
    assert len(set(first)) > 30


def test_mutations_reach_every_kind_of_site() -> None:
    kinds = {site.kind for site in Mutator(SMALL).sites}
    assert kinds == {"int", "float", "length", "reference"}


@pytest.mark.oracle
def test_a_crash_of_the_wheel_is_seen_and_traced() -> None:
    """A custom operator without its options, which the validator cannot judge."""
    net = ModelBuilder(seed=1)
    x = net.input((1, 4))
    out = net.like(x, (1, 4))
    net.operator("CUSTOM", [x], [out], None, custom_name="SignalWindow")
    crashing = net.finish([out])
    crashes = run_batch([SMALL, crashing, SMALL])
    assert [crash.flatbuffers for crash in crashes] == [(crashing,)]
    assert crashes[0].verdict == "crashed (SIGSEGV)"


def test_the_long_run_found_nothing() -> None:
    """The newest result that was run by hand: enough of it, all of one validator."""
    path = sorted((ROOT / "benchmarks" / "results").glob("fuzz-*.json"))[-1]
    result = json.loads(path.read_text(encoding="utf-8"))
    runs = result["runs"]
    assert result["executions"] == sum(run["executions"] for run in runs) >= 1_000_000
    assert result["findings_at_the_end"] == []
    assert [run["findings"] for run in runs] == [[]] * len(runs)
    assert {run["validator_sha256"] for run in runs} == {result["validator_sha256"]}
    on_wheel = sum(run.get("distinct_accepted_run_on_wheel", 0) for run in runs)
    assert result["distinct_accepted_run_on_wheel"] == on_wheel >= 50_000
