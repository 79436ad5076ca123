"""The ESP-IDF projects: their files agree, and every source compiles against ESP-IDF's functions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command_line import ROOT
from tests.support.model_builder import ModelBuilder
from tests.support.programs import run
from tflm_gen.errors import UnsupportedChoiceError
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, build_project

pytestmark = [pytest.mark.hostcc, pytest.mark.oracle]

HERE = Path(__file__).parent
IDF = HERE / "esp_idf_stand_in"
TFLM = HERE / "tflm_stand_in"
BOARDS = ("esp32c3", "esp32s3")
STRICT = (
    *("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef"),
    *("-Wcast-qual", "-Wformat=2", "-Wdouble-promotion"),
)


def small_cnn() -> bytes:
    """Operators that the stand-in of TFLM knows."""
    net = ModelBuilder(seed=1)
    return net.finish([net.softmax(net.conv_1d(net.input((1, 64, 1)), 4, 5))])


def build(board: str, engine: str, root: Path):
    model = parse_model(small_cnn(), "small.tflite")
    return build_project(BuildRequest(model=model, board_id=board, out=root, engine=engine))


@pytest.fixture(scope="module", params=[(b, e) for b in BOARDS for e in ("tflm", "compiled")])
def project(request, tmp_path_factory):
    board, engine = request.param
    return build(board, engine, tmp_path_factory.mktemp(f"{board}-{engine}") / "project")


def component(root: Path) -> dict[str, list[str]]:
    """What the main component registers with ESP-IDF."""
    result = run("cmake", f"-DCOMPONENT={root / 'main'}", "-P", IDF / "component.cmake")
    assert result.returncode == 0, result.stderr
    found: dict[str, list[str]] = {}
    for kind, value in re.findall(r"^(\w+)=(.*)$", result.stderr, re.M):
        found.setdefault(kind, []).append(value)
    return found


def compile_source(source: str, includes: list[str]):
    is_c = source.endswith(".c")
    language = ("gcc", "-std=gnu11") if is_c else ("g++", "-std=gnu++17")
    extra = () if is_c else ("-fno-exceptions", "-fno-rtti", "-Wold-style-cast")
    return run(
        *language,
        *STRICT,
        *extra,
        *("-DTF_LITE_STATIC_MEMORY", "-fsyntax-only"),
        *(f"-I{folder}" for folder in includes),
        *("-isystem", str(IDF), "-isystem", str(TFLM)),
        source,
    )


def test_every_source_compiles_with_strict_warnings(project):
    listed = component(project.root)
    assert len(listed["SRCS"]) > 15
    for source in listed["SRCS"]:
        assert Path(source).is_file(), source
        result = compile_source(source, listed["INCLUDE_DIRS"])
        assert result.returncode == 0, result.stderr


def test_the_gate_can_fail(project, tmp_path):
    listed = component(project.root)
    port = (project.root / "port/esp32/board_esp32.cc").read_text()
    spoiled = tmp_path / "board_esp32.cc"
    spoiled.write_text(port.replace("uart_write_bytes(kPort, &c", "uart_write_bytes(&c, kPort"))
    assert compile_source(str(spoiled), listed["INCLUDE_DIRS"]).returncode != 0


def test_the_common_sources_are_those_of_the_cmake_project(project):
    cmake = (ROOT / "firmware_templates" / "CMakeLists.txt").read_text()
    wanted = set(re.findall(r"common/src/(\w+\.cc)", cmake))
    listed = {Path(s).name for s in component(project.root)["SRCS"] if "/common/src/" in s}
    assert listed == wanted


def test_only_the_engine_of_the_project_needs_the_component(project):
    listed = component(project.root)
    uses_tflm = project.manifest.engine == "tflm"
    assert ("espressif__esp-tflite-micro" in listed["REQUIRES"]) == uses_tflm
    assert any("--wrap=DebugLog" in line for line in listed.get("LINK", ())) == uses_tflm


def test_versions_are_exact_and_past_the_wrong_dense_layers(project):
    text = (project.root / "main/idf_component.yml").read_text()
    pins = dict(re.findall(r'espressif/([\w-]+): "==([\d.]+)"', text))
    assert set(pins) == {"esp-tflite-micro", "esp-nn"}
    assert tuple(map(int, pins["esp-nn"].split("."))) >= (1, 2, 6)
    assert pins["esp-tflite-micro"] in project.manifest.tflm.target
    assert pins["esp-nn"] in project.manifest.tflm.target


def test_the_project_says_that_it_was_only_generated(project):
    assert project.manifest.board.tier == "generated only"
    assert project.manifest.linked is None
    assert project.manifest.project_kind == "esp-idf"
    assert "not built with ESP-IDF" in (project.root / "ESP-IDF.md").read_text()
    assert not (project.root / "CMakePresets.json").exists()


@pytest.mark.parametrize(("kernels", "wanted"), [("esp-nn", "OPTIMIZED"), ("reference", "ANSI_C")])
def test_kernels_choose_the_setting_of_esp_nn(tmp_path, kernels, wanted):
    model = parse_model(small_cnn(), "small.tflite")
    root = tmp_path / "project"
    build_project(BuildRequest(model=model, board_id="esp32s3", out=root, kernels=kernels))
    text = (root / "sdkconfig.defaults").read_text()
    assert re.findall(r"CONFIG_NN_(\w+)=y", text) == [wanted]


@pytest.mark.parametrize(("board", "kind"), [("esp32s3", "cmake"), ("nrf52840", "esp-idf")])
def test_a_kind_that_does_not_suit_the_board_is_refused(tmp_path, board, kind):
    model = parse_model(small_cnn(), "small.tflite")
    with pytest.raises(UnsupportedChoiceError, match=f"{board} cannot have a project of kind"):
        build_project(
            BuildRequest(model=model, board_id=board, out=tmp_path / "p", project_kind=kind)
        )
