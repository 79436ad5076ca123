"""Builds shared by the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.requirements import require
from tflm_gen.examples import example_model
from tflm_gen.model.reader import read_model
from tflm_gen.pipeline import BuildRequest, BuildResult, build_project
from tflm_gen.resources import cache_dir


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the image and nothing else; set for the whole module."""
    require("image")
    folder = tmp_path_factory.mktemp("cache")
    (folder / "images").symlink_to(cache_dir() / "images")
    return folder


@pytest.fixture
def use_own_cache(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(own_cache))
    return own_cache


def build_example(out: Path, board: str = "corstone300", **options: object) -> BuildResult:
    model = read_model(example_model("ecg"))
    request = BuildRequest(model=model, board_id=board, out=out, **options)
    return build_project(request)
