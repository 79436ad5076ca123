"""Text and JSON of ``tflm-gen deps``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.tflm.deps import Dependency

SCHEMA = "tflm-gen/deps/1"


def deps_text(parts: Sequence[Dependency]) -> str:
    """A table of the parts."""
    rows = [
        [part.name, "here" if part.path else "not here", part.purpose, part.licence]
        for part in parts
    ]
    columns = [Column(title=title) for title in ("part", "state", "for", "licence")]
    return "\n".join([*render_table(columns, rows), "", "To fetch one: tflm-gen deps get PART"])


def fetched_text(part: Dependency) -> str:
    """Where a fetched part is."""
    return f"{part.name}: {part.path} ({part.origin}; {part.licence})"


def deps_document(parts: Sequence[Dependency]) -> dict[str, object]:
    """The versioned JSON document."""
    return {
        "schema": SCHEMA,
        "dependencies": [
            {
                "name": part.name,
                "is_here": part.path is not None,
                "path": str(part.path) if part.path else None,
                "purpose": part.purpose,
                "origin": part.origin,
                "licence": part.licence,
            }
            for part in parts
        ],
    }
