"""Every fault of a WFDB record's files is an error of its own, made here in a sound record."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.ecg_records import make_signal, spec_with
from tflm_gen.errors import RecordError
from tflm_gen.evaluate.beats import load_beats
from tflm_gen.records.quality import check_record
from tflm_gen.records.wfdb_reader import read_wfdb

wfdb = pytest.importorskip("wfdb", reason="needs mitdb: the wfdb package is not installed")


def write_record(folder, name="rec", *, seed=1, change=lambda adc: adc, **facts):
    """Two leads in format 212, and the beats."""
    adc, beats, symbols = make_signal(seed=seed)
    signal = np.stack([change(adc.astype(np.int64)), 1000 + np.arange(len(adc)) % 7], axis=1)
    kept = {"fs": 360, "sig_name": ["MLII", "V1"], "adc_gain": [200.0, 200.0]} | facts
    wfdb.wrsamp(
        name,
        units=["mV", "mV"],
        d_signal=signal,
        fmt=["212", "212"],
        baseline=[1024, 1024],
        write_dir=str(folder),
        **kept,
    )
    wfdb.wrann(name, "atr", np.array(beats), symbol=symbols, write_dir=str(folder))
    return folder


def cut(folder, kind, n_bytes):
    path = folder / f"rec.{kind}"
    path.write_bytes(path.read_bytes()[:n_bytes])


def in_header(folder, old, new):
    path = folder / "rec.hea"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def flip(folder):
    data = bytearray((folder / "rec.dat").read_bytes())
    data[3000] ^= 1
    (folder / "rec.dat").write_bytes(data)


def annotate_beyond(folder):
    wfdb.wrann("rec", "atr", np.array([100, 9000]), symbol=["N", "N"], write_dir=str(folder))


def name_another(folder):
    write_record(folder, "other", seed=2)
    in_header(folder, "rec.dat", "other.dat")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda f: cut(f, "dat", 9000), r"rec\.dat: 9,000 bytes; .* 7,200 samples take 21,600"),
        (lambda f: cut(f, "dat", 0), r"rec\.dat: 0 bytes"),
        (lambda f: cut(f, "atr", 20), r"rec\.atr: 20 bytes without an end mark"),
        (lambda f: cut(f, "atr", 21), r"rec\.atr: 21 bytes without an end mark"),
        (lambda f: cut(f, "atr", 0), r"rec\.atr: holds no beat"),
        (lambda f: (f / "rec.dat").unlink(), r"rec\.dat: no such file"),
        (lambda f: (f / "rec.atr").unlink(), r"rec\.atr: no such file"),
        (flip, "check sum is .*, in the header it is"),
        (name_another, "check sum is|first sample is"),
        (annotate_beyond, "beat at sample 9000 of 7200"),
        (lambda f: in_header(f, "mV", "mmHg"), "unit 'mmHg'"),
        (lambda f: in_header(f, "rec.dat", "elsewhere/rec.dat"), "outside of the folder"),
    ],
)
def test_a_fault_says_what_is_wrong(tmp_path, fault, says):
    fault(write_record(tmp_path))
    with pytest.raises(RecordError, match=says):
        read_wfdb(tmp_path / "rec", "MLII")


def test_the_sound_record_is_read(tmp_path):
    record = read_wfdb(write_record(tmp_path) / "rec", "MLII")
    adc, beats, _ = make_signal()
    assert record.adc.tolist() == adc.tolist()
    assert record.beats.tolist() == beats


def test_missing_samples_are_no_signal(tmp_path):
    def gap(adc):
        adc[500:620] = -2048  # What format 212 has for "no sample".
        return adc

    write_record(tmp_path, change=gap)
    with pytest.raises(RecordError, match=r"120 samples are missing \(NaN; first: 500\)"):
        read_wfdb(tmp_path / "rec", "MLII")


def test_another_gain_is_refused_and_another_zero_unless_a_filter_removes_it(tmp_path):
    record = read_wfdb(write_record(tmp_path, adc_gain=[1000.0, 200.0]) / "rec", "MLII")
    with pytest.raises(RecordError, match="1000 steps a millivolt; the preprocessing takes 200"):
        check_record(record, spec_with())
    record = read_wfdb(write_record(tmp_path) / "rec", "MLII")
    check_record(record, spec_with(("zero = 1024", "zero = 0")))
    no_highpass = (
        'kind = "highpass"\norder = 2\ncutoff_hz = 0.5',
        ('kind = "lowpass"\norder = 1\ncutoff_hz = 80.0'),
    )
    with pytest.raises(RecordError, match="0 mV is 1024; the preprocessing takes 0"):
        check_record(record, spec_with(("zero = 1024", "zero = 0"), no_highpass))


@pytest.mark.hostcc
def test_a_record_copied_under_another_name_has_the_same_samples(tmp_path):
    """A copy needs another header, so its files differ; the samples do not. Nor as a table."""
    write_record(tmp_path)
    write_record(tmp_path, "copy")
    adc, beats, symbols = make_signal()
    np.savez(
        tmp_path / "table.npz",
        adc=adc,
        beats=np.array(beats),
        symbols=np.array(symbols),
        rate_hz=360.0,
        lead="MLII",
        units_per_mv=200.0,
    )
    ids = load_beats(tmp_path, ["rec", "copy", "table"], spec_with()).records
    assert len({record.sha256 for record in ids}) == 3
    assert len({record.signal_sha256 for record in ids}) == 1
