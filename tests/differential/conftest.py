"""One firmware for all models of this folder."""

from __future__ import annotations

import pytest

from tests.support.image_bench import ImageBench


@pytest.fixture(scope="session")
def image_bench(tmp_path_factory: pytest.TempPathFactory) -> ImageBench:
    return ImageBench(tmp_path_factory.mktemp("image"))
