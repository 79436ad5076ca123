"""Plain aligned text tables, no wider than a terminal of 100 columns needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.model.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        title: Heading.
        is_number: Right-aligned.
        max_width: Longer cells are cut and end in "~"; None for no limit.
    """

    title: str
    is_number: bool = False
    max_width: int | None = None


def render_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    indent: int = 2,
    style: Callable[[int, str, str], str] | None = None,
) -> list[str]:
    """Lines of a table with a heading.

    Args:
        columns: The columns.
        rows: Cells; as many in each row as there are columns.
        indent: Spaces before each line.
        style: Called with column number, raw cell and padded cell; returns the cell to print, so
            that colours do not count as width.
    """
    cells = [
        [_cut(cell, column.max_width) for cell, column in zip(row, columns, strict=True)]
        for row in rows
    ]
    titles = [column.title for column in columns]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    lines = []
    for row in (titles, *cells):
        padded = []
        for position, (cell, column) in enumerate(zip(row, columns, strict=True)):
            width = widths[position]
            text = cell.rjust(width) if column.is_number else cell.ljust(width)
            if style is not None and row is not titles:
                text = style(position, cell, text)
            padded.append(text)
        lines.append((" " * indent + "  ".join(padded)).rstrip())
    return lines


def _cut(text: str, max_width: int | None) -> str:
    text = printable(text)
    if max_width is None or len(text) <= max_width:
        return text
    return text[: max_width - 1] + "~"
