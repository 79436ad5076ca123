from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path, PurePosixPath

import pytest

from tflm_gen.errors import OutputFolderError
from tflm_gen.project.writer import check_replaceable, staged_project, write_files

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
