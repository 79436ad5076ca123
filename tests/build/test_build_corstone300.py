"""The example on corstone300, built for real: image, compiler, QEMU."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.build.conftest import build_example
from tflm_gen.arena_model import choice
from tflm_gen.project import plan
from tflm_gen.project.manifest import check_files, read_manifest
from tflm_gen.tflm.image import IMAGE

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = [pytest.mark.cross, pytest.mark.qemu, pytest.mark.image, pytest.mark.oracle]


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def count_calls(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[str]:
    """Grows by one with each call of a module's function, which does what it did."""
    function, calls = getattr(module, name), []

    def counted(*args: object, **options: object) -> object:
        calls.append(name)
        return function(*args, **options)

    monkeypatch.setattr(module, name, counted)
    return calls


@pytest.mark.usefixtures("use_own_cache")
def test_a_repeated_build_is_taken_from_the_cache_and_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as counting:
        estimates = count_calls(counting, choice, "estimate_arena")
        plans = count_calls(counting, plan, "_static_files")
        first = build_example(tmp_path / "one")
        # Search floor, guess and overlap read one estimate; one plan is built and then written.
        assert (len(estimates), len(plans)) == (1, 1)
    again = build_example(tmp_path / "two")
    fresh = build_example(tmp_path / "three", use_cache=False)
    assert [r.is_from_cache for r in (first, again, fresh)] == [False, True, False]
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert tree(tmp_path / "one") == tree(tmp_path / "three")


@pytest.mark.usefixtures("use_own_cache")
def test_manifest_tells_what_was_built(tmp_path: Path) -> None:
    build_example(tmp_path / "p")
    manifest = read_manifest(tmp_path / "p")
    check_files(tmp_path / "p", manifest)
    arena = manifest.arena
    assert arena.basis == "proven"
    assert arena.bytes == arena.ran_at
    assert arena.failed_at == arena.bytes - 16
    assert manifest.linked is not None
    assert (tmp_path / "p" / manifest.linked.elf).is_file()
    assert manifest.memory.image_flash_bytes is not None
    assert manifest.memory.image_flash_bytes > 100_000
    assert manifest.memory.code_flash_bytes is not None
    assert 1_000 < manifest.memory.code_flash_bytes < 65_536
    assert manifest.tflm.source_sha256 == IMAGE.sha256
    assert not manifest.warnings
    assert not (tmp_path / "p/out/tflm/build").exists()


@pytest.mark.usefixtures("use_own_cache")
def test_project_builds_by_hand_without_python(tmp_path: Path) -> None:
    build_example(tmp_path / "p")
    expected = (tmp_path / "p/out/tflm/firmware.elf").read_bytes()
    moved = tmp_path / "elsewhere" / "q"
    moved.parent.mkdir()
    shutil.copytree(tmp_path / "p", moved)
    shutil.rmtree(moved / "out")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("cmake", "ninja", "sh", *_compiler_programs()):
        found = shutil.which(name)
        assert found is not None, name
        (tools / name).symlink_to(found)
    env = {"PATH": str(tools), "HOME": os.environ.get("HOME", "/")}
    build = moved / "out/tflm/build"
    configure = ["cmake", "-S", moved, "-B", build, "-G", "Ninja", f"-DTFLM_IMAGE={IMAGE.path}"]
    for command in (configure, ["cmake", "--build", build, "--parallel", "2"]):
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert shutil.which("python3", path=str(tools)) is None
    assert (moved / "out/tflm/firmware.elf").read_bytes() == expected


def _compiler_programs() -> list[str]:
    names = ("g++", "gcc", "as", "ld", "objcopy", "objdump", "ar", "ranlib", "nm", "strip", "size")
    programs = [f"arm-none-eabi-{name}" for name in names]
    return [name for name in programs if shutil.which(name)]


@pytest.mark.usefixtures("use_own_cache")
def test_largest_arena_is_not_called_proven(tmp_path: Path) -> None:
    result = build_example(tmp_path / "p", arena_mode="largest")
    assert result.manifest.arena.basis == "unproven"
    assert result.manifest.arena.bytes > 1_000_000
    text = (tmp_path / "p/generated/arena_config.h").read_text()
    assert f"kArenaBytes = {result.manifest.arena.bytes};" in text


@pytest.mark.usefixtures("use_own_cache")
def test_nothing_is_linked_on_request(tmp_path: Path) -> None:
    result = build_example(tmp_path / "p", is_linked=False)
    assert result.manifest.linked is None
    assert result.manifest.arena.basis == "modelled"
    assert not (tmp_path / "p/out").exists()
    check_files(tmp_path / "p", result.manifest)
