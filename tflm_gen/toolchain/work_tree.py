"""A project under construction: its files in a work folder, its builds, the device that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tflm_gen.errors import BuildFailedError
from tflm_gen.project.plan import model_crc
from tflm_gen.project.writer import write_files
from tflm_gen.toolchain import cmake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path, PurePosixPath

    from tflm_gen.project.plan import ProjectSpec
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.runner.target import DeviceTarget
    from tflm_gen.tflm.sources import TflmSource

ArenaMode = Literal["proven", "largest"]

ELF = "firmware.elf"
MAP = "firmware.map"
# The last one is TFLM itself, where the firmware is a program of this machine.
ARTIFACTS = (ELF, "firmware.hex", MAP, "tflm_wheel.so")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareJob:
    """One firmware to link.

    Attributes:
        spec: The project.
        source: The TFLM to link; None for the compiled engine.
        arena_mode: "proven" searches for the smallest arena; "largest" takes all the board has.
    """

    spec: ProjectSpec
    source: TflmSource | None
    arena_mode: ArenaMode


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkTree:
    """The work folder of a job.

    Attributes:
        root: The folder.
        job: What is built in it.
    """

    root: Path
    job: FirmwareJob

    @property
    def outputs(self) -> Mapping[str, Mapping[str, str]]:
        """Folders below ``out/`` with the CMake variables of each build.

        A board that QEMU does not have gets a second one: the same firmware on the port of a
        machine that stands in for it.
        """
        engine, source = self.job.spec.engine, self.job.source
        own = {source.facts.cmake_variable: str(source.path)} if source else {}
        machine = self.job.spec.board.spec.emulator.qemu
        if machine is None or machine.twin_family is None:
            return {engine: own}
        return {engine: own, f"{engine}-twin": {**own, "ECG_TWIN": "ON"}}

    def configure(self) -> None:
        """Configure every build.

        Raises:
            BuildFailedError: With what CMake said.
        """
        for output, definitions in self.outputs.items():
            cmake.configure(self.root, output, definitions)

    def build(self) -> None:
        """Compile and link every build.

        Raises:
            BuildFailedError: With the compiler's first messages.
        """
        for output in self.outputs:
            cmake.build(self.root, output)

    def replace_file(self, path: PurePosixPath, data: bytes) -> None:
        """Change one file of the project and build again.

        Raises:
            BuildFailedError: With the compiler's first messages.
        """
        write_files(self.root, {path: data})
        self.build()

    def artifacts(self) -> dict[str, bytes]:
        """What the builds left, by path below ``out/``.

        Raises:
            BuildFailedError: If a build left no firmware.
        """
        files = dict(self._read_artifacts())
        missing = [output for output in self.outputs if f"{output}/{ELF}" not in files]
        if missing:
            raise BuildFailedError(
                f"the build left no out/{missing[0]}/{ELF}",
                hint="Are the project's CMake files unchanged? Build the project again.",
            )
        return files

    def _read_artifacts(self) -> Iterator[tuple[str, bytes]]:
        for output in self.outputs:
            for name in ARTIFACTS:
                path = self.root / "out" / output / name
                if path.is_file():
                    data = path.read_bytes()
                    if name == MAP:  # Paths in full; the work folder's name means nothing.
                        data = data.replace(str(self.root).encode(), b".")
                    yield f"{output}/{name}", data

    def select_device(self) -> DeviceChoice:
        """The emulator that runs the firmware.

        Raises:
            MissingToolError: If it is not installed.
            UnsupportedChoiceError: If none knows the board.
        """
        from tflm_gen.runner.select import select_device

        return select_device(self.device_target())

    def device_target(self) -> DeviceTarget:
        """The firmware as the runners know it."""
        from tflm_gen.runner.target import DeviceTarget

        spec = self.job.spec
        return DeviceTarget(
            root=self.root,
            board_id=spec.board.id,
            board=spec.board.spec,
            elf_path=self.root / "out" / spec.engine / ELF,
            engine=spec.engine,
            kernels=spec.kernels,
            model_name=spec.model.name,
            model=spec.model.flatbuffer,
            model_crc=model_crc(spec.model),
        )
