from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.model_builder import ModelBuilder
from tests.support.projects import spec_for
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES
from tflm_gen.arena.modelled import (
    ArenaTarget,
    board_target,
    estimate_for_target,
    modelled_arena,
    refuse_hopeless,
    require_estimate,
    unseen_overlap_bytes,
    with_forecast,
    with_margin,
)
from tflm_gen.arena_model.choice import forecast_arena
from tflm_gen.board_loader import load_board
from tflm_gen.errors import DoesNotFitError, UnsupportedChoiceError
from tflm_gen.model.reader import parse_model
from tflm_gen.project.arena_header import forecast_of, search_floor_of

IMAGE = ArenaTarget(core="cortex-m55", kernels="cmsis-nn", source="corstone300_image")
M4 = ArenaTarget(core="cortex-m4f", kernels="cmsis-nn", source="upstream")
MODEL = parse_model(ZOO["cnn_2d"](), "cnn_2d.tflite")


def floor_on(model, target: ArenaTarget) -> int | None:
    forecast = forecast_arena(model, core=target.core, kernels=target.kernels, source=target.source)
    return forecast.floor_bytes


def test_the_rule_without_a_table() -> None:
    arena = with_margin(1000)
    assert (arena.size_bytes, arena.margin_bytes) == (2288, 1288)
    assert arena.words == "modelled: smallest of this machine and 1288 bytes of margin"


def test_a_measured_table_needs_no_margin() -> None:
    arena = modelled_arena(MODEL, IMAGE)
    estimate = estimate_for_target(MODEL, IMAGE)
    assert arena is not None
    assert estimate is not None
    assert (arena.basis, arena.size_bytes, arena.margin_bytes) == ("modelled", estimate.n_bytes, 0)
    assert "table corstone300_image" in arena.words


def test_another_core_gets_its_own_scratch_and_a_margin() -> None:
    helium, dsp = (estimate_for_target(MODEL, target) for target in (IMAGE, M4))
    arena = modelled_arena(MODEL, M4)
    assert helium is not None
    assert dsp is not None
    assert arena is not None
    scratch = [
        [item.buffer.n_bytes for item in estimate.placed if item.buffer.is_scratch]
        for estimate in (helium, dsp)
    ]
    assert scratch[0] != scratch[1]
    assert arena.size_bytes - arena.margin_bytes == dsp.n_bytes
    assert arena.margin_bytes >= 512


def test_boards_name_what_they_link() -> None:
    assert board_target(load_board("corstone300")) == IMAGE
    assert board_target(load_board("nrf52840")) == M4


def test_a_target_without_a_table_is_named() -> None:
    target = ArenaTarget(core="xtensa", kernels="esp-nn", source="upstream")
    assert estimate_for_target(MODEL, target) is None
    with pytest.raises(UnsupportedChoiceError, match="esp-nn on xtensa"):
        require_estimate(MODEL, target)


def test_what_cannot_fit_is_refused_with_its_largest_tensors() -> None:
    net = ModelBuilder()
    x = net.input((1, 1, 60_000, 4), name="window")
    large = parse_model(net.finish([net.conv_2d(x, 8, (1, 3))]), "large.tflite")
    spec = replace(spec_for("nrf52840"), model=large)
    with pytest.raises(DoesNotFitError, match=r"CONV_2D: .* 480,000 B, window 240,000 B") as caught:
        refuse_hopeless(spec)
    assert "Shorten the ECG window" in (caught.value.hint or "")
    refuse_hopeless(spec_for("nrf52840"))


def test_a_forecast_is_what_all_stages_read() -> None:
    spec = spec_for("corstone300")
    assert spec.forecast is None
    known = with_forecast(spec)
    assert known.forecast == forecast_of(spec)
    assert known.forecast is not None
    assert known.forecast.estimate == estimate_for_target(spec.model, IMAGE)
    larger = replace(known, forecast=replace(known.forecast, floor_bytes=12_345))
    assert search_floor_of(larger) == 12_345
    assert search_floor_of(known) == search_floor_of(spec)
    assert with_forecast(replace(spec, engine="compiled")).forecast is None


def test_only_a_measured_table_says_what_overlaps() -> None:
    spec = spec_for("corstone300")
    estimate = estimate_for_target(spec.model, IMAGE)
    assert estimate is not None
    assert unseen_overlap_bytes(spec, estimate.n_bytes - 48) == 48
    assert unseen_overlap_bytes(spec, estimate.n_bytes + 16) == 0
    assert unseen_overlap_bytes(spec_for("nrf52840"), 16) == 0


@pytest.mark.parametrize(
    ("name", "crashes_at"),
    [("svdf_float32_float32", 704), ("second_operand_reduce_max_float32_constant", 560)],
)
def test_no_arena_is_searched_in_which_the_image_crashes(name: str, crashes_at: int) -> None:
    """TFLM of Arm's image was seen to fault at this size in QEMU, and to refuse the next one."""
    model = parse_model(FEATURES[name](), name)
    floor = floor_on(model, IMAGE)
    assert floor == crashes_at + 16


def test_no_arena_is_searched_below_what_nobody_checks() -> None:
    estimate = estimate_for_target(MODEL, IMAGE)
    assert estimate is not None
    unchecked = max(n.n_bytes for n in estimate.needs if n.phase in ("prepare", "plan notes"))
    floor = floor_on(MODEL, IMAGE)
    assert floor == unchecked < estimate.n_bytes
    # Another build of TFLM may take more, and 64 bits take more than 32.
    on_m4 = floor_on(MODEL, M4)
    on_esp32 = floor_on(
        MODEL, ArenaTarget(core="esp32s3", kernels="esp-nn", source="esp_tflite_micro")
    )
    assert on_m4 is not None
    assert on_esp32 is not None
    assert floor < on_m4 < on_esp32
