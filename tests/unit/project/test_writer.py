from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path, PurePosixPath

import pytest

from tflm_gen.errors import OutputFolderError
from tflm_gen.project.writer import (
    check_replaceable,
    clear_stale,
    staged_project,
    write_files,
)

OURS = '{"tool": {"name": "tflm-gen", "version": "0"}}'


def make_project(root: Path, mark: str) -> None:
    with staged_project(root) as staging:
        write_files(
            staging,
            {PurePosixPath("manifest.json"): OURS.encode(), PurePosixPath("a/b"): mark.encode()},
        )


def left_beside(root: Path) -> list[str]:
    return sorted(path.name for path in root.parent.iterdir() if path != root)


def test_project_appears_whole(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "p"
    make_project(root, "one")
    assert (root / "a/b").read_text() == "one"
    assert left_beside(root) == []
    assert root.stat().st_mode & 0o777 == 0o755


def test_our_own_project_is_replaced_whole(tmp_path: Path) -> None:
    root = tmp_path / "p"
    make_project(root, "one")
    (root / "left over").write_text("x")
    make_project(root, "two")
    assert sorted(path.name for path in root.iterdir()) == ["a", "manifest.json"]
    assert (root / "a/b").read_text() == "two"
    assert left_beside(root) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_old_project_stays_if_the_new_one_fails(tmp_path: Path, error: type[BaseException]) -> None:
    root = tmp_path / "p"
    make_project(root, "one")
    with pytest.raises(error), staged_project(root) as staging:
        write_files(staging, {PurePosixPath("a/b"): b"two"})
        raise error
    assert (root / "a/b").read_text() == "one"
    assert left_beside(root) == []


@pytest.mark.parametrize(
    "content",
    [
        {"notes.txt": "mine"},
        {"manifest.json": "{}"},
        {"manifest.json": '{"tool": {"name": "other"}}'},
        {"manifest.json": '{"tool": "tflm-gen"}'},
        {"manifest.json": "[1]"},
        {"manifest.json": "not json"},
    ],
)
def test_folder_of_somebody_else_is_refused(tmp_path: Path, content: dict[str, str]) -> None:
    root = tmp_path / "p"
    root.mkdir()
    for name, text in content.items():
        (root / name).write_text(text)
    with pytest.raises(OutputFolderError, match="not a project of tflm-gen"):
        make_project(root, "two")
    assert {path.name: path.read_text() for path in root.iterdir()} == content


def test_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    make_project(tmp_path / "p", "one")
    assert (tmp_path / "p/a/b").read_text() == "one"


def test_file_and_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("file", "link"):
        with pytest.raises(OutputFolderError, match="not a folder"):
            check_replaceable(tmp_path / name)


def test_folder_that_turns_foreign_meanwhile_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "p"
    with pytest.raises(OutputFolderError), staged_project(root):
        root.mkdir()
        (root / "precious").write_text("x")
    assert (root / "precious").read_text() == "x"


def test_parent_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFolderError, match="cannot write into"):
        make_project(tmp_path / "file" / "p", "x")


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_leaves_the_old_project(tmp_path: Path, signum: int) -> None:
    root = tmp_path / "p"
    make_project(root, "one")
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path, PurePosixPath
        from tflm_gen.project.writer import staged_project, write_files
        with staged_project(Path(sys.argv[1])) as staging:
            write_files(staging, {PurePosixPath("a/b"): b"two"})
            print("staged", flush=True)
            time.sleep(60)
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"staged\n"
    child.send_signal(signum)
    child.wait(timeout=30)
    child.stdout.close()
    assert (root / "a/b").read_text() == "one"
    assert (root / "manifest.json").read_text() == OURS


KILLED = """
import os, sys
from pathlib import Path, PurePosixPath
from tflm_gen.project import writer
n_renames = 0
rename = Path.rename
def counted(self, target):
    global n_renames
    n_renames += 1
    if n_renames > int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    return rename(self, target)
Path.rename = counted
with writer.staged_project(Path(sys.argv[1])) as staging:
    writer.write_files(staging, {PurePosixPath("a/b"): b"two"})
"""


@pytest.mark.parametrize("n_renames", [0, 1])
def test_next_run_clears_what_a_killed_one_left(tmp_path: Path, n_renames: int) -> None:
    """Killed before the swap, and between its two renames."""
    root = tmp_path / "p"
    make_project(root, "one")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(root), str(n_renames)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert len(left_beside(root)) == 1
    assert root.is_dir() == (n_renames == 0)
    clear_stale(root)
    assert (root / "a/b").read_text() == "one"
    assert left_beside(root) == []
    make_project(root, "three")
    assert (root / "a/b").read_text() == "three"


def test_clearing_leaves_what_is_in_use_or_not_ours(tmp_path: Path) -> None:
    root = tmp_path / "p"
    (tmp_path / ".p-staging-mine").mkdir()
    (tmp_path / ".p-staging-mine" / "precious").write_text("x")
    (tmp_path / ".q-staging-other").mkdir()
    (tmp_path / ".q-staging-other" / "lock").touch()
    with staged_project(root) as staging:
        clear_stale(root)
        assert staging.is_dir()
        write_files(staging, {PurePosixPath("manifest.json"): OURS.encode()})
    assert left_beside(root) == [".p-staging-mine", ".q-staging-other"]
    assert (tmp_path / ".p-staging-mine" / "precious").read_text() == "x"


def test_clearing_never_deletes_an_old_project_that_it_cannot_put_back(tmp_path: Path) -> None:
    """The place is taken by something else meanwhile: both stay visible or are ours."""
    root = tmp_path / "p"
    stale = tmp_path / ".p-staging-killed"
    (stale / "old").mkdir(parents=True)
    (stale / "old" / "manifest.json").write_text(OURS)
    (stale / "lock").touch()
    clear_stale(root)
    assert (root / "manifest.json").read_text() == OURS
    assert not stale.exists()
