"""Builds firmware for corstone300 with plain CMake, as a project's user would, and boots it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.programs import check, run
from tflm_gen.board_loader import load_board
from tflm_gen.golden import make_golden_vector
from tflm_gen.model.ops import op_usage
from tflm_gen.model.reader import parse_model
from tflm_gen.project.plan import ProjectSpec, model_crc, plan_project
from tflm_gen.project.writer import write_files
from tflm_gen.runner.launch import open_device
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import DeviceTarget
from tflm_gen.tflm.image import find_image
from tflm_gen.tflm.op_table import load_op_table, select_ops
from tflm_gen.tflm.source_facts import SOURCES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tflm_gen.runner.session import DeviceSession
    from tflm_gen.tflm.image import ImagePin
    from tflm_gen.wire import Line

LARGE_ARENA_BYTES = 512 * 1024
BUILD = "out/tflm/build"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorstoneFirmware:
    """A linked firmware."""

    root: Path
    spec: ProjectSpec

    @property
    def elf(self) -> Path:
        """What QEMU boots."""
        return self.root / "out" / "tflm" / "firmware.elf"

    def open(
        self, on_line: Callable[[Line], None] | None = None
    ) -> AbstractContextManager[DeviceSession]:
        """Boot it behind the runner that ``emulate``, ``bench`` and ``verify`` use."""
        model = self.spec.model
        target = DeviceTarget(
            root=self.root,
            board_id=self.spec.board.id,
            board=self.spec.board.spec,
            elf_path=self.elf,
            engine=self.spec.engine,
            kernels=self.spec.kernels,
            model_name=model.name,
            model=model.flatbuffer,
            model_crc=model_crc(model),
        )
        return open_device(select_device(target, with_name="qemu"), timeout_s=30.0, on_line=on_line)


def image_spec(flatbuffer: bytes, name: str = "model") -> ProjectSpec:
    """What the project of a model on corstone300 is made of; faults may be injected."""
    model = parse_model(flatbuffer, f"{name}.tflite")
    usages = op_usage(model)
    return ProjectSpec(
        model=model,
        usages=usages,
        entries=select_ops(usages, load_op_table("corstone300_image"), subgraphs=model.subgraphs),
        board=load_board("corstone300"),
        engine="tflm",
        kernels="cmsis-nn",
        source=SOURCES["corstone300_image"],
        golden=make_golden_vector(model),
        allow_fault_injection=True,
    )


def write_project(
    spec: ProjectSpec, root: Path, arena_bytes: int = LARGE_ARENA_BYTES
) -> CorstoneFirmware:
    """Write the project; builds nothing."""
    write_files(root, plan_project(spec, arena_bytes=arena_bytes, arena_basis="a test").files)
    return CorstoneFirmware(root=root, spec=spec)


def configure(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Configure a project as its README says."""
    return run("cmake", "-S", root, "-B", root / BUILD, "-G", "Ninja", *options)


def compile_project(root: Path) -> subprocess.CompletedProcess[str]:
    """Compile and link a configured project."""
    return run("cmake", "--build", root / BUILD, "--parallel", "2")


def build_project(root: Path, pin: ImagePin) -> None:
    """Configure, compile and link; it must succeed. Ask for the need of the image first."""
    image = find_image(pin)
    assert image is not None
    configured = configure(root, f"-DTFLM_IMAGE={image}")
    assert configured.returncode == 0, configured.stderr
    check("cmake", "--build", root / BUILD, "--parallel", "2")


def change(project: CorstoneFirmware, path: str, old: str, new: str) -> None:
    """Replace text that must be there in one file of a project."""
    file = project.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
