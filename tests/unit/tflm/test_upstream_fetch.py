"""Fetching upstream's tree, with real git repositories on this disk in GitHub's place."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import run_tool
from tests.support.programs import check
from tflm_gen.errors import DownloadError, HashMismatchError
from tflm_gen.tflm.upstream.fetch import (
    DEPS_FOLDER,
    LOCK_NAME,
    REPOSITORY,
    fetch_upstream,
    status,
)
from tflm_gen.tflm.upstream.git import fetch_revision
from tflm_gen.tflm.upstream.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

CMSIS_NN = "https://github.com/ARM-software/CMSIS-NN"
SCRIPT = "tensorflow/lite/micro/tools/make/ext_libs/cmsis_nn_download.sh"
HEADER = "tensorflow/lite/micro/micro_interpreter.h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Small repositories with the layout of the real ones."""

    folder: Path
    recipe: Recipe
    origins: Mapping[str, str]
    commits: Mapping[str, str]

    def fetch(self, cache: Path, **changes: object) -> Path:
        recipe = replace(self.recipe, **changes)  # type: ignore[arg-type]
        return fetch_upstream(cache, origins=self.origins, recipe=recipe)


def commit(folder: Path, files: Mapping[str, str]) -> str:
    """Add files to a repository, made if needed; the new commit's id."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").is_dir():
        check("git", "init", "--quiet", folder)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    check("git", "-C", folder, "add", "--all")
    check("git", "-C", folder, *identity, "commit", "--quiet", "--message", "files")
    return check("git", "-C", folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """One repository for TFLM and one for each part of the recipe."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    recipe = load_recipe()
    commits: dict[str, str] = {}
    origins: dict[str, str] = {}
    parts = []
    for part in recipe.third_party:
        folder = tmp_path / "mirror" / part.name
        commits[part.name] = commit(folder, {part.marker: "one\n", "notes.txt": "one\n"})
        origins[part.repository] = str(folder)
        parts.append(replace(part, revision=commits[part.name]))
    script = (
        f'ZIP_PREFIX_NN="{commits["cmsis_nn"]}"\n'
        f'CMSIS_NN_URL="{CMSIS_NN.lower()}/archive/${{ZIP_PREFIX_NN}}.zip"\n'
    )
    tflm = tmp_path / "mirror" / "tflm"
    commits["tflm"] = commit(
        tflm, {HEADER: "// interpreter\n", SCRIPT: script, "unused/data.bin": "x\n"}
    )
    origins[REPOSITORY] = str(tflm)
    return Mirror(
        folder=tmp_path / "mirror",
        recipe=replace(recipe, tflm_commit=commits["tflm"][:7], third_party=tuple(parts)),
        origins=origins,
        commits=commits,
    )


def test_a_complete_tree_with_its_lock_file(mirror: Mirror, tmp_path: Path) -> None:
    tree = mirror.fetch(tmp_path / "cache")
    assert (tree / HEADER).is_file()
    assert not (tree / "unused").exists()
    assert not list(tree.rglob(".git"))
    lock = json.loads((tree / LOCK_NAME).read_text())
    assert lock["commit"] == mirror.commits["tflm"]
    for entry in lock["third_party"]:
        assert entry["commit"] == mirror.commits[entry["name"]]
        folder = mirror.folder / entry["name"]
        assert entry["tree"] == check("git", "-C", folder, "rev-parse", "HEAD^{tree}").strip()
    needed = {part.name: part for part in mirror.recipe.third_party if part.needed_for}
    assert {entry["name"] for entry in lock["third_party"]} == set(needed)
    for name, part in needed.items():
        assert (tree / DEPS_FOLDER / name / part.marker).is_file()


def test_the_second_time_nothing_is_fetched(mirror: Mirror, tmp_path: Path) -> None:
    tree = mirror.fetch(tmp_path / "cache")
    assert status(tmp_path / "cache", recipe=mirror.recipe) == tree
    again = fetch_upstream(tmp_path / "cache", origins={REPOSITORY: "x"}, recipe=mirror.recipe)
    assert again == tree


def test_upstream_s_script_decides_the_revision(mirror: Mirror, tmp_path: Path) -> None:
    newer = commit(mirror.folder / "cmsis_nn", {"notes.txt": "two\n"})
    script = (mirror.folder / "tflm" / SCRIPT).read_text()
    changed = script.replace(mirror.commits["cmsis_nn"], newer)
    tflm = commit(mirror.folder / "tflm", {SCRIPT: changed})
    tree = mirror.fetch(tmp_path / "cache", tflm_commit=tflm[:7])
    assert (tree / DEPS_FOLDER / "cmsis_nn" / "notes.txt").read_text() == "two\n"
    (entry,) = (
        part
        for part in json.loads((tree / LOCK_NAME).read_text())["third_party"]
        if part["name"] == "cmsis_nn"
    )
    assert entry["named_by"] == SCRIPT
    assert entry["commit"] == newer
    assert entry["recipe_revision"] == mirror.commits["cmsis_nn"]


def test_upstream_s_patch_is_applied(mirror: Mirror, tmp_path: Path) -> None:
    (part,) = (part for part in mirror.recipe.third_party if part.name == "flatbuffers")
    patch = (
        "diff --git a/notes.txt b/notes.txt\n--- a/notes.txt\n+++ b/notes.txt\n"
        "@@ -1 +1 @@\n-one\n+patched\n"
    )
    name = "third_party/flatbuffers.patch"
    tflm = commit(mirror.folder / "tflm", {name: patch})
    parts = tuple(
        replace(other, patch=name) if other is part else other
        for other in mirror.recipe.third_party
    )
    tree = mirror.fetch(tmp_path / "cache", tflm_commit=tflm[:7], third_party=parts)
    assert (tree / DEPS_FOLDER / "flatbuffers" / "notes.txt").read_text() == "patched\n"


def test_an_interrupted_fetch_is_not_taken_for_a_tree(mirror: Mirror, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    half = cache / "tflm" / mirror.recipe.tflm_commit
    half.mkdir(parents=True)
    (half / "half").write_text("")
    assert status(cache, recipe=mirror.recipe) is None
    tree = mirror.fetch(cache)
    assert tree == half
    assert not (tree / "half").exists()


def test_a_failed_fetch_leaves_nothing(mirror: Mirror, tmp_path: Path) -> None:
    origins = {**mirror.origins, CMSIS_NN: str(tmp_path / "nowhere")}
    cache = tmp_path / "cache"
    with pytest.raises(DownloadError, match="cannot fetch cmsis_nn") as caught:
        fetch_upstream(cache, origins=origins, recipe=mirror.recipe)
    assert caught.value.exit_code == 3
    assert "--tflm-dir" in caught.value.hint
    assert not list((cache / "tflm").iterdir())


def test_an_unknown_commit_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        mirror.fetch(tmp_path / "cache", tflm_commit="0123456")


def test_a_branch_of_that_name_is_not_the_commit(mirror: Mirror, tmp_path: Path) -> None:
    """Git resolves a name before it tries an abbreviated id."""
    check("git", "-C", mirror.folder / "tflm", "tag", "0badbee")
    with pytest.raises(HashMismatchError, match="for 0badbee"):
        mirror.fetch(tmp_path / "cache", tflm_commit="0badbee")


def test_a_layout_that_changed_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    parts = tuple(replace(part, marker="moved.h") for part in mirror.recipe.third_party)
    with pytest.raises(DownloadError, match=r"has no moved\.h"):
        mirror.fetch(tmp_path / "cache", third_party=parts)


def test_a_server_that_sends_another_commit(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = mirror.commits["cmsis"]
    monkeypatch.setattr("tflm_gen.tflm.upstream.git.object_id", lambda *_, **__: "0" * 40)
    with pytest.raises(HashMismatchError, match=f"gave commit {'0' * 40} for {sent}"):
        fetch_revision(
            str(mirror.folder / "cmsis"), sent, folder=tmp_path / "part", purpose="fetch it"
        )


def test_without_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that no resolver knows, as GitHub's without a network."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    with pytest.raises(DownloadError) as caught:
        fetch_upstream(tmp_path, origins={REPOSITORY: "https://tflite-micro.invalid/x"})
    assert caught.value.exit_code == 3
    assert "TFLM_GEN_TFLM_DIR" in caught.value.hint


def test_the_command_without_github_exits_3_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine without a network: git is told to look for GitHub on this disk."""
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{tmp_path}/nowhere/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    result = run_tool("deps", "get", "tflm")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-2].startswith("error[TG302]: cannot fetch TFLM: ")
    assert "docs/tflm-sources.md" in result.stderr.splitlines()[-1]
    assert not list((tmp_path / "cache" / "tflm").iterdir())
