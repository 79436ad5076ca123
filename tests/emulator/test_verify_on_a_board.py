"""A firmware that computes other bytes: verify in QEMU, and with --port on a board played by a program.

The board is QEMU's corstone300 behind a TCP port; its "debug probe" is a program named openocd that
starts QEMU anew with the ELF beside the image it is told to write.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import run_tool
from tflm_gen.project.kinds.platformio import emulator_command

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = Path(__file__).resolve().parents[1] / "fixtures" / "ecg_stride2_odd_width.tflite"
pytestmark = [pytest.mark.cross, pytest.mark.qemu, pytest.mark.image, pytest.mark.oracle]
PROBE = """#!{python}
import os, pathlib, signal, subprocess
here = pathlib.Path(__file__).parent
with (here / "log").open("a") as log:
    log.write(os.getcwd() + chr(10))
if (here / "pid").exists():
    try:
        os.kill(int((here / "pid").read_text()), signal.SIGKILL)
    except ProcessLookupError:
        pass
elf = here / "board.elf"
elf.write_bytes(pathlib.Path("firmware.elf").read_bytes())
qemu = subprocess.Popen({qemu!r} + [str(elf)], stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
(here / "pid").write_text(str(qemu.pid))
print("** Verified OK **")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the probe, the project, and in ``url`` the board's port."""
    folder = tmp_path_factory.mktemp("bench")
    number = free_port()
    (folder / "url").write_text(f"socket://127.0.0.1:{number}")
    qemu = list(emulator_command(machine="mps3-an547", icount_shift=10))
    qemu[qemu.index("stdio")] = f"tcp:127.0.0.1:{number},server=on,wait=off"
    probe = folder / "openocd"
    probe.write_text(PROBE.format(python=sys.executable, qemu=qemu))
    probe.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("TFLM_GEN_BOARDS", str(folder / "boards"))
        assert run_tool("boards", "new", "mine", "--from", "corstone300").exit_code == 0
        board = folder / "boards" / "mine.toml"
        board.write_text(f'{board.read_text()}\n[[flash]]\ntool = "openocd"\ntarget = "x.cfg"\n')
        project = folder / "project"
        built = run_tool("build", str(MODEL), "--board", "mine", "--out", str(project))
        assert built.exit_code == 0, built.stderr
        assert "warning: int8 convolution over a row with stride 2" in built.stdout
        flashed = run_tool("flash", str(project))
        assert flashed.exit_code == 0, flashed.stderr
        yield folder
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def verify(bench: Path, *options: str):
    url = (bench / "url").read_text()
    return run_tool("verify", str(bench / "project"), "--port", url, "--vectors", "8", *options)


def test_a_known_difference_is_found_in_the_emulator(bench: Path) -> None:
    """As the README says: a model that the kernels of the corstone300 image compute differently."""
    result = run_tool("verify", str(bench / "project"))
    assert result.exit_code == 1, result.stderr
    assert re.search(r"^DIFFERENT: \d+ of 32 vectors differ", result.stdout, re.MULTILINE)
    assert "first operator that differs: #6 CONV_2D" in result.stdout


def test_without_leave_to_write_the_board_the_way_to_the_operator_is_told(bench: Path) -> None:
    result = verify(bench)
    assert result.exit_code == 1, result.stderr
    assert "repeat with --reflash auto" in result.stdout
    assert "first operator" not in result.stdout


def test_with_it_the_operator_is_found_and_the_project_s_firmware_is_back(bench: Path) -> None:
    (bench / "log").unlink()
    result = verify(bench, "--reflash", "auto", "--json")
    assert result.exit_code == 1, result.stderr
    document = json.loads(result.stdout)
    assert document["first_divergence"], document["note"]
    assert document["first_divergence"]["op"] == "CONV_2D"
    assert document["first_divergence"]["operator_index"] == 6
    tap, project = (bench / "log").read_text().splitlines()
    assert "tflm-gen-tap-" in tap
    assert Path(project).is_relative_to(bench / "project")
    # The same bytes differ again: an answer of the project's own firmware.
    assert verify(bench).exit_code == 1


def test_reflash_needs_a_board(bench: Path) -> None:
    result = run_tool("verify", str(bench / "project"), "--reflash", "auto")
    assert result.exit_code == 2
    assert "--port" in result.stderr
