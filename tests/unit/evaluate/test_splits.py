from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.errors import LeakError, NotEnoughDataError
from tflm_gen.evaluate.splits import DS1, DS2, RecordId, check_leak, de_chazal, k_folds


def record(name, patient=None, sha256=None):
    return RecordId(name=name, patient=patient or name, sha256=sha256 or f"hash of {name}")


def test_the_published_halves_are_whole_and_apart():
    assert (len(DS1), len(DS2)) == (22, 22)
    assert not set(DS1) & set(DS2)
    assert not {"102", "104", "107", "217"} & {*DS1, *DS2}
    assert de_chazal().known_overlap == ("201",)


@given(
    patients=st.lists(st.integers(0, 9), min_size=4, max_size=30).filter(
        lambda p: len(set(p)) >= 3
    ),
    n_folds=st.integers(2, 3),
)
def test_folds_cover_every_record_once_and_no_patient_twice(patients, n_folds):
    records = [record(f"r{i}", f"p{p}") for i, p in enumerate(patients)]
    of = {r.name: r.patient for r in records}
    folds = k_folds(records, n_folds=n_folds)
    assert sorted(n for fold in folds for n in fold.test) == sorted(of)
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == sorted(of)
        assert not {of[n] for n in fold.train} & {of[n] for n in fold.test}
    assert k_folds(records[::-1], n_folds=n_folds) == folds


def test_more_folds_than_patients_are_refused():
    with pytest.raises(NotEnoughDataError, match="2 patients cannot make 3 folds"):
        k_folds([record("a"), record("b"), record("c", "a")], n_folds=3)


@pytest.mark.parametrize(
    ("test", "says"),
    [
        (record("a"), r"the same record \(a\)"),
        (record("x", "a"), r"the same patient \(a\)"),
        (record("copy", "c", "hash of a"), "the same content"),
    ],
)
def test_a_leak_stops_the_run(test, says):
    with pytest.raises(LeakError, match=says):
        check_leak([record("a"), record("b")], [record("z"), test])


def test_a_named_overlap_may_pass_but_its_records_may_not():
    train = [record("201", "201")]
    check_leak(train, [record("202", "201")], allowed=("201",))
    with pytest.raises(LeakError):
        check_leak(train, [record("201", "201")], allowed=("201",))


def test_the_same_samples_in_other_files_are_a_leak():
    one = RecordId(name="a", patient="p1", sha256="1", signal_sha256="s")
    other = RecordId(name="b", patient="p2", sha256="2", signal_sha256="s")
    with pytest.raises(LeakError, match="record b and training record a have the same samples"):
        check_leak([one], [other])
    # Records of an older model do not name their samples' hash: nothing equals nothing.
    bare = [RecordId(name=n, patient=n, sha256=n) for n in "ab"]
    check_leak(bare[:1], bare[1:])
