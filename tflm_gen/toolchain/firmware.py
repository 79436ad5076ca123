"""Links a project's firmware and finds the smallest arena it runs in, in a folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from tflm_gen import __version__
from tflm_gen.arena.modelled import modelled_arena
from tflm_gen.errors import BuildFailedError, MissingToolError, TflmGenError
from tflm_gen.memory_plan import ArenaResult, largest_arena_bytes, unproven_arena
from tflm_gen.project.plan import (
    ProjectSpec,
    arena_config,
    model_crc,
    plan_project,
    sources_digest,
)
from tflm_gen.project.writer import write_files
from tflm_gen.toolchain import cmake
from tflm_gen.toolchain.build_cache import BuildOutcome, cache_key, load_outcome, store_outcome
from tflm_gen.toolchain.elf_file import ElfFile
from tflm_gen.toolchain.elf_size import KnownSizes, firmware_sizes

if TYPE_CHECKING:
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.tflm.sources import TflmSource

ArenaMode = Literal["proven", "largest"]
OnStep = Callable[[str], None]

HOST_ARENA_BYTES = 4 * 1024 * 1024
# The last one is TFLM itself, where the firmware is a program of this machine.
ARTIFACTS = ("firmware.elf", "firmware.hex", "firmware.map", "tflm_wheel.so")
_MAP = "firmware.map"
_ARENA_CONFIG = PurePosixPath("generated/arena_config.h")
_TEST_VECTOR = PurePosixPath("generated/test_vector.cc")
_BOOT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareJob:
    """One firmware to link.

    Attributes:
        spec: The project.
        source: The TFLM to link.
        arena_mode: "proven" searches for the smallest arena; "largest" takes all the board has.
    """

    spec: ProjectSpec
    source: TflmSource
    arena_mode: ArenaMode


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFirmware:
    """A finished firmware and the programs that made it."""

    outcome: BuildOutcome
    toolchain: cmake.Toolchain
    is_from_cache: bool


def build_or_reuse(job: FirmwareJob, *, use_cache: bool, on_step: OnStep) -> BuiltFirmware:
    """The firmware from the cache of finished builds, else built and put there.

    Args:
        job: What to build.
        use_cache: Take a finished build of the same inputs.
        on_step: Told the name of every step that takes a while.

    Raises:
        TflmGenError: As :func:`build_firmware`.
    """
    toolchain = cmake.find_toolchain(is_host=job.spec.board.spec.is_host)
    start = plan_project(job.spec, arena_bytes=start_arena_bytes(job.spec), arena_basis="start")
    key = cache_key(
        {
            "tool": __version__,
            "sources": sources_digest(start),
            "tflm": job.source.sha256,
            "compiler": toolchain.compiler,
            "cmake": toolchain.cmake,
            "arena": job.arena_mode,
            "emulators": installed_emulators(),
        }
    )
    outcome = load_outcome(key) if use_cache else None
    if outcome is not None:
        return BuiltFirmware(outcome=outcome, toolchain=toolchain, is_from_cache=True)
    outcome = build_firmware(job, on_step)
    store_outcome(key, outcome)
    return BuiltFirmware(outcome=outcome, toolchain=toolchain, is_from_cache=False)


def start_arena_bytes(spec: ProjectSpec) -> int:
    """Size of the arena of the first build: all that the board has for it."""
    return largest_arena_bytes(spec.board) or HOST_ARENA_BYTES


def build_firmware(job: FirmwareJob, on_step: OnStep) -> BuildOutcome:
    """Compile, link, find the arena, link again.

    Args:
        job: What to build.
        on_step: Told the name of every step that takes a while.

    Raises:
        MissingToolError: If a program of the build is not installed.
        BuildFailedError: If the compiler or linker refuses.
        FirmwareError: If the firmware does not run even in the largest arena.
        DeviceFaultError: If it crashes there.
    """
    spec = job.spec
    with tempfile.TemporaryDirectory(prefix="tflm-gen-") as folder:
        work = Path(folder)
        start_bytes = start_arena_bytes(spec)
        project = plan_project(spec, arena_bytes=start_bytes, arena_basis="all there is")
        write_files(work, project.files)
        on_step("compile")
        cmake.configure(work, spec.engine, job.source.facts.cmake_variable, job.source.path)
        cmake.build(work, spec.engine)
        arena, warnings = _find_arena(work, job, start_bytes, on_step)
        write_files(work, {_ARENA_CONFIG: arena_config(arena.size_bytes, arena.words)})
        cmake.build(work, spec.engine)
        if arena.basis == "proven":
            on_step("start the final firmware")
            warnings += _check_start(work, spec)
        return _collect(work, job, arena, warnings)


def installed_emulators() -> str:
    """The emulators of this machine with their versions; part of what decides a build."""
    import shutil

    paths = [shutil.which(name) for name in ("qemu-system-arm", "renode")]
    return "; ".join(cmake.first_line(path) for path in paths if path) or "none"


def _find_arena(
    work: Path, job: FirmwareJob, start_bytes: int, on_step: OnStep
) -> tuple[ArenaResult, tuple[str, ...]]:
    """The arena's size, by running the firmware where that is possible."""
    if job.arena_mode == "largest":
        return unproven_arena(start_bytes), ()
    try:
        device = _select(work, job.spec)
    except TflmGenError as obstacle:
        if not _is_absence(obstacle):
            raise
        on_step("find the smallest arena on this machine")
        words = f"the arena is not proven on the target: {obstacle.message}"
        return modelled_arena(job.spec.model) or unproven_arena(start_bytes), (words,)
    on_step(f"find the smallest arena ({device.name})")
    return _search_arena(work, job, device, start_bytes)


def _search_arena(
    work: Path, job: FirmwareJob, device: DeviceChoice, start_bytes: int
) -> tuple[ArenaResult, tuple[str, ...]]:
    """Bisect on the device; an arena is large enough if the golden vector comes out right.

    Where the target's kernels differ from the oracle's, right is what the device itself computes
    in the largest arena.
    """
    from tflm_gen.arena.search import prove_device_arena
    from tflm_gen.runner.launch import open_device

    spec = job.spec
    own = _own_outputs(device, spec)
    if own is not None:
        golden = replace(spec.golden, outputs=own, oracle="the device in its largest arena")
        stand_in = plan_project(
            replace(spec, golden=golden), arena_bytes=start_bytes, arena_basis="all there is"
        )
        write_files(work, {_TEST_VECTOR: stand_in.files[_TEST_VECTOR]})
        cmake.build(work, spec.engine)
    found = prove_device_arena(
        lambda: open_device(device, timeout_s=_BOOT_TIMEOUT_S), high_bytes=start_bytes
    )
    if own is not None:
        original = plan_project(spec, arena_bytes=start_bytes, arena_basis="all there is")
        write_files(work, {_TEST_VECTOR: original.files[_TEST_VECTOR]})
    arena = ArenaResult(
        size_bytes=found.ran_at_bytes,
        basis="proven",
        ran_at=found.ran_at_bytes,
        failed_at=found.failed_at_bytes,
        margin_bytes=0,
    )
    return arena, ()


def _own_outputs(device: DeviceChoice, spec: ProjectSpec) -> tuple[bytes, ...] | None:
    """Outputs of the device for the golden input where they differ from the oracle's.

    Raises:
        FirmwareError: If the firmware does not start even in the largest arena.
        DeviceFaultError: If it crashes there.
    """
    from tflm_gen.runner.launch import open_device

    with open_device(device, timeout_s=_BOOT_TIMEOUT_S) as session:
        selftest = session.connect().selftest
        if selftest is None or selftest.is_equal or spec.golden.outputs is None:
            return None
        session.reset()
        for index, data in enumerate(spec.golden.inputs):
            session.write_input(index, data)
        session.invoke()
        return tuple(session.read_output(index) for index in range(len(spec.golden.outputs)))


def _is_absence(error: TflmGenError) -> bool:
    """There is nothing to run the firmware on; the firmware itself may be right."""
    from tflm_gen.errors import UnsupportedChoiceError

    return isinstance(error, MissingToolError | UnsupportedChoiceError)


def _select(work: Path, spec: ProjectSpec) -> DeviceChoice:
    """The emulator that runs the firmware of a work folder."""
    from tflm_gen.runner.select import select_device
    from tflm_gen.runner.target import DeviceTarget

    target = DeviceTarget(
        root=work,
        board_id=spec.board.id,
        board=spec.board.spec,
        elf_path=work / "out" / spec.engine / ARTIFACTS[0],
        engine=spec.engine,
        kernels=spec.kernels,
        model_name=spec.model.name,
        model=spec.model.flatbuffer,
        model_crc=model_crc(spec.model),
    )
    return select_device(target)


def _check_start(work: Path, spec: ProjectSpec) -> tuple[str, ...]:
    """Start the final firmware once; its start-up must pass, its golden vector should agree."""
    from tflm_gen.runner.launch import open_device

    with open_device(_select(work, spec), timeout_s=_BOOT_TIMEOUT_S) as session:
        report = session.connect()
    selftest = report.selftest
    if selftest is None or selftest.is_equal or spec.golden.outputs is None:
        return ()
    return (
        f"the golden vector differs on the device from output byte {selftest.first_difference} on; "
        "tflm-gen verify names the first operator that differs",
    )


def _collect(
    work: Path, job: FirmwareJob, arena: ArenaResult, warnings: tuple[str, ...]
) -> BuildOutcome:
    """Read what the build left."""
    spec = job.spec
    out = work / "out" / spec.engine
    files = {name: (out / name).read_bytes() for name in ARTIFACTS if (out / name).is_file()}
    if _MAP in files:  # The linker writes paths in full; the work folder's name means nothing.
        files[_MAP] = files[_MAP].replace(str(work).encode(), b".")
    elf = files.get(ARTIFACTS[0])
    if elf is None:
        raise BuildFailedError(
            f"the build left no {ARTIFACTS[0]}", hint="Report this: the CMake files are ours."
        )
    is_image = job.source.facts.id == "corstone300_image"
    sizes = firmware_sizes(
        ElfFile(elf),
        KnownSizes(
            model=len(spec.model.flatbuffer),
            stack=spec.board.spec.firmware.stack_bytes,
            arena=arena.size_bytes,
        ),
        image=ElfFile(job.source.path.read_bytes()) if is_image else None,
    )
    return BuildOutcome(arena=arena, sizes=sizes, files=files, warnings=warnings)
