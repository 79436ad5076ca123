"""Engine compiled: the example as C, linked without any TFLM, checked from its ELF files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.build.conftest import build_example
from tests.support.command_line import assert_refused, run_tool
from tests.support.model_builder import ModelBuilder
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, BuildResult, build_project
from tflm_gen.project.manifest import check_files
from tflm_gen.toolchain.elf_file import ElfFile

pytestmark = [pytest.mark.oracle]

FLASH_BYTES = 1024 * 1024
RAM_START, RAM_BYTES = 0x2000_0000, 256 * 1024


@pytest.fixture(scope="module")
def no_tflm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder without an image and without TFLM's sources."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _without_tflm(no_tflm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(no_tflm))
    monkeypatch.delenv("TFLM_GEN_TFLM_DIR", raising=False)


def example_on(board: str, out: Path) -> BuildResult:
    return build_example(out, board, engine="compiled")


def decisions(result: BuildResult) -> dict[str, tuple[str, str]]:
    return {item.what: (item.choice, item.reason) for item in result.manifest.decisions}


def model_without_compiled_form():
    net = ModelBuilder(seed=3, dtype="float32")
    return parse_model(net.finish([net.softmax(net.input((1, 4), name="x"))]), "float.tflite")


@pytest.mark.cross
@pytest.mark.qemu
def test_the_manifest_tells_of_the_compiled_engine(tmp_path: Path) -> None:
    result = build_example(tmp_path / "p", "nrf52840")
    manifest = result.manifest
    check_files(tmp_path / "p", manifest)
    assert (manifest.engine, manifest.kernels) == ("compiled", "tflm-gen")
    assert manifest.linked is not None
    assert (manifest.linked.elf, manifest.linked.hex, manifest.linked.map) == (
        "out/compiled/firmware.elf",
        "out/compiled/firmware.hex",
        "out/compiled/firmware.map",
    )
    assert manifest.tflm.source_sha256 is None
    assert not manifest.warnings
    arena = manifest.arena
    assert (arena.basis, arena.ran_at, arena.failed_at, arena.margin_bytes) == (
        "static",
        None,
        None,
        0,
    )
    header = (tmp_path / "p/compiled/model.h").read_text()
    assert f"#define COMPILED_MODEL_ARENA_BYTES {arena.bytes}\n" in header
    told = decisions(result)
    assert told["engine"] == ("compiled", "upstream is not here")
    assert told["arena"] == (
        f"{arena.bytes} bytes",
        "static plan of the compiled engine: exact, optimal: no placement needs less",
    )
    assert told["application tflm"][0] == "in the project"
    assert told["application compiled"][0] == "in the project"


@pytest.mark.cross
@pytest.mark.qemu
def test_chip_s_image_has_sound_sections_and_vectors(tmp_path: Path) -> None:
    """Flash and RAM as the nRF52840 has them; the first two words start the core."""
    result = example_on("nrf52840", tmp_path / "p")
    elf = ElfFile((tmp_path / "p/out/compiled/firmware.elf").read_bytes())
    stack, reset = struct.unpack("<2I", elf.read(0, 8))
    assert RAM_START < stack <= RAM_START + RAM_BYTES
    assert stack % 8 == 0
    assert reset & 1, "the reset handler is no Thumb code"
    code = {section.name: section for section in elf.sections}[".text"]
    assert code.address <= reset - 1 < code.address + code.size_bytes
    handlers = struct.unpack("<62I", elf.read(8, 62 * 4))
    assert all(handler & 1 for handler in handlers)
    for section in elf.sections:
        if not section.is_loaded or section.size_bytes == 0:
            continue
        end = section.address + section.size_bytes
        in_flash = end <= FLASH_BYTES
        in_ram = section.address >= RAM_START and end <= RAM_START + RAM_BYTES
        assert in_flash or in_ram, section.name
        # Pointers to constructors stay in flash; everything else that is written is in RAM.
        assert in_ram or not section.is_writable or section.name == ".init_array", section.name
    stored = [segment for segment in elf.segments if segment.file_bytes]
    assert max(part.load_address + part.file_bytes for part in stored) < 64 * 1024
    arena = next(section for section in elf.sections if section.name == ".arena")
    assert result.manifest.arena.bytes <= arena.size_bytes <= result.manifest.arena.bytes + 64
    assert (tmp_path / "p/out/compiled/firmware.hex").read_text().startswith(":")
    assert ".arena" in (tmp_path / "p/out/compiled/firmware.map").read_text()


@pytest.mark.cross
@pytest.mark.qemu
@pytest.mark.parametrize("board", ["nrf52840", "corstone300"])
def test_neither_tflm_nor_the_model_file_is_linked(tmp_path: Path, board: str) -> None:
    result = example_on(board, tmp_path / "p")
    data = (tmp_path / "p/out/compiled/firmware.elf").read_bytes()
    names = {symbol.name for symbol in ElfFile(data).symbols()}
    assert "compiled_model_invoke" in names
    assert not [name for name in names if "tflite" in name or "kModelData" in name]
    assert not names & {"malloc", "_malloc_r", "_sbrk"}
    memory = result.manifest.memory
    assert memory.model_flash_bytes == 0
    assert memory.image_flash_bytes is None
    assert memory.code_flash_bytes is not None
    assert 10_000 < memory.code_flash_bytes < 64 * 1024


@pytest.mark.cross
@pytest.mark.qemu
def test_twin_and_chip_carry_the_same_model(tmp_path: Path) -> None:
    example_on("nrf52840", tmp_path / "p")
    chip, twin = (
        ElfFile((tmp_path / "p/out" / name / "firmware.elf").read_bytes())
        for name in ("compiled", "compiled-twin")
    )
    assert chip.data != twin.data
    sizes = [
        {s.name: s.size_bytes for s in elf.symbols() if s.name.startswith(("compiled_", "tgk_"))}
        for elf in (chip, twin)
    ]
    assert sizes[0] == sizes[1]
    assert sizes[0]


def test_compiled_sources_are_in_a_project_for_tflm_too(tmp_path: Path) -> None:
    """Both applications are there, whichever is linked."""
    result = build_example(tmp_path / "p", "host", engine="tflm", is_linked=False)
    for path in ("compiled/model.c", "engine/compiled/engine.cmake", "engine/tflm/engine.cmake"):
        assert path in result.manifest.files, path
    assert decisions(result)["application compiled"][0] == "in the project"
    assert "--engine compiled" in (tmp_path / "p/README.md").read_text()


@pytest.mark.cross
@pytest.mark.qemu
def test_model_the_engine_does_not_have(tmp_path: Path) -> None:
    """By name an error; else TFLM's project is written, and why is in it."""
    model = model_without_compiled_form()
    path = tmp_path / "float.tflite"
    path.write_bytes(model.flatbuffer)
    options = ("build", str(path), "--board", "nrf52840", "--engine", "compiled", "--out", "p")
    assert_refused(run_tool(*options, cwd=tmp_path), code="TG106", exit_code=1)
    assert not (tmp_path / "p").exists()
    result = build_project(BuildRequest(model=model, board_id="nrf52840", out=tmp_path / "q"))
    manifest = result.manifest
    assert (manifest.engine, manifest.linked) == ("tflm", None)
    choice, reason = decisions(result)["application compiled"]
    assert choice == "left out"
    assert "SOFTMAX" in reason
    assert not [name for name in manifest.files if name.startswith("compiled/")]
    assert "left out: " in (tmp_path / "q/README.md").read_text()


@pytest.mark.cross
def test_without_qemu_the_image_is_linked_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tflm_gen.runner.emulators.qemu.PROGRAM", "no-such-qemu")
    result = build_example(tmp_path / "p", "nrf52840", use_cache=False)
    assert result.manifest.linked is not None
    assert result.manifest.arena.basis == "static"
    assert any("not started here" in line for line in result.manifest.warnings)


@pytest.mark.cross
@pytest.mark.qemu
def test_command_line_names_both_engines(tmp_path: Path) -> None:
    result = run_tool("build", "--example", "ecg", "--board", "nrf52840", cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    *_, linked, not_linked, firmware, following = result.stdout.splitlines()
    assert linked.startswith("linked: engine compiled: the model as C with tflm-gen kernels")
    assert not_linked.startswith("not linked: engine tflm: TFLM (tflm-g")
    assert "tflm-gen deps get tflm" in not_linked
    assert "out/compiled/firmware.hex" in firmware
    assert following == "next: tflm-gen verify ecg-nrf52840"
    assert "static plan: exact, optimal: no placement needs less" in result.stdout


def test_too_large_an_arena_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    net = ModelBuilder(seed=5)
    x = net.input((1, 512, 512, 1))
    model = parse_model(net.finish([net.conv_2d(x, 2, (1, 1))]), "wide.tflite")
    path = tmp_path / "wide.tflite"
    path.write_bytes(model.flatbuffer)
    result = run_tool("build", str(path), "--board", "nrf52840", "--out", "p", cwd=tmp_path)
    assert_refused(result, code="TG203", exit_code=1)
    assert "tensor arena" in result.stderr
    assert "RAM" in result.stderr
