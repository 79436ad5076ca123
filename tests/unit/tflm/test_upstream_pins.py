"""What upstream's own scripts say about third-party revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.tflm.upstream.pins import SCRIPTS, Pin, parse_pins, read_pins

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "22080c68d040c98139e6cb1549473e3149735f4d"
SHELL = f"""
ZIP_PREFIX_NN="deadbeef"
ZIP_PREFIX_NN="{COMMIT}"
CMSIS_NN_URL="http://github.com/ARM-software/CMSIS-NN/archive/${{ZIP_PREFIX_NN}}.zip"
CMSIS_NN_MD5="e6d0e8a4f0d1c1f0a2a3"
"""
PYTHON = """
_DEPENDENCIES = [
    Archive(url="https://github.com/google/flatbuffers/archive/refs/tags/v25.9.23.zip", sha256="x"),
    Archive(url='https://github.com/mborgerding/kissfft/archive/v130.tar.gz'),
]
"""


def test_shell_variables_have_their_last_value() -> None:
    repository = "https://github.com/ARM-software/CMSIS-NN"
    assert parse_pins(SHELL, script="s") == {
        repository.lower(): Pin(repository=repository, revision=COMMIT, script="s")
    }


def test_a_variable_set_later_does_not_count() -> None:
    reordered = "\n".join(reversed(SHELL.splitlines()))
    assert parse_pins(reordered, script="s") == {}


def test_tags_and_archives() -> None:
    pins = parse_pins(PYTHON, script="s")
    assert {url.rsplit("/")[-1]: pin.revision for url, pin in pins.items()} == {
        "flatbuffers": "v25.9.23",
        "kissfft": "v130",
    }


def test_a_tree_is_read_as_far_as_it_has_the_scripts(tmp_path: Path) -> None:
    assert read_pins(tmp_path) == {}
    script = tmp_path / SCRIPTS[-1]
    script.parent.mkdir(parents=True)
    script.write_text(SHELL)
    (pin,) = read_pins(tmp_path).values()
    assert pin.revision == COMMIT
    assert pin.script == SCRIPTS[-1]
