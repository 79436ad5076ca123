from __future__ import annotations

import numpy as np
import pytest

from tests.support.ecg_records import make_signal, spec_with, write_npz
from tflm_gen.errors import RecordError
from tflm_gen.records.quality import check_record, grade_beats
from tflm_gen.records.table_reader import read_npz


def record_with(tmp_path, change=None, **changes):
    adc, beats, _ = make_signal()
    if change is not None:
        middle = beats[10]
        adc = change(adc.astype(float), middle)
        changes["adc"] = np.clip(np.round(adc), 0, 2047).astype(np.int16)
    return read_npz(write_npz(tmp_path / "a.npz", **changes), "MLII")


def lead_off(adc, at):
    adc[at - 200 : at + 200] = 1024
    return adc


def clipped(adc, at):
    adc[at - 20 : at + 20] += 2000
    return adc


def noisy(adc, at):
    adc[at - 150 : at + 150] += np.random.default_rng(0).normal(0, 20, 300)
    return adc


def low(adc, at):
    adc[at - 200 : at + 200] = 1024 + 0.5 * (adc[at - 200 : at + 200] - 1024)
    return adc


@pytest.mark.parametrize(
    ("change", "grade"),
    [
        (lead_off, "flat"),
        (clipped, "clipped"),
        (noisy, "artefact"),
        (low, "subtle"),
        (None, "clean"),
    ],
)
def test_the_grade_of_one_beat(tmp_path, change, grade):
    grades = grade_beats(record_with(tmp_path, change)).grades
    assert grades[10] == grade
    assert grades[14] == "clean"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rate_hz": 250.0}, "250 Hz; the preprocessing takes 360"),
        ({"adc": np.full(7200, 1024)}, "all 7200 samples are 1024"),
    ],
)
def test_a_record_the_model_was_not_made_for_is_refused(tmp_path, changes, says):
    with pytest.raises(RecordError, match=says):
        check_record(record_with(tmp_path, **changes), spec_with())


def test_another_lead_is_refused(tmp_path):
    with pytest.raises(RecordError, match="lead MLII; the preprocessing takes V5"):
        check_record(record_with(tmp_path), spec_with(('lead = "MLII"', 'lead = "V5"')))


def test_flat_tops_inside_the_converters_range_are_clipped_too(tmp_path):
    """An amplifier's limit is in no file: the record's extreme that is held gives it away."""
    adc, _, _ = make_signal()
    record = record_with(tmp_path, adc=np.minimum(adc, 1150), adc_range=None)
    assert set(grade_beats(record).grades) == {"clipped"}
    # A baseline that is held most of the time is none.
    idle = np.where(adc < 1100, 1100, adc)
    record = record_with(tmp_path, adc=idle, adc_range=None)
    assert "clipped" not in grade_beats(record).grades
