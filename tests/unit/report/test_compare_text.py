from __future__ import annotations

from dataclasses import replace

from tflm_gen.comparison import Comparison, EngineFigures, RunFigures
from tflm_gen.report.compare_text import comparison_document, comparison_text

RUN = RunFigures(
    device="qemu",
    basis="emulated_instructions",
    unit="instructions",
    count=1234,
    oracle="the oracle",
    n_vectors=32,
    n_different=0,
)
COMPILED = EngineFigures(
    engine="compiled",
    kernels="tflm-gen",
    runtime="tflm-gen-1",
    flash_bytes=20_000,
    image_flash_bytes=0,
    ram_bytes=3000,
    image_ram_bytes=0,
    arena_bytes=2000,
    arena_basis="static",
    build_s=1.25,
    run=RUN,
)


def comparison(*engines: EngineFigures, **changes: object) -> Comparison:
    plain = Comparison(
        model_name="m", board_id="b", core="cortex-m55", engines=engines, left_out=()
    )
    return replace(plain, **changes)


def test_an_engine_that_differs_says_how_often() -> None:
    other = replace(COMPILED, engine="tflm", run=replace(RUN, n_different=3))
    text = "\n".join(comparison_text(comparison(COMPILED, other)))
    assert "yes, 32 vectors" in text
    assert "no: 3 of 32 vectors differ" in text


def test_the_prebuilt_image_stands_apart() -> None:
    image = replace(COMPILED, engine="tflm", image_flash_bytes=600_000, image_ram_bytes=90_000)
    text = "\n".join(comparison_text(comparison(image)))
    assert "20,000*" in text
    assert "* and Arm's prebuilt image with every operator it has: 600,000 bytes" in text
    assert "*" not in "\n".join(comparison_text(comparison(COMPILED)))


def test_without_an_emulator_nothing_is_claimed() -> None:
    result = comparison(replace(COMPILED, run=None), not_run="no emulator knows the board b")
    lines = comparison_text(result)
    assert lines[1] == "not run: no emulator knows the board b"
    row = next(line for line in lines if line.startswith("  compiled"))
    assert row.split()[-3:-1] == ["-", "-"]
    document = comparison_document(result)
    assert document["not_run"] == "no emulator knows the board b"


def test_what_is_left_out_is_named() -> None:
    result = comparison(COMPILED, left_out=(("tflm", "it is not here"),))
    assert comparison_text(result)[-1] == "left out: engine tflm: it is not here"
    assert comparison_document(result)["left_out"] == [
        {"engine": "tflm", "reason": "it is not here"}
    ]


def test_what_was_refused_keeps_its_row() -> None:
    result = comparison(COMPILED, left_out=(("bakenn (portable C)", "operator code 40"),))
    lines = comparison_text(result)
    row = next(line for line in lines if line.startswith("  bakenn (portable C)"))
    assert row.split("  left out")[1].split() == ["-"] * 7
    assert lines[-1] == "left out: engine bakenn (portable C): operator code 40"
