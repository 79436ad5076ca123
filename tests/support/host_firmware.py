"""Builds firmware for this machine (board ``host``) as a project's user would, with plain CMake."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.board_loader import Board, load_board
from tflm_gen.golden import make_golden_vector
from tflm_gen.model.ops import op_usage
from tflm_gen.model.reader import parse_model
from tflm_gen.project.plan import ProjectSpec, model_crc, plan_project
from tflm_gen.project.writer import write_files
from tflm_gen.runner.launch import open_device
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import DeviceTarget
from tflm_gen.tflm.op_table import load_op_table, select_ops
from tflm_gen.tflm.sources import SOURCES, find_wheel_library
from tflm_gen.wire import Value, encode_line, load_schema

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tflm_gen.model.records import Model
    from tflm_gen.runner.session import DeviceSession

LARGE_ARENA_BYTES = 512 * 1024


def wheel_library() -> Path:
    """The wheel's module; ask for the need ``oracle`` first."""
    path = find_wheel_library()
    assert path is not None
    return path


def run(*argv: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its output is text."""
    return subprocess.run(
        [str(argument) for argument in argv],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def check(*argv: str | Path, cwd: Path | None = None) -> str:
    """Run a program that must succeed; what it printed."""
    result = run(*argv, cwd=cwd)
    assert result.returncode == 0, f"{argv}: {result.stdout}\n{result.stderr}"
    return result.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFirmware:
    """A linked program and what it carries."""

    root: Path
    model: Model
    spec: ProjectSpec

    @property
    def elf(self) -> Path:
        """The program."""
        return self.root / "out" / "tflm" / "firmware.elf"

    def open(self, timeout_s: float = 30.0) -> AbstractContextManager[DeviceSession]:
        """Start it behind the runner that ``emulate``, ``bench`` and ``verify`` use."""
        target = DeviceTarget(
            root=self.root,
            board_id=self.spec.board.id,
            board=self.spec.board.spec,
            elf_path=self.elf,
            engine=self.spec.engine,
            kernels=self.spec.kernels,
            model_name=self.model.name,
            model=self.model.flatbuffer,
            model_crc=model_crc(self.model),
        )
        return open_device(select_device(target), timeout_s=timeout_s)


def host_spec(flatbuffer: bytes, name: str, board: Board | None = None) -> ProjectSpec:
    """What the project of a model on board ``host`` is made of; faults may be injected."""
    model = parse_model(flatbuffer, f"{name}.tflite")
    usages = op_usage(model)
    return ProjectSpec(
        model=model,
        usages=usages,
        entries=select_ops(usages, load_op_table("wheel"), subgraphs=model.subgraphs),
        board=board or load_board("host"),
        engine="tflm",
        kernels="reference",
        source=SOURCES["wheel"],
        golden=make_golden_vector(model),
        allow_fault_injection=True,
    )


def write_host_project(spec: ProjectSpec, root: Path, arena_bytes: int) -> None:
    """Write the project; builds nothing."""
    write_files(root, plan_project(spec, arena_bytes=arena_bytes, arena_basis="a test").files)


def configure(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Configure a project as its README says."""
    return run("cmake", "-S", root, "-B", root / "out/tflm/build", "-G", "Ninja", *options)


def build(root: Path, *options: str) -> None:
    """Configure and link a project with the wheel; it must succeed."""
    configured = configure(root, f"-DTFLM_WHEEL_SO={wheel_library()}", *options)
    assert configured.returncode == 0, configured.stderr
    check("cmake", "--build", root / "out/tflm/build", "--parallel", "2")


def build_host_firmware(
    flatbuffer: bytes,
    root: Path,
    *,
    name: str = "model",
    arena_bytes: int = LARGE_ARENA_BYTES,
    is_sanitized: bool = False,
) -> HostFirmware:
    """Write, configure and link a project."""
    spec = host_spec(flatbuffer, name)
    write_host_project(spec, root, arena_bytes)
    build(root, *(["-DECG_SANITIZE=ON"] if is_sanitized else []))
    return HostFirmware(root=root, model=spec.model, spec=spec)


def wire_command(name: str, **fields: Value) -> bytes:
    """A command's line, as the first of a conversation."""
    schema = load_schema()
    return encode_line(schema.commands[name], 0, fields, max_line_chars=schema.max_line_chars)
