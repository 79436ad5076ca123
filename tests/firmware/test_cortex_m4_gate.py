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
SOURCES = sorted(
    path.relative_to(TEMPLATES).as_posix()
    for folder in (
        *("common/src", "engine/tflm", "engine/none"),
        *("port/nrf52", "port/mps2", "port/cortex_m", "tflm_api/corstone300_image"),
    )
    for path in (TEMPLATES / folder).glob("*.cc")
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return M4Project(root=tmp_path_factory.mktemp("gate") / "p", engine="tflm").write().root


def test_the_gate_has_sources_and_warnings() -> None:
    assert len(SOURCES) > 15
    assert {"-Werror", "-Wconversion", "-Wshadow", "-Wold-style-cast"} <= set(WARNINGS)


@pytest.mark.parametrize("source", SOURCES)
def test_source_compiles(source: str, project: Path) -> None:
    includes = [
        *(project / name for name in ("common/include", "generated", "model")),
        *(TEMPLATES / name for name in ("engine/tflm", "tflm_api/corstone300_image")),
        *(TEMPLATES / "port" / name for name in (Path(source).parent.name, "cortex_m")),
    ]
    done = run(
        *("arm-none-eabi-g++", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-std=c++17"),
        *("-O2", "-fno-exceptions", "-fno-rtti", "-fsyntax-only", *WARNINGS),
        *("-DECG_CONSOLE_TX_PIN=6", "-DECG_CONSOLE_RX_PIN=8"),
        *(f"-I{folder}" for folder in includes),
        TEMPLATES / source,
    )
    assert done.returncode == 0, done.stderr
