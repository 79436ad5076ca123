"""An option that several verbs have is one declaration: the same words, the same values."""

from __future__ import annotations

import importlib

import click
import pytest

from tflm_gen.cli import VERBS

SHARED = ("--records", "--spec", "--json", "--with")


def options(name: str) -> dict[str, click.Option]:
    """Every verb's option of that name."""
    found = {}
    for verb, (module, _) in VERBS.items():
        command = importlib.import_module(module).command
        for parameter in command.params:
            if isinstance(parameter, click.Option) and name in parameter.opts:
                found[verb] = parameter
    return found


def declared(option: click.Option) -> tuple[object, ...]:
    """What a user sees of an option, and where its value goes."""
    return option.name, option.help, option.metavar, option.type.to_info_dict()


@pytest.mark.parametrize("name", SHARED)
def test_one_declaration_for_all_verbs(name: str) -> None:
    found = options(name)
    assert len(found) > 1
    first, *others = found.values()
    for verb, option in found.items():
        assert declared(option) == declared(first), verb
    assert others
    assert first.help


def test_only_quantize_does_without_records() -> None:
    needed = {verb: option.required for verb, option in options("--records").items()}
    assert needed == {"quantize": False, "evaluate": True, "replay": True}
