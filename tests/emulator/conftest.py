from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.device_projects import (
    LOCKUP,
    SILENT,
    DeviceProject,
    assemble,
    build_device_project,
    small_cnn,
)
from tests.support.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.runner.session import DeviceSession


@pytest.fixture(scope="session")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> DeviceProject:
    """A small model's firmware for corstone300."""
    for need in ("cross", "qemu", "image", "oracle"):
        require(need)
    return build_device_project(small_cnn(), "small_cnn", tmp_path_factory.mktemp("cnn") / "p")


@pytest.fixture
def session(cnn: DeviceProject) -> Iterator[DeviceSession]:
    """A connected device."""
    with cnn.open() as opened:
        opened.connect()
        yield opened


@pytest.fixture(scope="session")
def silent(cnn: DeviceProject, tmp_path_factory: pytest.TempPathFactory) -> DeviceProject:
    """A project whose firmware never says a word."""
    folder = tmp_path_factory.mktemp("silent")
    return cnn.copy_with_elf(folder / "p", assemble(SILENT, folder / "silent.elf"))


@pytest.fixture(scope="session")
def lockup(cnn: DeviceProject, tmp_path_factory: pytest.TempPathFactory) -> DeviceProject:
    """A project whose firmware locks the CPU up."""
    folder = tmp_path_factory.mktemp("lockup")
    return cnn.copy_with_elf(folder / "p", assemble(LOCKUP, folder / "lockup.elf"))
