"""Text that came with a file, made safe to show."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def shortened(text: str, limit: int) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 4]} ..."
