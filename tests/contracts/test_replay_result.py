"""The committed replay: whole half-hour records, both cores, every byte equal."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tflm_gen.preprocess.spec import parse_spec

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "benchmarks" / "results" / "replay.json").read_text("utf-8"))
# One int8 a value.
N_VALUES = sum(parse_spec(DOCUMENT["specification"], "replay.json").input_sizes.values())
RUNS = {run["core"]: run for run in DOCUMENT["runs"]}


def test_whole_records_are_equal_on_both_cores() -> None:
    assert set(RUNS) == {"cortex-m55", "cortex-m4f"}
    for run in RUNS.values():
        assert len(run["records"]) >= 2
        for record in run["records"]:
            assert record["is_equal"]
            assert record["n_samples"] == 650_000
            assert record["n_beats"] == record["n_device_beats"] > 1700
            assert record["n_different"] == record["n_lost"] == 0
            assert record["n_bytes"] == record["n_beats"] * N_VALUES


def test_both_cores_got_the_same_bytes_from_the_same_sources() -> None:
    first, second = RUNS.values()
    assert first["sources_sha256"] == second["sources_sha256"]
    pairs = zip(first["records"], second["records"], strict=True)
    assert all(a["inputs_sha256"] == b["inputs_sha256"] for a, b in pairs)


def test_the_preprocessing_is_still_the_one_that_ran() -> None:
    """Another preprocess.c needs another run: python benchmarks/replay.py."""
    for name in ("common/src/preprocess.c", "common/include/ecg/biquad.h"):
        found = hashlib.sha256((ROOT / "firmware_templates" / name).read_bytes()).hexdigest()
        assert all(run["sources_sha256"][name] == found for run in RUNS.values())
