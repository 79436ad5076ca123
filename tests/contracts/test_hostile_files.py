"""Files that mean harm: one line, exit code 2, bounded memory, and nothing left behind."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import pytest

from tests.support.command_line import Result, assert_refused, run_python
from tests.support.small_model import SMALL
from tflm_gen.model.flatbuffer import root_table
from tflm_gen.model.schema import load_schema

# Python with numpy and pydantic takes about a third of it.
MEMORY_BYTES = 1 << 30
PROGRAM = (
    "import resource, sys\n"
    f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))\n"
    "from tflm_gen.cli import main\n"
    "main(sys.argv[1:])\n"
)


def run_limited(*arguments: str, cwd: Path) -> Result:
    """Run the tool in so much address space."""
    return run_python("-c", PROGRAM, *arguments, cwd=cwd, timeout_s=60)


def patched(offset: int, value: int) -> bytes:
    data = bytearray(SMALL)
    struct.pack_into("<I", data, offset, value)
    return bytes(data)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 600_000_000)


def sparse_with_identifier(path: Path) -> None:
    path.write_bytes(SMALL)
    os.truncate(path, 600_000_000)


def sparse_below_the_limit(path: Path) -> None:
    """Read whole, and refused for its structure."""
    path.write_bytes(patched(0, 0x7FFFFFF0))
    os.truncate(path, 100_000_000)


def wrong_identifier(path: Path) -> None:
    path.write_bytes(SMALL[:4] + b"TFL9" + SMALL[8:])


def root_beyond_the_end(path: Path) -> None:
    path.write_bytes(patched(0, 0xFFFFFFFF))


def root_that_is_itself(path: Path) -> None:
    path.write_bytes(patched(0, 0))


def table_that_is_its_own_vtable(path: Path) -> None:
    path.write_bytes(patched(root_table(SMALL, load_schema()).pos, 0))


def subgraphs_without_end(path: Path) -> None:
    span = root_table(SMALL, load_schema()).reference_span("subgraphs")
    assert span is not None
    path.write_bytes(patched(span[0] - 4, 0x3FFFFFFF))


def zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("config.json", "model.weights.h5", "../../evil"):
            file.writestr(name, bytes(20 << 20))


def gzip_renamed(path: Path) -> None:
    path.write_bytes(b"\x1f\x8b" + bytes(2000))


HOSTILE = (
    (fifo, "TG101"),
    (device, "TG101"),
    (link_to_itself, "TG101"),
    (sparse, "TG101"),
    (sparse_with_identifier, "TG101"),
    (sparse_below_the_limit, "TG103"),
    (wrong_identifier, "TG102"),
    (root_beyond_the_end, "TG103"),
    (root_that_is_itself, "TG103"),
    (table_that_is_its_own_vtable, "TG103"),
    (subgraphs_without_end, "TG103"),
    (zip_bomb, "TG102"),
    (gzip_renamed, "TG102"),
)
COMMANDS = {
    "inspect": ("inspect", "{}", "--json"),
    "check": ("check", "{}", "--board", "host"),
    "build": ("build", "{}", "--board", "host", "--out", "project"),
}


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize(
    ("make", "code"), HOSTILE, ids=lambda value: getattr(value, "__name__", "")
)
def test_hostile_file_is_one_error_line(tmp_path: Path, make, code: str, verb: str) -> None:
    make(tmp_path / "model.tflite")
    before = sorted(tmp_path.rglob("*"))
    arguments = [part.format("model.tflite") for part in COMMANDS[verb]]
    result = run_limited(*arguments, cwd=tmp_path)
    assert_refused(result, code=code)
    assert sorted(tmp_path.rglob("*")) == before
    assert not (tmp_path.parent / "evil").exists()


def test_name_that_is_no_text_cannot_reach_the_terminal(tmp_path: Path) -> None:
    """A file name with an escape sequence in it."""
    path = tmp_path / "\x1b[31mred.tflite"
    path.write_bytes(b"nothing of use")
    result = run_limited("inspect", str(path), cwd=tmp_path)
    assert_refused(result, code="TG102")
    assert "\x1b" not in result.stderr


def test_memory_limit_bites(tmp_path: Path) -> None:
    hungry = PROGRAM.split("from tflm_gen")[0] + f"bytes({MEMORY_BYTES})\n"
    result = run_python("-c", hungry, cwd=tmp_path)
    assert "MemoryError" in result.stderr
