"""``deps get tflm``: upstream TFLM and its third-party parts, checked by git's object ids, cached.

TFLM comes at the commit that the pinned ``tflite-micro`` wheel names. The third-party parts come
at the revisions that the fetched tree's own scripts name; where they differ from those the recipe
was read with, the tree wins and the lock file says so.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.errors import DownloadError, HashMismatchError
from tflm_gen.tflm.upstream.git import fetch_revision, git, object_id
from tflm_gen.tflm.upstream.pins import read_pins
from tflm_gen.tflm.upstream.recipe import load_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tflm_gen.tflm.upstream.pins import Pin
    from tflm_gen.tflm.upstream.recipe import Recipe, ThirdParty

REPOSITORY = "https://github.com/tensorflow/tflite-micro"
LOCK_NAME = "tflm-gen-lock.json"
DEPS_FOLDER = "third_party_deps"
# What a build reads of TFLM; the rest of the repository is data and other platforms.
_FOLDERS = ("signal", "tensorflow/compiler", "tensorflow/lite", "third_party")


def status(cache_dir: Path, *, recipe: Recipe | None = None) -> Path | None:
    """The fetched tree, or None if it is not here or not complete."""
    folder = _tree_folder(cache_dir, recipe or load_recipe())
    return folder if (folder / LOCK_NAME).is_file() else None


def _tree_folder(cache_dir: Path, recipe: Recipe) -> Path:
    return cache_dir / "tflm" / recipe.tflm_commit


def fetch_upstream(
    cache_dir: Path,
    progress: Callable[[str], None] = lambda text: None,
    *,
    origins: Mapping[str, str] | None = None,
    recipe: Recipe | None = None,
) -> Path:
    """Fetch TFLM's source tree, or confirm that it is here.

    Args:
        cache_dir: The tool's cache folder.
        progress: Called with one line a step.
        origins: Other addresses for repositories, by the address the recipe names (a mirror).
        recipe: What to fetch, if not the recipe that ships with the tool.

    Raises:
        MissingToolError: If git is not installed.
        DownloadError: If something cannot be fetched.
        HashMismatchError: If git's ids are not the pinned ones.
    """
    wanted = recipe or load_recipe()
    here = status(cache_dir, recipe=wanted)
    if here is not None:
        return here
    final = _tree_folder(cache_dir, wanted)
    final.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".tflm-", dir=final.parent))
    try:
        tree = staging / "tree"
        lock = _fetch_into(tree, wanted, progress, origins or {})
        (tree / LOCK_NAME).write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(final, ignore_errors=True)  # An incomplete one: it has no lock file.
        tree.rename(final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return final


def _fetch_into(
    tree: Path,
    recipe: Recipe,
    progress: Callable[[str], None],
    origins: Mapping[str, str],
) -> dict[str, object]:
    """Fetch everything; returns what the lock file says."""
    progress(f"TFLM {recipe.tflm_commit} from {origins.get(REPOSITORY, REPOSITORY)}")
    commit = _clone_tflm(tree, origins.get(REPOSITORY, REPOSITORY), recipe.tflm_commit)
    source_tree = object_id("HEAD^{tree}", folder=tree)
    shutil.rmtree(tree / ".git")
    pins = read_pins(tree)
    parts = [
        _fetch_part(part, pins.get(part.repository.lower()), tree, progress, origins)
        for part in recipe.third_party
        if part.needed_for or part.repository.lower() in pins
    ]
    return {
        "schema_version": 1,
        "repository": REPOSITORY,
        "commit": commit,
        "tree": source_tree,
        "third_party": parts,
    }


def _clone_tflm(tree: Path, repository: str, commit: str) -> str:
    """Clone without file contents, find the commit by its short id, then fetch its files."""
    purpose = "fetch TFLM"
    tree.parent.mkdir(parents=True, exist_ok=True)
    git(
        *("clone", "--quiet", "--filter=blob:none", "--no-checkout", repository, str(tree)),
        folder=tree.parent,
        purpose=purpose,
        is_remote=True,
    )
    found = object_id(f"{commit}^{{commit}}", folder=tree)
    if not found.startswith(commit):
        raise HashMismatchError(
            f"{repository} gave commit {found} for {commit}",
            hint="The repository is not tensorflow/tflite-micro; do not use it.",
        )
    git("sparse-checkout", "set", *_FOLDERS, folder=tree, purpose=purpose)
    git(
        *("checkout", "--quiet", "--detach", found),
        folder=tree,
        purpose=purpose,
        is_remote=True,
    )
    return found


def _fetch_part(
    part: ThirdParty,
    pin: Pin | None,
    tree: Path,
    progress: Callable[[str], None],
    origins: Mapping[str, str],
) -> dict[str, object]:
    """Fetch one third-party part; returns its entry in the lock file."""
    revision = pin.revision if pin is not None else part.revision
    origin = origins.get(part.repository, part.repository)
    progress(f"{part.name} {revision} from {origin}")
    folder = tree / DEPS_FOLDER / part.name
    commit = fetch_revision(origin, revision, folder=folder, purpose=f"fetch {part.name}")
    if not (folder / part.marker).is_file():
        raise DownloadError(
            f"{part.name} at {revision} has no {part.marker}",
            hint="Its layout has changed; fetch the revision that docs/tflm-sources.md names.",
        )
    patch = tree / part.patch if part.patch else None
    if patch is not None and patch.is_file():
        git("apply", "--ignore-whitespace", str(patch), folder=folder, purpose=f"patch {part.name}")
    entry: dict[str, object] = {
        "name": part.name,
        "repository": part.repository,
        "revision": revision,
        "commit": commit,
        "tree": object_id("HEAD^{tree}", folder=folder),
        "named_by": pin.script if pin is not None else "tflm-gen's recipe",
        "recipe_revision": part.revision,
        "patched_with": part.patch if patch is not None and patch.is_file() else None,
    }
    shutil.rmtree(folder / ".git")
    return entry
