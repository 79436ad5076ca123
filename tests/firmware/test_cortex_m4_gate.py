"""Our sources for a Cortex-M4F with hard float, against the declarations we keep of TFLM's API."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.cortex_m4 import M4Project
from tests.support.programs import run
from tflm_gen import resources

pytestmark = pytest.mark.cross

TEMPLATES = resources.firmware_templates_dir()
WARNINGS = re.findall(r"-W[\w=-]+", (TEMPLATES / "cmake" / "warnings.cmake").read_text())
CXX_WARNINGS = {"-Wold-style-cast", "-Wnon-virtual-dtor", "-Woverloaded-virtual"}
FOLDERS = (
    *("common/src", "engine/tflm", "engine/none", "compiled/src"),
    *("port/nrf52", "port/mps2", "port/cortex_m", "tflm_api/corstone300_image"),
)
# Kernels of another core; the engine on a model as C, which includes that model's own files, is
# compiled in its projects.
SOURCES = sorted(
    path.relative_to(TEMPLATES).as_posix()
    for folder in FOLDERS
    for pattern in ("*.cc", "*.c")
    for path in (TEMPLATES / folder).glob(pattern)
    if not path.name.endswith("_mve.c")
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return M4Project(root=tmp_path_factory.mktemp("gate") / "p", engine="tflm").write().root


def test_the_gate_has_sources_and_warnings() -> None:
    assert len(SOURCES) > 40
    assert {"common/src/preprocess.c", "compiled/src/conv_dsp.c"} <= set(SOURCES)
    assert {"-Werror", "-Wconversion", "-Wshadow"} <= set(WARNINGS)
    assert set(WARNINGS) >= CXX_WARNINGS


def compile_source(source: Path, project: Path, folder: str):
    """Compile to nothing: some warnings come only from the optimiser, not from the parser."""
    includes = [
        *(project / name for name in ("common/include", "generated", "model")),
        *(TEMPLATES / name for name in ("engine/tflm", "tflm_api/corstone300_image")),
        *(TEMPLATES / name for name in ("compiled/include", f"port/{folder}", "port/cortex_m")),
    ]
    is_c = source.suffix == ".c"
    language = (
        ("arm-none-eabi-gcc", "-std=c11")
        if is_c
        else ("arm-none-eabi-g++", "-std=c++17", "-fno-exceptions", "-fno-rtti")
    )
    return run(
        *(*language, "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-O2", "-ffp-contract=off"),
        *(word for word in WARNINGS if not is_c or word not in CXX_WARNINGS),
        *("-DECG_CONSOLE_TX_PIN=6", "-DECG_CONSOLE_RX_PIN=8"),
        *(f"-I{include}" for include in includes),
        *("-c", "-o", "/dev/null", source),
    )


@pytest.mark.parametrize("source", SOURCES)
def test_source_compiles(source: str, project: Path) -> None:
    done = compile_source(TEMPLATES / source, project, Path(source).parent.name)
    assert done.returncode == 0, done.stderr


def test_the_gate_can_fail(project: Path, tmp_path: Path) -> None:
    text = (TEMPLATES / "common/src/crc32.cc").read_text()
    spoiled = tmp_path / "crc32.cc"
    spoiled.write_text(f"{text}\nstatic unsigned char Low(int wide) {{ return wide; }}\n")
    done = compile_source(spoiled, project, "nrf52")
    assert "[-Werror=conversion]" in done.stderr
