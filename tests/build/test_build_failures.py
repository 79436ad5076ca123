"""What a build does when something is missing or wrong: one error, and nothing half written."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.build.conftest import build_example
from tests.support.command_line import assert_refused, run_tool
from tests.support.projects import dense_model
from tflm_gen.errors import (
    BuildFailedError,
    DoesNotFitError,
    MissingToolError,
    OutputFolderError,
    UnsupportedChoiceError,
    UnsupportedOperatorError,
)
from tflm_gen.examples import example_model
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.project import plan


def reject(out: Path, error: type[Exception], **options: object) -> Exception:
    with pytest.raises(error) as caught:
        build_example(out, **options)
    assert not out.exists()
    assert list(out.parent.iterdir()) == []
    return caught.value


@pytest.mark.oracle
def test_compiled_engine_with_kernels_of_tflm_is_refused(tmp_path: Path) -> None:
    reject(tmp_path / "p", UnsupportedChoiceError, engine="compiled", kernels="cmsis-nn")


@pytest.mark.image
@pytest.mark.oracle
@pytest.mark.usefixtures("use_own_cache")
def test_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (tmp_path / "o").mkdir()
    error = reject(tmp_path / "o" / "p", MissingToolError)
    assert "apt install" in error.hint


def test_foreign_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine").write_text("x")
    with pytest.raises(OutputFolderError):
        build_example(tmp_path / "p")
    assert (tmp_path / "p" / "mine").read_text() == "x"


def test_model_larger_than_flash_is_refused(tmp_path: Path) -> None:
    model = dense_model()
    huge = dataclasses.replace(model, flatbuffer=model.flatbuffer + bytes(2 * 1024 * 1024))
    with pytest.raises(DoesNotFitError, match="FLASH"):
        build_project(
            BuildRequest(
                model=huge,
                board_id="nrf52840",
                out=tmp_path / "p",
                kernels="cmsis-nn",
                is_cleaned=False,
            )
        )
    assert not (tmp_path / "p").exists()


@pytest.mark.oracle
def test_operator_the_image_lacks_is_refused(tmp_path: Path) -> None:
    from tests.support.model_builder import ModelBuilder

    net = ModelBuilder(seed=1, dtype="float32")
    x = net.input((1, 4), name="x")
    bindings_op = net.softmax(x)
    data = net.finish([bindings_op])
    model = parse_model(data, "m.tflite")
    # SOFTMAX becomes an operator that no TFLM has.
    main = model.main
    operators = tuple(dataclasses.replace(op, op="TOPK_V2") for op in main.operators)
    changed = dataclasses.replace(
        model, subgraphs=(dataclasses.replace(main, operators=operators),)
    )
    with pytest.raises(UnsupportedOperatorError, match="TOPK_V2"):
        build_project(
            BuildRequest(
                model=changed, board_id="corstone300", out=tmp_path / "p", is_cleaned=False
            )
        )


@pytest.mark.cross
@pytest.mark.image
@pytest.mark.oracle
@pytest.mark.usefixtures("use_own_cache")
def test_compiler_error_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "model_data_header", lambda **_: b"int broken = ;\n")
    error = reject(tmp_path / "p", BuildFailedError, use_cache=False)
    assert "error: " in error.message
    assert "\n" not in error.message


def test_command_line_errors(tmp_path: Path) -> None:
    model = str(example_model("ecg"))
    assert_refused(
        run_tool("build", model, "--board", "corston300", cwd=tmp_path), code="TG201", exit_code=2
    )
    assert_refused(run_tool("build", "--board", "host", cwd=tmp_path), code="TG504")
    assert_refused(
        run_tool("build", model, "--example", "ecg", "--board", "host", cwd=tmp_path), code="TG504"
    )
    assert_refused(
        run_tool("build", "--example", "eeg", "--board", "host", cwd=tmp_path), code="TG504"
    )
    assert list(tmp_path.iterdir()) == []


def test_no_source_by_name_ends_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFLM_GEN_TFLM_DIR", raising=False)
    out = tmp_path / "o"
    out.mkdir()
    result = run_tool(
        *("build", "--example", "ecg", "--board", "nrf52840", "--engine", "tflm"), cwd=out
    )
    assert_refused(result, code="TG304", exit_code=3)
    assert list(out.iterdir()) == []
