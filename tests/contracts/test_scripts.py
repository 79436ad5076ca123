"""The shell scripts' set-up functions, with stand-ins for the programs that change a machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [".ci/run", "scripts/machine.sh", "tests/run.sh", "examples/quickstart.sh"]
BASH = shutil.which("bash") or "bash"


def write_program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!{BASH}\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of stand-ins; what they are called with is appended to calls.txt."""
    folder = tmp_path / "programs"
    folder.mkdir()
    log = f'echo "$(basename "$0") $*" >> {tmp_path}/calls.txt'
    write_program(folder, "apt-get", f"{log}; exit ${{APT_EXIT:-0}}")
    write_program(folder, "id", "echo ${FAKE_UID:-0}")
    write_program(folder, "dpkg-query", '[ "${@: -1}" = ninja-build ] || echo -n installed')
    write_program(
        folder,
        "python-stand-in",
        f"""case "$1 $2" in
  "-m venv") {log}; mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip") {log}; exit ${{PIP_EXIT:-0}} ;;
  *) exec {sys.executable} "$@" ;;
esac""",
    )
    return folder


def run_function(
    programs: Path, line: str, **variables: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run one line after sourcing machine.sh; return the result and the calls made."""
    calls = programs.parent / "calls.txt"
    calls.write_text("")
    result = subprocess.run(
        [BASH, "-euo", "pipefail", "-c", f". {ROOT}/scripts/machine.sh; {line}"],
        cwd=programs.parent,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result, calls.read_text().splitlines()


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_valid_bash(name: str) -> None:
    result = subprocess.run([BASH, "-n", ROOT / name], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_installed_packages_need_no_root(programs: Path) -> None:
    result, calls = run_function(programs, "install_packages cmake g++", FAKE_UID="1000")
    assert result.returncode == 0
    assert calls == []


def test_only_missing_packages_are_installed(programs: Path) -> None:
    result, calls = run_function(programs, "install_packages cmake ninja-build g++")
    assert result.returncode == 0
    assert calls == [
        "apt-get update -qq",
        "apt-get install -qq --yes --no-install-recommends ninja-build",
    ]


def test_other_users_get_the_line_to_run(programs: Path) -> None:
    result, calls = run_function(programs, "install_packages ninja-build", FAKE_UID="1000")
    assert result.returncode == 3
    assert "sudo apt-get install --yes --no-install-recommends ninja-build" in result.stderr
    assert calls == []


def test_failed_installation_stops_the_script(programs: Path) -> None:
    result, _ = run_function(programs, "install_packages ninja-build; echo went on", APT_EXIT="100")
    assert result.returncode == 3
    assert "error: apt-get could not install ninja-build" in result.stderr
    assert "went on" not in result.stdout


def test_environment_is_made_once_per_state(programs: Path) -> None:
    def make(state: str) -> list[str]:
        line = f"make_environment env {state} --editable ."
        result, calls = run_function(programs, line, PYTHON="python-stand-in")
        assert result.returncode == 0, result.stderr
        return [" ".join(call.split()[1:3]) for call in calls]

    assert make("one") == ["-m venv", "-m pip"]
    assert make("one") == []
    assert make("two") == ["-m pip"]


def test_failed_environment_is_tried_again(programs: Path) -> None:
    line = "make_environment env one ."
    failed, _ = run_function(programs, line, PYTHON="python-stand-in", PIP_EXIT="1")
    assert failed.returncode == 3
    assert "hint: " in failed.stderr
    again, calls = run_function(programs, line, PYTHON="python-stand-in")
    assert again.returncode == 0
    assert any(" -m pip " in call for call in calls)
