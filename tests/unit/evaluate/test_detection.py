"""A detector's own score: pairs within 150 ms, each beat once, the nearest first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ecg_records import make_signal, spec_with, write_npz
from tflm_gen.errors import NotEnoughDataError
from tflm_gen.evaluate.beats import load_beats
from tflm_gen.evaluate.detection import (
    detection_document,
    match_beats,
    missed_by_class,
    record_detection,
)
from tflm_gen.preprocess.spec import with_trigger

PLACES = st.lists(st.integers(0, 4000), unique=True, max_size=30).map(sorted)


def test_two_found_beats_near_one_annotated_beat_are_a_match_and_an_extra():
    matching = match_beats([100, 500], [90, 104, 700], within=54)
    assert matching.annotated.tolist() == [0]
    assert matching.found.tolist() == [1]
    assert matching.missed.tolist() == [1]
    assert matching.extra.tolist() == [0, 2]


@pytest.mark.parametrize(("found", "n"), [(154, 1), (155, 0), (46, 1), (45, 0)])
def test_the_window_ends_where_it_should(found, n):
    assert len(match_beats([100], [found], within=54).annotated) == n


@given(true=PLACES, found=PLACES)
def test_every_beat_is_matched_missed_or_extra_once(true, found):
    matching = match_beats(true, found, within=54)
    assert sorted([*matching.annotated, *matching.missed]) == list(range(len(true)))
    assert sorted([*matching.found, *matching.extra]) == list(range(len(found)))
    pairs = zip(matching.annotated, matching.found, strict=True)
    assert all(abs(true[i] - found[j]) <= 54 for i, j in pairs)


def test_the_document_has_gross_and_average_and_the_classes_missed():
    first = record_detection(match_beats([100, 500, 900], [101, 902], within=54), "NVN")
    second = record_detection(match_beats([100], [100, 300], within=54), "N")
    document = detection_document({"a": first, "b": second})
    assert document["gross"] == {"se": 3 / 4, "ppv": 3 / 4}
    assert document["average"] == {"se": (2 / 3 + 1) / 2, "ppv": (1 + 1 / 2) / 2}
    assert document["missed_by_class"] == missed_by_class({"a": first, "b": second}) == {"V": 1}
    assert document["match_window_ms"] == 150


@pytest.mark.hostcc
def test_beats_of_a_record_by_the_detector_have_the_annotated_classes(tmp_path, monkeypatch):
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    write_npz(tmp_path / "one.npz", seed=5)
    annotated = load_beats(tmp_path, ["one"], spec_with())
    found = load_beats(tmp_path, ["one"], with_trigger(spec_with(), "detector", "spec"))
    assert (annotated.trigger, found.trigger) == ("annotation_triggered", "detector")
    assert not annotated.detections
    detection = found.detections["one"]
    assert detection.found + detection.n_missed == annotated.n_beats
    assert detection.found >= annotated.n_beats - 1
    assert found.n_beats == detection.found
    assert len(found.extra_inputs["beat"]) == detection.extra
    # The same classes, but for beats that were missed.
    _, _, symbols = make_signal(seed=5)
    missing = annotated.n_beats - found.n_beats
    assert abs(int(np.sum(found.scored.true == 2)) - symbols.count("V")) <= missing


@pytest.mark.hostcc
def test_finished_records_come_from_the_cache_until_a_byte_changes(tmp_path, monkeypatch):
    from tflm_gen.evaluate import beats as module

    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    read = []
    real = module.read_record
    monkeypatch.setattr(
        module,
        "read_record",
        lambda folder, name, spec: read.append(name) or real(folder, name, spec),
    )
    write_npz(tmp_path / "one.npz", seed=5)
    write_npz(tmp_path / "two.npz", seed=6)
    first = load_beats(tmp_path, ["one"], spec_with())
    # A run that was stopped after the first record reads only the second.
    both = load_beats(tmp_path, ["one", "two"], spec_with())
    assert read == ["one", "two"]
    np.testing.assert_array_equal(both.inputs["beat"][: first.n_beats], first.inputs["beat"])
    assert both.records[0] == first.records[0]
    write_npz(tmp_path / "one.npz", seed=7)
    load_beats(tmp_path, ["one"], spec_with())
    load_beats(tmp_path, ["one"], spec_with(("scale_mv = 1.0", "scale_mv = 2.0")))
    assert read == ["one", "two", "one", "one"]
    for path in (tmp_path / "cache" / "beats").glob("*.npz"):
        path.write_bytes(b"damaged")
    load_beats(tmp_path, ["one"], spec_with())
    assert read[-1] == "one"
    assert len(read) == 5


@pytest.mark.hostcc
def test_records_without_a_usable_beat_say_what_was_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    _, beats, _ = make_signal(seed=5)
    write_npz(tmp_path / "one.npz", seed=5, symbols=np.array(["Q"] * len(beats)))
    with pytest.raises(NotEnoughDataError, match=rf"left out: {len(beats)} class Q"):
        load_beats(tmp_path, ["one"], spec_with())
