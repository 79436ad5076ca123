from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tflm_gen.errors import UsageError
from tflm_gen.quantize.windows import WindowSet, load_windows, match_inputs


def test_npy_npz_and_csv_hold_the_same_windows(tmp_path):
    windows = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "a.npy", windows)
    np.savez(tmp_path / "b.npz", beat=windows)
    np.savetxt(tmp_path / "c.csv", windows, delimiter=",")
    assert np.array_equal(load_windows(tmp_path / "a.npy").arrays[""], windows)
    assert np.array_equal(load_windows(tmp_path / "b.npz").arrays["beat"], windows)
    assert np.array_equal(load_windows(tmp_path / "c.csv").arrays[""], windows)


def test_folder_joins_files_in_name_order(tmp_path):
    np.save(tmp_path / "2.npy", np.full((2, 5), 2.0))
    np.save(tmp_path / "1.npy", np.full((1, 5), 1.0))
    loaded = load_windows(tmp_path)
    assert loaded.arrays[""][:, 0].tolist() == [1.0, 2.0, 2.0]
    assert [f.name for f in loaded.files] == ["1.npy", "2.npy"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_with_their_row(tmp_path, bad):
    windows = np.zeros((4, 6), dtype=np.float32)
    windows[2, 3] = bad
    np.save(tmp_path / "w.npy", windows)
    with pytest.raises(UsageError, match=r"1 of 4 windows hold NaN or infinity \(first: 2\)"):
        load_windows(tmp_path / "w.npy")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.npy", b"", "not a readable .npy"),
        ("w.npy", b"\x93NUMPY garbage", "not a readable .npy"),
        ("w.npz", b"PK\x03\x04 garbage", "not a readable .npz"),
        ("w.csv", b"a,b\n", "not a readable .csv"),
        ("w.txt", b"1 2 3", "a file of another kind"),
    ],
)
def test_unreadable_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        load_windows(path)


def test_pickled_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "w.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match="not a readable"):
        load_windows(tmp_path / "w.npy")


def test_unequal_lengths_and_shapes_are_refused(tmp_path):
    np.savez(tmp_path / "w.npz", beat=np.zeros((3, 4)), rr=np.zeros((2, 1)))
    with pytest.raises(UsageError, match="different numbers of windows"):
        load_windows(tmp_path / "w.npz")
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))
    np.save(tmp_path / "b.npy", np.zeros((3, 5)))
    (tmp_path / "w.npz").unlink()
    with pytest.raises(UsageError, match=r"windows of shape \(5,\), but .*a.npy has \(4,\)"):
        load_windows(tmp_path)


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(2, 9)),
        elements=st.floats(-5, 5, width=32),
    )
)
def test_a_missing_lead_axis_is_added_and_nothing_else_changes(windows):
    loaded = WindowSet(arrays={"": windows}, files=())
    matched = match_inputs(loaded, {"beat": (windows.shape[1], 1)})["beat"]
    assert matched.shape == (*windows.shape, 1)
    assert np.array_equal(matched[..., 0], windows)


def test_inputs_are_matched_by_name_not_by_order():
    loaded = WindowSet(
        arrays={"rr": np.ones((2, 4), np.float32), "beat": np.zeros((2, 8), np.float32)}, files=()
    )
    matched = match_inputs(loaded, {"beat": (8, 1), "rr": (4,)})
    assert matched["rr"].sum() == 8
    with pytest.raises(UsageError, match="no windows for input 'qrs'"):
        match_inputs(loaded, {"qrs": (8,)})
    with pytest.raises(UsageError, match=r"takes windows of shape \(9,\)"):
        match_inputs(loaded, {"beat": (9,)})
