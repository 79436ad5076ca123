"""What is kept comes back; what could not be written whole leaves nothing."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, BinaryIO

from tflm_gen.toolchain.disk_cache import load_json, store_file, store_json

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_was_stored_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    value = {"name": "Größe", "n": 3, "kept": ["a", "b"], "none": None}
    store_json("results", "one", value)
    assert load_json("results", "one") == value
    assert load_json("results", "other") is None


def test_a_full_disk_is_no_error_and_leaves_the_older_result_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    store_json("results", "one", {"n": 1})

    def full(file: BinaryIO) -> None:
        file.write(b"{")
        raise OSError(errno.ENOSPC, "No space left on device")

    store_file("results", "one.json", full)
    assert load_json("results", "one") == {"n": 1}
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["one.json"]
