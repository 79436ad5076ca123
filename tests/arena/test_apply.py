"""``bench --apply``: the arena found on the device goes back into the project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.command_line import run_tool
from tests.support.device_projects import (
    DeviceProject,
    build_device_project,
    qemu_on_a_terminal,
    small_cnn,
)
from tests.support.requirements import require
from tflm_gen.model.reader import read_model
from tflm_gen.project.manifest import check_files, read_manifest

if TYPE_CHECKING:
    from pathlib import Path


def test_the_projects_arena_becomes_the_proven_one(tmp_path: Path) -> None:
    for need in ("cross", "qemu", "image", "oracle"):
        require(need)
    root = tmp_path / "project"
    build_device_project(small_cnn(), "small", root)
    before = read_manifest(root).arena
    document = json.loads(run_tool("bench", str(root), "--runs", "1", "--apply", "--json").stdout)
    manifest = read_manifest(root)
    check_files(root, manifest)
    arena = manifest.arena
    assert document["applied"] == {
        "before_bytes": before.bytes,
        "after_bytes": arena.bytes,
        "is_relinked": True,
    }
    assert (before.basis, arena.basis) == ("unproven", "proven")
    assert arena.bytes == arena.ran_at
    assert arena.failed_at == arena.bytes - 16
    header = (root / "generated" / "arena_config.h").read_text(encoding="utf-8")
    assert f"kArenaBytes = {arena.bytes};" in header
    again = json.loads(run_tool("bench", str(root), "--runs", "1", "--json").stdout)
    assert again["arena"]["reserved_bytes"] == arena.bytes


def test_a_board_on_a_serial_port_measures_its_arena(tmp_path: Path) -> None:
    """As a user does it with a board whose kernels nothing here can run."""
    for need in ("cross", "qemu", "image", "oracle"):
        require(need)
    root = tmp_path / "project"
    model = tmp_path / "small.tflite"
    model.write_bytes(small_cnn(seed=2))
    built = run_tool(
        *("build", str(model), "--board", "corstone300", "--engine", "tflm"),
        *("--probe-arena", "--out", str(root)),
    )
    assert built.exit_code == 0, built.stderr
    before = read_manifest(root).arena
    assert before.basis == "unproven"
    with qemu_on_a_terminal(DeviceProject(root=root, model=read_model(model))) as port:
        said = run_tool("bench", str(root), "--port", port, "--runs", "1", "--apply", "--json")
    assert said.exit_code == 0, said.stderr
    document = json.loads(said.stdout)
    arena = read_manifest(root).arena
    assert (arena.basis, arena.bytes, arena.failed_at) == ("proven", arena.ran_at, arena.bytes - 16)
    assert document["need"]["low_bytes"] == document["need"]["high_bytes"] == arena.bytes
    assert arena.bytes < before.bytes
