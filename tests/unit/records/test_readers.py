from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.support.ecg_records import make_signal, write_npz
from tflm_gen.errors import RecordError
from tflm_gen.records.record import beats_only
from tflm_gen.records.table_reader import read_csv, read_npz
from tflm_gen.records.wfdb_reader import read_wfdb


def write_csv(path, adc, beats, symbols, heading="MLII,beat"):
    marks = dict(zip(beats, symbols, strict=True))
    rows = [f"{value},{marks.get(i, '')}" for i, value in enumerate(adc)]
    path.write_text("\n".join([heading, *rows]) + "\n")
    return path


def test_npz_and_csv_hold_the_same_record(tmp_path):
    adc, beats, symbols = make_signal()
    npz = read_npz(write_npz(tmp_path / "a.npz"), "MLII")
    csv = read_csv(
        write_csv(tmp_path / "a.csv", adc, beats, symbols), "MLII", rate_hz=360, units_per_mv=200
    )
    for record in (npz, csv):
        assert record.adc.tolist() == adc.tolist()
        assert record.beats.tolist() == beats
        assert record.classes == tuple(symbols)
        assert (record.name, record.patient, record.rate_hz) == ("a", "a", 360)
    assert npz.converter_range == (0, 2047)


def test_a_csv_may_state_what_a_header_does(tmp_path):
    adc, beats, symbols = make_signal()
    facts = "# rate_hz: 250\n# units_per_mv: 100\n# adc_zero: 5\n# adc_range: -8 9\n# patient: p7"
    path = write_csv(tmp_path / "a.csv", adc, beats, symbols, heading=f"{facts}\nMLII,beat")
    record = read_csv(path, "MLII", rate_hz=360, units_per_mv=200)
    assert (record.rate_hz, record.units_per_mv, record.adc_zero) == (250, 100, 5)
    assert (record.converter_range, record.patient) == ((-8, 9), "p7")
    assert record.adc.tolist() == adc.tolist()


def test_a_single_array_is_no_record(tmp_path):
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, ADC)
    with pytest.raises(RecordError, match="it is a single array"):
        read_npz(tmp_path / "a.npz", "MLII")


def test_codes_become_aami_groups_in_order_and_other_marks_fall_out():
    places, classes = beats_only(
        np.array([50, 10, 20, 30, 40, 60, 60]), ["/", "N", "+", "E", "j", "F", "V"]
    )
    assert places.tolist() == [10, 30, 40, 50, 60]
    assert classes == ("N", "V", "N", "Q", "F")


ADC, BEATS, SYMBOLS = make_signal()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"adc": np.where(np.arange(len(ADC)) == 7, np.nan, ADC)}, "1 samples are NaN .*first: 7"),
        ({"adc": ADC / 200.0}, "no 16-bit integers"),
        ({"adc": ADC.astype(np.int64) * 100}, "no 16-bit integers"),
        ({"adc": np.stack([ADC, ADC])}, "samples are int16 of shape"),
        ({"beats": np.array([], int), "symbols": np.array([], str)}, "no annotated beat"),
        ({"symbols": np.array(["+"] * len(SYMBOLS))}, "no annotated beat"),
        ({"symbols": np.array(SYMBOLS[:-1])}, "beats, .* symbols"),
        ({"beats": np.array(BEATS) + 100_000}, "beat at sample"),
        ({"beats": np.array(BEATS) - 2 * BEATS[0]}, "beat at sample -.*before the record's start"),
        ({"lead": "V5"}, "lead 'V5', not 'MLII'"),
        ({"units_per_mv": None}, "no units_per_mv"),
        ({"units_per_mv": 0.0}, "units_per_mv must be above 0"),
        ({"rate_hz": np.array([1.0, 2.0])}, "is no number"),
        ({"adc_zero": np.nan}, "is no number"),
        ({"adc_range": np.array([0])}, "is no number"),
        ({"beats": np.array(BEATS) * 1.0}, "no lists, one entry a beat"),
        ({"symbols": np.array("N")}, "no lists, one entry a beat"),
    ],
)
def test_a_wrong_npz_says_what_is_wrong(tmp_path, changes, says):
    with pytest.raises(RecordError, match=says):
        read_npz(write_npz(tmp_path / "a.npz", **changes), "MLII")


def test_a_damaged_npz_is_no_traceback(tmp_path):
    path = write_npz(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(RecordError, match="not a readable"):
        read_npz(path, "MLII")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("V5,beat\n1,N\n", "first line is 'V5,beat'"),
        ("", "first line is 'missing'"),
        ("MLII,beat\n1,N\nx,\n", "line 3 holds no number"),
        ("MLII,beat\n1,N\nnan,\n", "1 samples are NaN"),
        ("MLII,beat\n1,\n2,\n", "no annotated beat"),
        ("# rate: 250\nMLII,beat\n1,N\n", "line 1 states 'rate', which is none of rate_hz"),
        ("# rate_hz: quick\nMLII,beat\n1,N\n", "is no number"),
        ("# rate_hz: 250\nMLII,beat\n1,N\nx,\n", "line 4 holds no number"),
    ],
)
def test_a_wrong_csv_says_what_is_wrong(tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(RecordError, match=says):
        read_csv(tmp_path / "a.csv", "MLII", rate_hz=360, units_per_mv=200)


def test_a_missing_wfdb_file_is_named(tmp_path):
    (tmp_path / "100.hea").write_text("100 1 360 650000\n100.dat 212 200 11 1024\n")
    (tmp_path / "100.atr").write_bytes(b"\0\0")
    with pytest.raises(RecordError, match=r"100\.dat: no such file"):
        read_wfdb(tmp_path / "100", "MLII")


def test_a_damaged_header_is_no_traceback(tmp_path):
    pytest.importorskip("wfdb", reason="needs mitdb: the wfdb package is not installed")
    for kind in ("hea", "dat", "atr"):
        (tmp_path / f"100.{kind}").write_bytes(b"\x00\x01 nonsense")
    with pytest.raises(RecordError, match="names no signal file"):
        read_wfdb(tmp_path / "100", "MLII")


@pytest.mark.mitdb
def test_a_real_record_is_the_published_one():
    folder = Path(os.environ["TFLM_GEN_MITDB_DIR"])
    record = read_wfdb(folder / "208", "MLII")
    assert {c: record.classes.count(c) for c in "NSVFQ"} == {
        "N": 1586, "S": 2, "V": 992, "F": 373, "Q": 2,
    }  # fmt: skip
    assert (record.rate_hz, record.units_per_mv, record.adc_zero) == (360, 200, 1024)
    assert (len(record.adc), record.converter_range) == (650_000, (0, 2047))
    with pytest.raises(RecordError, match="no lead 'II'; it has MLII, V1"):
        read_wfdb(folder / "208", "II")


@pytest.mark.mitdb
def test_two_records_of_one_person_are_known(tmp_path):
    """Whatever the folder's name: known by the samples' file."""
    (tmp_path / "anything").symlink_to(os.environ["TFLM_GEN_MITDB_DIR"])
    patients = {n: read_wfdb(tmp_path / "anything" / n, "MLII").patient for n in ("201", "202")}
    assert patients == {"201": "201", "202": "201"}
