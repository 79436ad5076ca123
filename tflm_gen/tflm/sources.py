"""Where the TFLM that is linked comes from: Arm's image, the wheel's library, or an own tree."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.errors import UsageError
from tflm_gen.tflm import image
from tflm_gen.tflm.source_facts import SOURCES, SourceFacts

if TYPE_CHECKING:
    from tflm_gen.board_spec import TflmSourceId

TREE_VARIABLE = "TFLM_GEN_TFLM_DIR"
TREE_MARK = "tensorflow/lite/micro/micro_interpreter.h"


@dataclass(frozen=True, slots=True, kw_only=True)
class TflmSource:
    """A TFLM source that is here.

    Attributes:
        facts: What is known of it.
        path: The image, or the library.
        sha256: Hash of that file.
    """

    facts: SourceFacts
    path: Path
    sha256: str


def find_source(source_id: TflmSourceId, *, tflm_dir: Path | None = None) -> TflmSource | None:
    """The source, if it can be linked right now; never touches the network.

    Args:
        source_id: Which one.
        tflm_dir: An own tree of upstream's sources; by default that of ``TFLM_GEN_TFLM_DIR``,
            else the one in the cache.

    Raises:
        UsageError: If an own tree is named that is no TFLM tree.
    """
    facts = SOURCES[source_id]
    if facts.is_fetched_by_build:
        return None
    if source_id == "upstream":
        tree = find_tree(tflm_dir)
        return TflmSource(facts=facts, path=tree, sha256=tree_digest(tree)) if tree else None
    path = (
        image.find_image(image.IMAGE) if source_id == "corstone300_image" else find_wheel_library()
    )
    if path is None:
        return None
    return TflmSource(facts=facts, path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def find_tree(tflm_dir: Path | None) -> Path | None:
    """An own tree of TFLM's sources: the one named, that of the environment, or the cached one.

    Raises:
        UsageError: If the tree that is named has no TFLM in it.
    """
    named = tflm_dir or (Path(value) if (value := os.environ.get(TREE_VARIABLE)) else None)
    if named is not None:
        if not (named / TREE_MARK).is_file():
            raise UsageError(
                f"{named} is no tree of TFLM's sources: it has no {TREE_MARK}",
                hint=f"Name the top folder of tflite-micro: --tflm-dir DIR or {TREE_VARIABLE}.",
            )
        return named.resolve()
    from tflm_gen.tflm.upstream.fetch import status

    return status(resources.cache_dir())


def tree_digest(tree: Path) -> str:
    """Hash over the C and C++ sources of a tree, by relative path."""
    digest = hashlib.sha256()
    for path in sorted((tree / "tensorflow").rglob("*")):
        if path.suffix in {".h", ".c", ".cc"} and path.is_file():
            data = path.read_bytes()
            digest.update(f"{path.relative_to(tree)}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()


def find_wheel_library() -> Path | None:
    """The tflite-micro wheel's shared object, found without importing it."""
    spec = importlib.util.find_spec("tflite_micro")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(location) / "python" / "tflite_micro" / "_runtime.so"
        if path.is_file():
            return path
    return None
