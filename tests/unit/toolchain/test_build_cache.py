from __future__ import annotations

from pathlib import Path

import pytest

from tflm_gen.memory_plan import ArenaResult
from tflm_gen.toolchain.build_cache import BuildOutcome, cache_key, load_outcome, store_outcome
from tflm_gen.toolchain.elf_size import FirmwareSizes

OUTCOME = BuildOutcome(
    arena=ArenaResult(size_bytes=64, basis="proven", ran_at=64, failed_at=48, margin_bytes=0),
    sizes=FirmwareSizes(
        image_flash=1, image_ram=2, model_flash=3, code_flash=4, data_ram=5, stack_ram=6,
        arena_ram=7,
    ),
    files={"tflm/firmware.elf": b"\x7fELF", "tflm/firmware.hex": b":00"},
    warnings=("careful",),
)  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    return tmp_path / "builds"


def test_a_stored_build_comes_back_equal() -> None:
    store_outcome("k", OUTCOME)
    assert load_outcome("k") == OUTCOME
    assert load_outcome("other") is None


def test_storing_again_replaces() -> None:
    store_outcome("k", OUTCOME)
    store_outcome("k", OUTCOME)
    assert load_outcome("k") == OUTCOME


@pytest.mark.parametrize("name", ["tflm/firmware.elf", "tflm/firmware.hex", "result.json"])
@pytest.mark.parametrize("damage", [b"", b"other", None])
def test_a_damaged_build_is_not_used(cache: Path, name: str, damage: bytes | None) -> None:
    store_outcome("k", OUTCOME)
    path = cache / "k" / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    assert load_outcome("k") is None


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "file"))
    store_outcome("k", OUTCOME)
    assert load_outcome("k") is None


def test_only_the_newest_builds_are_kept(cache: Path) -> None:
    for number in range(30):
        store_outcome(f"{number:02}", OUTCOME)
    left = sorted(path.name for path in cache.iterdir())
    assert len(left) == 24
    assert "29" in left


def test_every_input_counts_for_the_key() -> None:
    base = {"a": "1", "b": "2"}
    keys = {cache_key(base), cache_key({**base, "a": "2"}), cache_key({"a": "1"})}
    assert len(keys) == 3
    assert cache_key({"b": "2", "a": "1"}) == cache_key(base)
