"""Error codes are unique, well-formed, documented, and defined in one place."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import tflm_gen
from tests.support.errors_page import (
    EXIT_MEANINGS,
    PAGE,
    error_classes,
    render_page,
    stray_error_classes,
)
from tflm_gen.errors import TflmGenError


def test_codes_are_unique() -> None:
    counts = Counter(error.code for error in error_classes())
    assert [code for code, n in counts.items() if n > 1] == []


@pytest.mark.parametrize("error", error_classes(), ids=lambda e: e.__name__)
def test_error_is_well_formed(error: type[TflmGenError]) -> None:
    assert re.fullmatch(r"TG[1-6]\d\d", error.code)
    assert error.exit_code in EXIT_MEANINGS
    assert error.__name__.endswith("Error")
    assert error.__doc__ != TflmGenError.__doc__
    raised = error("found 3 bytes", hint="Do that.")
    assert (str(raised), raised.hint) == ("found 3 bytes", "Do that.")


def test_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_page(), (
        "run: python -m tests.support.errors_page"
    )


def test_errors_are_defined_in_one_place() -> None:
    assert stray_error_classes(Path(tflm_gen.__file__).parent) == []


def test_stray_error_rule_bites(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "from tflm_gen.errors import ModelFileError, TflmGenError\n"
        "class MineError(ModelFileError):\n"
        "    pass\n"
        "def f():\n"
        "    raise TflmGenError('x', hint='y')\n"
    )
    assert stray_error_classes(tmp_path) == [
        "a.py:2: class MineError",
        "a.py:5: raises the base class",
    ]
