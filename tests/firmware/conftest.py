from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support import corstone_firmware as corstone
from tests.support.device_projects import small_cnn
from tests.support.requirements import require
from tflm_gen.tflm.image import IMAGE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.corstone_firmware import CorstoneFirmware


@pytest.fixture(scope="session")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> CorstoneFirmware:
    """A small network, linked with the optimised image."""
    for need in ("cross", "image", "oracle"):
        require(need)
    root = tmp_path_factory.mktemp("corstone") / "p"
    built = corstone.write_project(corstone.image_spec(small_cnn()), root)
    corstone.build_project(root, IMAGE)
    return built


@pytest.fixture
def copy(firmware: CorstoneFirmware, tmp_path: Path) -> CorstoneFirmware:
    """The project without its build, to be changed."""
    root = tmp_path / "p"
    shutil.copytree(firmware.root, root, ignore=shutil.ignore_patterns("out"))
    return replace(firmware, root=root)
