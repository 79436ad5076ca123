from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path, PurePosixPath

import pytest

from tests.support.projects import spec_for
from tflm_gen.errors import NotAProjectError, ProjectModifiedError
from tflm_gen.memory_plan import plan_memory, unproven_arena
from tflm_gen.project.manifest import MANIFEST_NAME, check_files, parse_manifest, read_manifest
from tflm_gen.project.manifest_plan import ManifestInputs, plan_manifest
from tflm_gen.project.plan import plan_project
from tflm_gen.project.writer import write_files
from tflm_gen.tflm.source_facts import Reasoned
from tflm_gen.toolchain.elf_size import FirmwareSizes

SIZES = FirmwareSizes(
    image_flash=600, image_ram=60, model_flash=50, code_flash=40, data_ram=30, stack_ram=20,
    arena_ram=10,
)  # fmt: skip


def manifest_for(board: str = "corstone300", *, is_linked: bool = True):
    spec = spec_for(board)
    arena = unproven_arena(4096)
    files = dict(plan_project(spec, arena_bytes=4096, arena_basis="x").files)
    if is_linked:
        files[PurePosixPath("out/tflm/firmware.elf")] = b"elf"
    return plan_manifest(
        ManifestInputs(
            spec=spec,
            reasons=(Reasoned(what="engine", choice="tflm", reason="a test"),),
            source_sha256="ab" * 32 if is_linked else None,
            arena=arena,
            plan=plan_memory(board=spec.board, model_bytes=10, arena=arena),
            files=files,
            sizes=SIZES if is_linked else None,
            compiler="gcc 1" if is_linked else None,
            cmake="cmake 1" if is_linked else None,
            warnings=("careful",),
        )
    ), files


def test_manifest_reads_back_what_was_written(tmp_path: Path) -> None:
    manifest, files = manifest_for()
    write_files(tmp_path, {**files, PurePosixPath(MANIFEST_NAME): manifest.to_bytes()})
    assert read_manifest(tmp_path) == manifest
    check_files(tmp_path, manifest)


def test_manifest_has_every_key_of_the_contract() -> None:
    keys = set(json.loads(manifest_for()[0].to_bytes()))
    assert keys >= {
        *("schema_version", "tool", "model", "cleaned_model", "board", "engine", "kernels"),
        *("tflm", "arena", "memory", "operators", "toolchain", "files", "warnings", "decisions"),
    }


def test_linked_firmware_and_image_are_told_apart() -> None:
    manifest, _ = manifest_for()
    assert manifest.linked is not None
    assert manifest.linked.elf == "out/tflm/firmware.elf"
    assert manifest.linked.hex is None
    assert (manifest.memory.image_flash_bytes, manifest.memory.code_flash_bytes) == (600, 40)


def test_nothing_linked_is_said() -> None:
    manifest, _ = manifest_for(is_linked=False)
    assert manifest.linked is None
    assert manifest.toolchain is None
    assert manifest.memory.code_flash_bytes is None
    assert manifest.tflm.source_sha256 is None


def test_file_hashes_are_right() -> None:
    manifest, files = manifest_for()
    assert manifest.files == {
        str(path): hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())
    }


def test_every_decision_has_a_reason() -> None:
    decisions = manifest_for()[0].decisions
    assert {item.what for item in decisions} >= {"engine", "tflm", "operators", "arena"}
    assert all(item.choice and item.reason for item in decisions)


def test_changed_and_missing_files_are_named(tmp_path: Path) -> None:
    manifest, files = manifest_for()
    write_files(tmp_path, files)
    (tmp_path / "CMakeLists.txt").write_text("other")
    (tmp_path / "README.md").unlink()
    with pytest.raises(ProjectModifiedError) as caught:
        check_files(tmp_path, manifest)
    assert "2 of" in caught.value.message
    assert "CMakeLists.txt (changed)" in caught.value.message
    assert "README.md (missing)" in caught.value.message


def test_folder_without_manifest_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(NotAProjectError, match=r"no readable manifest\.json"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("change", [{"schema_version": 2}, {"extra": 1}, {"files": {"a": "b"}}])
def test_another_manifest_is_refused_by_key(change: dict[str, object]) -> None:
    raw = {**json.loads(manifest_for()[0].to_bytes()), **change}
    with pytest.raises(NotAProjectError, match=next(iter(change))):
        parse_manifest(json.dumps(raw).encode(), "m")


def test_half_a_manifest_is_refused() -> None:
    data = manifest_for()[0].to_bytes()
    with pytest.raises(NotAProjectError):
        parse_manifest(data[: len(data) // 2], "m")


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\x", "..\\x"])
@pytest.mark.parametrize("key", ["files", "elf", "model"])
def test_path_out_of_the_project_is_refused(path: str, key: str) -> None:
    raw = json.loads(manifest_for()[0].to_bytes())
    if key == "files":
        raw["files"] = {path: "0" * 64}
    elif key == "model":
        raw["model"]["file"] = path
    else:
        raw["linked"] = {**(raw["linked"] or {}), "elf": path}
    with pytest.raises(NotAProjectError, match="leads out of the project"):
        parse_manifest(json.dumps(raw).encode(), "m")


def test_manifest_that_is_a_pipe_or_without_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(NotAProjectError, match=r"no readable manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").write_bytes(b" ")
    os.truncate(tmp_path / "manifest.json", 600_000_000)
    with pytest.raises(NotAProjectError, match=r"no readable manifest\.json"):
        read_manifest(tmp_path)


def test_file_that_became_a_pipe_counts_as_missing(tmp_path: Path) -> None:
    manifest, files = manifest_for()
    write_files(tmp_path, files)
    (tmp_path / "README.md").unlink()
    os.mkfifo(tmp_path / "README.md")
    with pytest.raises(ProjectModifiedError, match=r"README\.md \(missing\)"):
        check_files(tmp_path, manifest)
