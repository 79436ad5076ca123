"""A build uses the cleaned model, keeps the original, and says what was done."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support.converter_files import converted
from tests.support.rough_models import ROUGH, upsampling_with_wrong_shapes
from tests.support.zoo import ZOO
from tflm_gen.errors import UnsupportedOperatorError
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, BuildResult, build_project
from tflm_gen.project.manifest import check_files, read_manifest
from tflm_gen.report.build_report import build_text

pytestmark = pytest.mark.oracle

MODELS = {
    **ZOO,
    **ROUGH,
    "upsampling_with_wrong_shapes": upsampling_with_wrong_shapes,
    "gelu_exact": lambda: converted("gelu_exact"),
}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory):
    def run(name: str, **changes: object) -> BuildResult:
        request = BuildRequest(
            model=parse_model(MODELS[name](), f"{name}.tflite"),
            board_id="corstone300",
            out=tmp_path_factory.mktemp(name) / "project",
            is_linked=False,
            **changes,
        )
        return build_project(request)

    return run


@pytest.fixture(scope="module")
def rough(build) -> BuildResult:
    return build("cnn_1d_open_batch")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_both_models_are_in_the_project_with_their_hashes(rough: BuildResult) -> None:
    manifest = read_manifest(rough.root)
    cleaned = manifest.cleaned_model
    assert cleaned is not None
    assert manifest.model.file == cleaned.original_file == "model/original.tflite"
    assert cleaned.file == "model/model.tflite"
    assert (rough.root / manifest.model.file).read_bytes() == ZOO["cnn_1d_open_batch"]()
    assert sha256(rough.root / cleaned.file) == cleaned.sha256 != manifest.model.sha256
    assert manifest.memory.model_flash_bytes == cleaned.bytes < manifest.model.bytes
    check_files(rough.root, manifest)


def test_resolver_and_array_are_those_of_the_cleaned_model(rough: BuildResult) -> None:
    manifest = rough.manifest
    assert "EXPAND_DIMS" not in {operator.op for operator in manifest.operators}
    resolver = (rough.root / "generated/op_resolver.h").read_text()
    assert "AddReshape" in resolver
    assert "AddExpandDims" not in resolver
    header = (rough.root / "model/model_data.h").read_text()
    assert manifest.cleaned_model is not None
    assert manifest.cleaned_model.sha256 in header


def test_steps_and_proof_are_in_manifest_and_report(rough: BuildResult) -> None:
    manifest = rough.manifest
    assert manifest.cleaned_model is not None
    assert manifest.cleaned_model.proof.basis == "original on TFLM"
    assert manifest.cleaned_model.operators == (12, 8)
    decision = next(d for d in manifest.decisions if d.what == "clean-up")
    assert "merge-reshapes" in decision.choice
    text = build_text(rough, project="p")
    assert "cleaned: operators 12 -> 8, file " in text
    assert "equal bytes for 32 vectors" in text


def test_the_report_says_what_the_user_was_saved_from(build) -> None:
    text = build_text(build("open_batch_tcn"), project="p")
    assert "saved from: TFLM runs the original without an error" in text


def test_a_missing_operator_is_explained_by_the_step_that_was_undone(
    build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tflm_gen.oracle.tflite._PACKAGES", ())
    with pytest.raises(UnsupportedOperatorError) as caught:
        build("upsampling_with_wrong_shapes")
    assert "no operator TILE" in caught.value.message
    assert "static-shapes was undone" in caught.value.message
    assert "pip install ai-edge-litert" in caught.value.message


def test_a_missing_operator_is_not_explained_by_tidying_that_was_undone(
    build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tflm_gen.oracle.tflite._PACKAGES", ())
    with pytest.raises(UnsupportedOperatorError) as caught:
        build("gelu_exact")
    assert "no operator GELU" in caught.value.message
    assert "was undone" not in caught.value.message


def test_the_clean_up_can_be_switched_off(build) -> None:
    result = build("cnn_1d_open_batch", is_cleaned=False)
    manifest = result.manifest
    assert manifest.cleaned_model is None
    assert manifest.model.file == "model/model.tflite"
    assert (result.root / "model/model.tflite").read_bytes() == ZOO["cnn_1d_open_batch"]()
    assert not (result.root / "model/original.tflite").exists()
    decision = next(d for d in manifest.decisions if d.what == "clean-up")
    assert (decision.choice, decision.reason) == ("none", "--no-clean")
    assert "cleaned:" not in build_text(result, project="p")
