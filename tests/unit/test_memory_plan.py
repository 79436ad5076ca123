from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_gen.board_loader import load_board
from tflm_gen.errors import DoesNotFitError
from tflm_gen.memory_plan import (
    ARENA_GUARD_BYTES,
    ArenaResult,
    LinkedSizes,
    MemoryPlan,
    largest_arena_bytes,
    plan_memory,
    unproven_arena,
)

NRF = load_board("nrf52840")
RAM = 256 * 1024


def test_placements_name_their_regions() -> None:
    plan = plan_memory(
        board=NRF,
        model_bytes=1000,
        arena=unproven_arena(2048),
        linked=LinkedSizes(code_bytes=30_000, data_bytes=500),
    )
    placed = {item.what: (item.region, item.size_bytes) for item in plan.placements}
    assert placed == {
        "model": ("FLASH", 1000),
        "stack": ("RAM", 8192),
        "arena": ("RAM", 2048 + ARENA_GUARD_BYTES),
        "code": ("FLASH", 30_000),
        "data": ("RAM", 500),
    }


def test_arena_that_does_not_fit_says_by_how_much_and_what_to_shorten() -> None:
    with pytest.raises(DoesNotFitError) as caught:
        plan_memory(board=NRF, model_bytes=1000, arena=unproven_arena(RAM))
    assert f"{8192 + ARENA_GUARD_BYTES:,} B too many" in caught.value.message
    assert "RAM" in caught.value.message
    assert "Shorten the ECG window" in caught.value.hint


def test_model_that_does_not_fit_is_named() -> None:
    with pytest.raises(DoesNotFitError, match="FLASH") as caught:
        plan_memory(board=NRF, model_bytes=2 * 1024 * 1024, arena=unproven_arena(0))
    assert "Quantize" in caught.value.hint


@given(st.integers(0, 3 * RAM))
def test_an_arena_fits_exactly_up_to_the_last_byte(arena_bytes: int) -> None:
    free = RAM - NRF.spec.firmware.stack_bytes - ARENA_GUARD_BYTES
    try:
        plan_memory(board=NRF, model_bytes=1, arena=unproven_arena(arena_bytes))
        fits = True
    except DoesNotFitError:
        fits = False
    assert fits == (arena_bytes <= free)


@pytest.mark.parametrize("board_id", ["corstone300", "nrf52840"])
def test_the_largest_arena_fits(board_id: str) -> None:
    board = load_board(board_id)
    largest = largest_arena_bytes(board)
    assert largest is not None
    plan_memory(board=board, model_bytes=1, arena=unproven_arena(largest))


def test_the_host_has_no_limits() -> None:
    board = load_board("host")
    assert largest_arena_bytes(board) is None
    plan = plan_memory(board=board, model_bytes=10**9, arena=unproven_arena(10**9))
    assert plan.placements == ()


def test_arena_bytes_are_rounded_up_to_the_alignment() -> None:
    plan = MemoryPlan(
        model_flash_bytes=1, arena_used_bytes=100, arena_margin_bytes=5, arena_basis="modelled"
    )
    assert plan.arena_bytes == 112
    with pytest.raises(ValueError, match="not a power of two"):
        MemoryPlan(
            model_flash_bytes=1,
            arena_used_bytes=1,
            arena_margin_bytes=0,
            arena_align_bytes=24,
            arena_basis="modelled",
        )


@pytest.mark.parametrize(
    ("arena", "words"),
    [
        (unproven_arena(5), "unproven: all that the board has"),
        (
            ArenaResult(size_bytes=96, basis="proven", ran_at=96, failed_at=80, margin_bytes=0),
            "proven: ran at 96, failed at 80",
        ),
        (
            ArenaResult(size_bytes=16, basis="proven", ran_at=16, failed_at=0, margin_bytes=0),
            "proven: ran at 16",
        ),
    ],
)
def test_words_of_an_arena(arena: ArenaResult, words: str) -> None:
    assert arena.words == words
