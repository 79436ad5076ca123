"""The one Jinja2 environment, and the text forms that keep facts from breaking C++."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING

from tflm_gen import resources

if TYPE_CHECKING:
    from pathlib import Path

    import jinja2
    from _typeshed import DataclassInstance

_PRINTABLE = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\?')


def c_string(text: str) -> str:
    """A C++ string literal, with its quotes, for any text.

    Everything but plain ASCII becomes an octal escape of three digits, which no following
    character can lengthen; so does "?", because of trigraphs.
    """
    body = "".join(
        chr(byte) if byte in _PRINTABLE else f"\\{byte:03o}" for byte in text.encode("utf-8")
    )
    return f'"{body}"'


def comment_text(text: str) -> str:
    """Text that can stand in a // comment: printable ASCII, and no backslash to join lines."""
    return "".join(
        char if 0x20 <= ord(char) < 0x7F and char != "\\" else "_" for char in text
    ).rstrip()


def cmake_string(text: str) -> str:
    """A quoted CMake argument whose value is the text; ";" stays and separates list items."""
    escaped = "".join(f"\\{char}" if char in '\\"$' else char for char in text)
    return f'"{escaped}"'


@cache
def make_environment(templates: Path) -> jinja2.Environment:
    """The environment of all templates: a missing fact is an error, never an empty string."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["c_string"] = c_string
    environment.filters["cmake_string"] = cmake_string
    environment.filters["comment"] = comment_text
    return environment


def render(template: str, context: DataclassInstance) -> bytes:
    """Fill a template of ``firmware_templates/generated`` with a context record.

    Args:
        template: File name of the template, with ``.j2``.
        context: A dataclass of :mod:`tflm_gen.project.context`.
    """
    folder = resources.firmware_templates_dir() / "generated"
    fields = {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}
    return make_environment(folder).get_template(template).render(fields).encode("utf-8")
