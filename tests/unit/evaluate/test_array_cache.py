"""A stored result is used only if it is whole and the one that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_gen.evaluate.array_cache import key_of, load_arrays, store_arrays

KEY, OTHER = key_of("a", b"b"), key_of("ab")


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    store_arrays("runs", KEY, {"scores": np.arange(500, dtype=np.float32)})
    (path,) = (tmp_path / "runs").iterdir()
    return path


def test_what_was_stored_comes_back(stored):
    found = load_arrays("runs", KEY)
    assert found is not None
    assert list(found) == ["scores"]
    assert found["scores"].tolist() == list(range(500))
    assert load_arrays("runs", OTHER) is None


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_one_flipped_bit_is_noticed(stored, share):
    data = bytearray(stored.read_bytes())
    data[int(share * len(data))] ^= 4
    stored.write_bytes(data)
    assert load_arrays("runs", KEY) is None


def test_half_a_file_and_none_are_noticed(stored):
    stored.write_bytes(stored.read_bytes()[: stored.stat().st_size // 2])
    assert load_arrays("runs", KEY) is None
    stored.write_bytes(b"")
    assert load_arrays("runs", KEY) is None
    stored.unlink()
    assert load_arrays("runs", KEY) is None


def test_a_result_of_another_run_under_this_name_is_not_used(stored):
    stored.rename(stored.with_name(f"{OTHER}.npz"))
    assert load_arrays("runs", OTHER) is None


def test_parts_are_told_apart_from_their_sum():
    assert len({key_of("a", "b"), key_of("ab"), key_of("ab", ""), key_of("b", "a")}) == 4


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "file"))
    store_arrays("runs", KEY, {"scores": np.zeros(3)})
    assert load_arrays("runs", KEY) is None
