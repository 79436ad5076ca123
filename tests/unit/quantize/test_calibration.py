from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ecg_records import SPEC_TEXT, write_npz
from tflm_gen.errors import LeakError, NotEnoughDataError
from tflm_gen.quantize.calibration import Pool, describe, select
from tflm_gen.quantize.calibration_records import RecordSource, calibration_from_records


def pool_of(rows):
    classes, patients, grades = zip(*rows, strict=True)
    return Pool(
        classes=classes,
        patients=patients,
        records=[f"r{p}" for p in patients],
        grades=grades,
        places=range(len(rows)),
    )


def big_pool():
    """900 N of 12 patients, 90 V of 6, 10 S of 2."""
    rows = [("N", f"p{i % 12}", "clean" if i % 7 else "artefact") for i in range(900)]
    rows += [("V", f"p{i % 6}", "clean") for i in range(90)]
    rows += [("S", f"p{i % 2}", "subtle") for i in range(10)]
    return pool_of(rows)


def test_classes_patients_and_grades_get_equal_turns():
    chosen = select(big_pool(), count=110, seed=1)
    assert chosen.by_class == {"N": 50, "S": 10, "V": 50}
    assert chosen.n_patients == 12
    of_n = [r for r in chosen.rows if r < 900]
    by_patient = np.bincount([int(r) % 12 for r in of_n])
    assert by_patient.max() - by_patient.min() <= 1
    assert chosen.by_grade["artefact"] > 15  # a seventh of the pool, half of the turns
    assert chosen.warnings == ()


@given(
    st.lists(
        st.tuples(st.sampled_from("NSV"), st.sampled_from("abc"), st.sampled_from(["clean", "x"])),
        min_size=5,
        max_size=60,
    ),
    st.integers(0, 5),
)
def test_a_choice_has_no_row_twice_and_repeats(rows, seed):
    pool = pool_of(rows)
    chosen = select(pool, count=5, seed=seed)
    assert len(set(chosen.rows.tolist())) == 5
    assert chosen.rows.tolist() == select(pool, count=5, seed=seed).rows.tolist()
    assert len(chosen.beats) == 5


def test_few_records_too_few_windows_and_a_missing_class_are_warnings():
    warnings = describe(big_pool(), [0, 12, 24]).warnings
    assert "windows of 1 records only" in warnings[0]
    assert "3 windows" in warnings[1]
    assert warnings[2] == "no window of class S, V"


def test_more_windows_than_there_are_is_refused():
    with pytest.raises(NotEnoughDataError, match="1000 windows to choose from; 1001"):
        select(big_pool(), count=1001, seed=0)


@pytest.mark.hostcc
def test_from_records_to_a_file_for_the_quantizer(tmp_path):
    for i in range(3):
        write_npz(tmp_path / f"rec{i}.npz", seed=i)
    (tmp_path / "spec.toml").write_text(SPEC_TEXT)
    source = RecordSource(folder=tmp_path, spec_path=tmp_path / "spec.toml", train="all")
    made = calibration_from_records(source, count=20, seed=3, into=tmp_path)
    with np.load(made.data_path) as arrays:
        assert arrays["beat"].shape == (20, 128, 1)
        assert arrays["rr"].shape == (20, 5)
    assert made.selection.by_class == {"N": 10, "V": 10}
    assert "windows of 3 records only" in made.selection.warnings[0]
    assert made.metadata["TFLM_GEN_PREPROCESS"] == SPEC_TEXT
    assert len(made.record["beats"]) == 20
    assert made.validation is None


def test_test_records_are_never_calibrated_on(tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC_TEXT)
    with pytest.raises(LeakError, match="records 100 are DS2"):
        calibration_from_records(
            RecordSource(folder=tmp_path, spec_path=tmp_path / "spec.toml", train="101,100"),
            count=9,
            seed=0,
            into=tmp_path,
        )


@pytest.mark.hostcc
def test_validation_patients_give_no_window(tmp_path):
    for i in range(8):
        write_npz(tmp_path / f"rec{i}.npz", seed=i, patient=f"p{i // 2}")
    (tmp_path / "spec.toml").write_text(SPEC_TEXT)
    source = RecordSource(
        folder=tmp_path, spec_path=tmp_path / "spec.toml", train="all", has_validation=True
    )
    made = calibration_from_records(source, count=40, seed=3, into=tmp_path)
    assert made.validation is not None
    judges = {record.patient for record in made.validation.records}
    assert len(judges) == 1
    chosen = {f"p{int(name[3:]) // 2}" for name in made.selection.by_record}
    assert not chosen & judges
    # The model is to name the judges too: they must not be tested on.
    carried = {record["name"] for record in made.record["records"]}
    assert carried == {f"rec{i}" for i in range(8)}


def test_within_patients_the_rarest_quality_so_far_is_next():
    """Forty clean windows of each patient hide two noisy and two low ones."""
    grades = ["clean"] * 40 + ["artefact", "artefact", "subtle", "subtle"]
    rows = [("N", f"p{p}", grade) for p in range(12) for grade in grades]
    for seed in range(5):
        chosen = select(pool_of(rows), count=36, seed=seed)
        assert set(chosen.by_grade) == {"artefact", "clean", "subtle"}
        assert set(chosen.by_grade.values()) <= {11, 12, 13}
        assert chosen.n_patients == 12
        assert set(chosen.by_record.values()) == {3}


@pytest.mark.hostcc
def test_the_person_on_both_sides_of_the_published_split_gives_no_window(tmp_path):
    """Record 201 is in DS1, and 202 of the same person in DS2."""
    for i, name in enumerate(("101", "106", "201")):
        write_npz(tmp_path / f"{name}.npz", seed=i)
    (tmp_path / "spec.toml").write_text(SPEC_TEXT)
    source = RecordSource(folder=tmp_path, spec_path=tmp_path / "spec.toml", train="de-chazal")
    made = calibration_from_records(source, count=20, seed=3, into=tmp_path)
    assert set(made.selection.by_record) == {"101", "106"}
