"""The parts of ``tflm-gen deps``: names, states, and how each is fetched."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.errors import UsageError
from tflm_gen.tflm.image import IMAGES, PACKAGE, PACKAGE_VERSION, fetch_image, find_image
from tflm_gen.tflm.source_facts import UPSTREAM_COMMIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tflm_gen.tflm.image import ImagePin

TREE_NAME = "tflm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A part that ``deps get`` fetches.

    Attributes:
        name: Its name on the command line.
        purpose: What it is for.
        origin: Where it comes from.
        licence: Its licence.
        path: Where it is, or None if it is not here.
    """

    name: str
    purpose: str
    origin: str
    licence: str
    path: Path | None


def list_dependencies() -> tuple[Dependency, ...]:
    """All parts, with whether they are here."""
    from tflm_gen.tflm.upstream.fetch import status

    images = (_image_dependency(pin, find_image(pin)) for pin in IMAGES)
    return (*images, _tree_dependency(status(resources.cache_dir())))


def get_dependency(name: str, on_step: Callable[[str], None] = lambda _: None) -> Dependency:
    """Fetch a part, or confirm that it is here.

    Args:
        name: Its name.
        on_step: Told what is fetched just now.

    Raises:
        UsageError: If there is no part of that name.
        DownloadError: If it cannot be downloaded.
        HashMismatchError: If the download is not the pinned one.
    """
    pins = {pin.dependency: pin for pin in IMAGES}
    if name in pins:
        on_step(f"download {PACKAGE} {PACKAGE_VERSION}")
        return _image_dependency(pins[name], fetch_image(pins[name]))
    if name == TREE_NAME:
        from tflm_gen.tflm.upstream.fetch import fetch_upstream

        return _tree_dependency(fetch_upstream(resources.cache_dir(), on_step))
    known = [*pins, TREE_NAME]
    near = difflib.get_close_matches(name, known, n=1)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    raise UsageError(
        f"no dependency {name!r}; there are: {', '.join(known)}",
        hint=f"{guess}See: tflm-gen deps list",
    )


def _image_dependency(pin: ImagePin, path: Path | None) -> Dependency:
    return Dependency(
        name=pin.dependency,
        purpose=pin.purpose,
        origin=f"PyPI {PACKAGE} {PACKAGE_VERSION}, without its dependencies",
        licence="Apache-2.0 and BSD-3-Clause",
        path=path,
    )


def _tree_dependency(path: Path | None) -> Dependency:
    return Dependency(
        name=TREE_NAME,
        purpose="TFLM's C++ sources with CMSIS-NN, for boards without a prebuilt TFLM",
        origin=f"GitHub tensorflow/tflite-micro at {UPSTREAM_COMMIT}, and what it downloads",
        licence="Apache-2.0 and others",
        path=path,
    )
