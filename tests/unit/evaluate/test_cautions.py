"""What weakens a verdict is found in the models' own words and in the test."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np

from tflm_gen.evaluate.cautions import calibration_facts, cautions

FLOAT = "ab" * 32


def model_of(patients=("t1",), *, float_sha256=FLOAT, n_records=12):
    records = [
        {"name": f"r{i}", "patient": patients[i % len(patients)], "signal_sha256": str(i)}
        for i in range(n_records)
    ]
    facts = {"n_windows": 200, "seed": 0, "by_class": {"N": 200}, "records": records}
    return SimpleNamespace(
        metadata={
            "TFLM_GEN_FLOAT_SHA256": float_sha256.encode(),
            "TFLM_GEN_CALIBRATION": json.dumps(facts).encode(),
        }
    )


def beats_of(n_patients=12, skipped=None):
    patients = np.array([f"p{i}" for i in range(n_patients)])
    return SimpleNamespace(
        scored=SimpleNamespace(patients=patients), skipped_records=dict(skipped or {})
    )


SPLIT = SimpleNamespace(test=tuple(f"p{i}" for i in range(12)))


def test_a_sound_pair_gets_none():
    assert cautions(model_of(), FLOAT, beats_of(), SPLIT) == []
    assert calibration_facts(model_of(n_records=2))["patients"] == ["t1"]


def test_each_weakness_is_named():
    bare = SimpleNamespace(metadata={})
    (no_origin, no_records) = cautions(bare, FLOAT, beats_of(), SPLIT)
    assert "does not say which float model" in no_origin
    assert "does not say which records" in no_records
    assert calibration_facts(bare) is None
    (other,) = cautions(model_of(float_sha256="cd" * 32), FLOAT, beats_of(), SPLIT)
    assert "made from another float model (cdcdcdcdcdcd), not from this one (abab" in other
    (few,) = cautions(model_of(n_records=9), FLOAT, beats_of(), SPLIT)
    assert "calibrated on 9 records; below 10" in few
    (known,) = cautions(model_of(("t1", "p3")), FLOAT, beats_of(), SPLIT)
    assert known == "calibrated on patient p3, who is in the test"
    (gone,) = cautions(model_of(), FLOAT, beats_of(skipped={"p1": "no lead"}), SPLIT)
    assert gone == "1 of 12 test records could not be used: p1"
    (narrow,) = cautions(model_of(), FLOAT, beats_of(9), SPLIT)
    assert "9 patients only" in narrow
