"""A single file is there whole, or what was there before stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tflm_gen.errors import OutputFolderError
from tflm_gen.project.output_file import check_output, write_output


def test_a_file_is_replaced_and_everybody_may_read_it(tmp_path: Path) -> None:
    out = tmp_path / "net.tflite"
    out.write_bytes(b"before")
    write_output(out, b"after")
    assert out.read_bytes() == b"after"
    assert out.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [out]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "net.tflite"
    out.write_bytes(b"before")

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputFolderError, match="No space left"):
        write_output(out, b"after")
    assert out.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [out]


def test_a_link_or_a_device_is_not_renamed_away(tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(tmp_path / "target")
    os.mkfifo(pipe)
    for out in (link, pipe):
        with pytest.raises(OutputFolderError, match="not a regular file"):
            write_output(out, b"after", option="--svg")
    assert link.is_symlink()
    assert pipe.is_fifo()


def test_a_place_is_tried_before_minutes_are_spent(tmp_path: Path) -> None:
    check_output(tmp_path / "net.tflite")
    assert not list(tmp_path.iterdir())
    for out in (tmp_path, tmp_path / "missing" / "net.tflite"):
        with pytest.raises(OutputFolderError):
            check_output(out)
