"""nrf52840 with a tree of TFLM's shape: both images are linked, for the chip and for its twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cortex_m4 import write_tflm_shape
from tests.support.model_builder import ModelBuilder
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.project.manifest import check_files
from tflm_gen.toolchain.elf_file import ElfFile

pytestmark = [pytest.mark.cross, pytest.mark.oracle]


def conv_model():
    net = ModelBuilder(seed=21)
    x = net.conv_2d(net.input((1, 8, 1, 2)), 4, (3, 1))
    return parse_model(net.finish([net.softmax(x)]), "conv.tflite")


def test_chip_and_twin_are_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    tree = write_tflm_shape(tmp_path / "tflm")
    result = build_project(
        BuildRequest(
            model=conv_model(),
            board_id="nrf52840",
            out=tmp_path / "p",
            tflm_dir=tree,
            arena_mode="largest",
        )
    )
    manifest = result.manifest
    assert manifest.linked is not None
    assert manifest.linked.elf == "out/tflm/firmware.elf"
    assert "out/tflm-twin/firmware.elf" in manifest.files
    check_files(tmp_path / "p", manifest)
    chip, twin = (
        ElfFile((tmp_path / "p/out" / name / "firmware.elf").read_bytes())
        for name in ("tflm", "tflm-twin")
    )
    for elf in (chip, twin):
        assert all(
            segment.load_address + segment.file_bytes <= 0x10_0000
            for segment in elf.segments
            if segment.file_bytes
        )
    assert chip.data != twin.data
    sizes = manifest.memory
    assert sizes.image_flash_bytes is None
    assert sizes.code_flash_bytes is not None
    assert sizes.data_ram_bytes is not None
    in_ram = sizes.data_ram_bytes + sizes.stack_ram_bytes + sizes.arena_ram_bytes
    assert in_ram <= 256 * 1024
    for path in (tmp_path / "p").rglob("*"):
        if path.suffix in {".txt", ".cmake", ".json", ".h", ".cc", ".md"}:
            assert str(tree) not in path.read_text(), path


def test_largest_arena_leaves_room_for_variables_and_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    result = build_project(
        BuildRequest(
            model=conv_model(),
            board_id="nrf52840",
            out=tmp_path / "p",
            kernels="cmsis-nn",
            is_linked=False,
        )
    )
    assert result.manifest.arena.basis == "modelled"
    placed = {item.what: item for item in result.plan.placements}
    assert placed["arena"].region == "RAM"
    assert result.manifest.arena.margin_bytes > 0
