"""Pipes, devices and files without end where data, records and boards are read: one line, exit 2."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.command_line import assert_refused, run_python
from tests.support.small_model import SMALL

if TYPE_CHECKING:
    from pathlib import Path

LOAD_WINDOWS = (
    "from pathlib import Path\n"
    "from tflm_gen.quantize.windows import load_windows\n"
    "work = lambda: load_windows(Path(sys.argv[1]))\n"
)
READ_WFDB = (
    "from pathlib import Path\n"
    "from tflm_gen.records.wfdb_reader import read_wfdb\n"
    "work = lambda: read_wfdb(Path(sys.argv[1]) / '100', 'MLII')\n"
)
LOAD_BEATS = (
    "from pathlib import Path\n"
    "from tests.unit.preprocess.test_spec import spec_with\n"
    "from tflm_gen.evaluate.beats import load_beats\n"
    "work = lambda: load_beats(Path(sys.argv[1]), ['100'], spec_with(), skip_unusable=True)\n"
)
# As the command line does with an error.
PROGRAM = (
    "import sys\n"
    "from tflm_gen.errors import TflmGenError\n"
    "{}"
    "try:\n"
    "    work()\n"
    "except TflmGenError as error:\n"
    "    sys.exit(f'error[{{error.code}}]: {{error.message}}' if error.exit_code == 2 else 1)\n"
)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(600 << 20)


def words(code: str, path: Path) -> str:
    ran = run_python("-c", PROGRAM.format(code), str(path), timeout_s=30)
    assert ran.stderr.startswith("error[TG"), ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    return ran.stderr


@pytest.mark.parametrize("node", [pipe, device, huge])
@pytest.mark.parametrize("suffix", ["npy", "csv"])
def test_data(tmp_path: Path, node, suffix: str) -> None:
    """Alone, and in a folder beside a file that is right."""
    path = tmp_path / f"b.{suffix}"
    np.save(tmp_path / "a.npy", np.zeros((20, 4), np.float32))
    node(path)
    for given in (path, tmp_path):
        said = words(LOAD_WINDOWS, given)
        assert path.name in said
        assert "not a regular file" in said or "the limit is" in said


@pytest.mark.parametrize("node", [pipe, device, huge])
@pytest.mark.parametrize("suffix", ["hea", "dat", "atr", "npz", "csv"])
def test_records(tmp_path: Path, node, suffix: str) -> None:
    """Not skipped as an unusable record is: nobody keeps a pipe among records."""
    node(tmp_path / f"100.{suffix}")
    assert f"100.{suffix}: cannot be read" in words(LOAD_BEATS, tmp_path)


@pytest.mark.parametrize("named", ["pipe.dat", "/dev/zero", "../100.dat"])
def test_files_that_a_header_names(tmp_path: Path, named: str) -> None:
    os.mkfifo(tmp_path / "pipe.dat")
    (tmp_path / "100.hea").write_text(f"100 1 360 10\n{named} 16 200 11 1024 0 0 0 MLII\n")
    for suffix in ("dat", "atr"):
        (tmp_path / f"100.{suffix}").write_bytes(bytes(20))
    assert "a file of the record cannot be read" in words(READ_WFDB, tmp_path)


@pytest.mark.parametrize("node", [pipe, device, huge])
def test_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node) -> None:
    monkeypatch.delenv("TFLM_GEN_BOARDS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    boards = tmp_path / "tflm-gen" / "boards"
    boards.mkdir(parents=True)
    node(boards / "mine.toml")
    (tmp_path / "small.tflite").write_bytes(SMALL)
    for verb in (("check", "small.tflite", "--board", "mine"), ("boards", "list")):
        ran = run_python("-m", "tflm_gen", *verb, cwd=tmp_path, timeout_s=30)
        assert_refused(ran, code="TG202")
        assert "mine.toml: cannot be read" in ran.stderr
