"""The example models that ship with the tool."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def list_examples() -> tuple[str, ...]:
    """Names of the examples: folders with a model of the same name."""
    root = resources.examples_dir()
    return tuple(
        sorted(
            path.parent.name for path in root.glob("*/*.tflite") if path.stem == path.parent.name
        )
    )


def example_model(name: str) -> Path:
    """The .tflite file of an example.

    Raises:
        UsageError: If there is no example of that name.
    """
    known = list_examples()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        raise UsageError(
            f"no example {name!r}", hint=f"{guess}There are: {', '.join(known) or 'none'}"
        )
    return resources.examples_dir() / name / f"{name}.tflite"
