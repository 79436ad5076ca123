"""Reads which third-party revisions a tree of TFLM wants, from its own download scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAKE = "tensorflow/lite/micro/tools/make"
SCRIPTS = (
    f"{_MAKE}/download_dependencies.py",
    f"{_MAKE}/third_party_downloads.inc",
    f"{_MAKE}/flatbuffers_download.sh",
    f"{_MAKE}/ext_libs/cmsis_download.sh",
    f"{_MAKE}/ext_libs/cmsis_nn_download.sh",
)
"""The files of upstream that name a download; some revisions have only part of them."""

_URL = re.compile(
    r"https?://github\.com/(?P<owner>[\w.-]+)/(?P<repository>[\w.-]+)/archive/"
    r"(?:refs/tags/)?(?P<revision>\$\{\w+\}|[\w.-]+?)\.(?:zip|tar\.gz)"
)
_ASSIGNMENT = re.compile(r"^\s*(?P<name>\w+)\s*:?=\s*[\"']?(?P<value>[\w.-]+)[\"']?\s*$", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A revision that a script of upstream names.

    Attributes:
        repository: Its URL, without a suffix.
        revision: Commit or tag.
        script: The file that names it.
    """

    repository: str
    revision: str
    script: str


def parse_pins(text: str, *, script: str) -> Mapping[str, Pin]:
    """Downloads from GitHub that a script names, by repository URL in lower case.

    A shell variable in the address is the last value it was given before that line; an address
    whose variable is not set there is left out.
    """
    found: dict[str, Pin] = {}
    for match in _URL.finditer(text):
        revision = match["revision"]
        if revision.startswith("${"):
            values = [
                assignment["value"]
                for assignment in _ASSIGNMENT.finditer(text, 0, match.start())
                if assignment["name"] == revision[2:-1]
            ]
            if not values:
                continue
            revision = values[-1]
        repository = f"https://github.com/{match['owner']}/{match['repository']}"
        found[repository.lower()] = Pin(repository=repository, revision=revision, script=script)
    return found


def read_pins(tree: Path) -> Mapping[str, Pin]:
    """All pins of a tree of TFLM, by repository URL in lower case."""
    found: dict[str, Pin] = {}
    for script in SCRIPTS:
        path = tree / script
        if path.is_file():
            found.update(
                parse_pins(path.read_text(encoding="utf-8", errors="replace"), script=script)
            )
    return found
