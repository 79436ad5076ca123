"""Both engines' applications in one project, or the reason why one is left out."""

from __future__ import annotations

from pathlib import PurePosixPath

from tests.support.model_builder import ModelBuilder
from tests.support.projects import dense_model, spec_for
from tflm_gen.board_loader import load_board
from tflm_gen.model.reader import parse_model
from tflm_gen.project.compiled import board_without_image, compile_part, static_arena
from tflm_gen.project.plan import plan_project


def paths(**changes: object) -> set[str]:
    spec = spec_for("nrf52840", **changes)
    return {str(path) for path in plan_project(spec, arena_bytes=4096, arena_basis="x").files}


def test_both_applications_are_carried_whichever_is_linked() -> None:
    for engine in ("tflm", "compiled"):
        found = paths(engine=engine)
        assert {
            "engine/tflm/inference_tflm.cc",
            "engine/compiled/inference_compiled.cc",
            "compiled/model.c",
            "compiled/sources.cmake",
            "generated/op_resolver.h",
        } <= found


def test_only_the_kernels_in_use_are_copied() -> None:
    sources = {path for path in paths() if path.startswith("compiled/src/")}
    assert sources == {"compiled/src/fully_connected_dsp.c", "compiled/src/softmax.c"}


def test_without_tflm_s_operators_its_application_is_left_out() -> None:
    found = paths(engine="compiled", entries=(), tflm_obstacle="TFLM has no X")
    assert "generated/op_resolver.h" not in found
    assert not [path for path in found if path.startswith("engine/tflm/")]
    spec = spec_for("nrf52840", engine="compiled", entries=(), tflm_obstacle="TFLM has no X")
    files = plan_project(spec, arena_bytes=4096, arena_basis="x").files
    readme = files[PurePosixPath("README.md")].decode()
    assert "tflm: left out: TFLM has no X" in readme
    assert "To link the other engine" not in readme


def test_a_model_the_engine_does_not_have_is_said() -> None:
    net = ModelBuilder(seed=2, dtype="float32")
    model = parse_model(net.finish([net.softmax(net.input((1, 4), name="x"))]), "f.tflite")
    part = compile_part(model, load_board("host"))
    assert part.model is None
    assert "SOFTMAX" in part.words
    assert list(part.files) == []


def test_arena_is_the_plan_s_rounded_up_to_16() -> None:
    part = compile_part(dense_model(), load_board("nrf52840"))
    assert part.model is not None
    arena = static_arena(part.model)
    assert arena.basis == "static"
    assert arena.size_bytes % 16 == 0
    assert 0 <= arena.size_bytes - part.model.memory.arena_bytes < 16
    assert spec_for("nrf52840", engine="compiled").compiled_arena == arena
    assert spec_for("nrf52840").compiled_arena is None


def test_without_the_image_the_code_region_is_free() -> None:
    board = load_board("corstone300")
    free = board_without_image(board)
    region, before = (b.spec.region_for("code") for b in (free, board))
    assert region is not None
    assert before is not None
    assert region.free_bytes == region.size_bytes - 64 > before.free_bytes
    assert board_without_image(load_board("nrf52840")) == load_board("nrf52840")
