"""Projects for PlatformIO, and PlatformIO run on them without a network and with every socket seen."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.device_projects import small_cnn
from tflm_gen.model.reader import parse_model
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.toolchain.platformio import OWN_CORE_MARK, find_platformio, quiet_environment

# Written into a folder of PYTHONPATH: seen by PlatformIO and by the SCons that it starts.
_WATCH = """
import os, sys
def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        with open(os.environ["WATCH_LOG"], "a") as log:
            log.write(f"{event} {arguments[1:]}\\n")
sys.addaudithook(watch)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PioProject:
    """A project folder, and a core folder of its own."""

    root: Path
    core: Path
    tflm: dict[str, str]

    @property
    def socket_log(self) -> Path:
        """Every socket call of every run; missing if there was none."""
        return self.core.with_name(f"{self.core.name}-sockets.txt")

    def pio(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run PlatformIO in the project, where possible in a network namespace without a network."""
        watch = self.core.with_name("watch")
        watch.mkdir(exist_ok=True)
        (watch / "sitecustomize.py").write_text(_WATCH)
        command = (*no_network(), *find_platformio(), *arguments)
        return subprocess.run(
            command,
            cwd=self.root,
            env={
                **os.environ,
                **quiet_environment(self.core),
                **self.tflm,
                "PYTHONPATH": str(watch),
                "WATCH_LOG": str(self.socket_log),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


def no_network() -> tuple[str, ...]:
    """Words before a command that take the network away from it; none where that is not allowed."""
    if shutil.which("unshare") is None:
        return ()
    for words in (("unshare", "-n"), ("unshare", "-r", "-n")):
        if subprocess.run((*words, "true"), capture_output=True, check=False).returncode == 0:
            return words
    return ()


def write_pio_project(
    board: str, engine: str, root: Path, tflm: dict[str, str] | None = None
) -> PioProject:
    """Write a project, built by nothing yet, and an empty core folder beside it."""
    build_project(
        BuildRequest(
            model=parse_model(small_cnn(), "small.tflite"),
            board_id=board,
            out=root,
            engine=engine,
            project_kind="platformio",
            is_linked=False,
        )
    )
    core = root.with_name(f"{root.name}-core")
    core.mkdir()
    (core / OWN_CORE_MARK).touch()
    return PioProject(root=root, core=core, tflm=tflm or {})
