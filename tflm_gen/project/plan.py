"""plan_project(): model, board and choices become the files of a project, in memory."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen import __version__, resources
from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.dtypes import tensor_bytes
from tflm_gen.project import context as ctx
from tflm_gen.project.arena_header import arena_config, search_floor_of
from tflm_gen.project.compiled import ENGINE, RUNTIME_ID, CompiledPart, static_arena
from tflm_gen.project.manifest import MODEL_FILE, ORIGINAL_FILE
from tflm_gen.project.model_array import array_lines, model_data_header, model_data_source
from tflm_gen.project.npu import npu_defines, npu_settings
from tflm_gen.project.preprocessing import preprocess_files
from tflm_gen.project.readme import readme_context
from tflm_gen.project.render import render
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tflm_gen.arena_model.choice import ArenaForecast
    from tflm_gen.board_loader import Board
    from tflm_gen.cleanup.records import Cleaning
    from tflm_gen.memory_plan import ArenaResult
    from tflm_gen.model.records import Model, OpUsage, TensorSpec
    from tflm_gen.project.npu import NpuPlan
    from tflm_gen.tflm.op_table import OpEntry
    from tflm_gen.tflm.source_facts import SourceFacts

_CORE_SWITCHES: Mapping[str, tuple[str, str]] = {
    "cortex-m4f": ("cortex-m4", "hard"),
    "cortex-m55": ("cortex-m55", "hard"),
    "esp32c3": ("", ""),
    "esp32s3": ("", ""),
    "host": ("", ""),
}
ARENA_CONFIG = PurePosixPath("generated/arena_config.h")
_NOT_COPIED = frozenset({".clang-format", ".clang-tidy", "README.md", "needs.txt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenVector:
    """One input of the model and what the oracle computed for it.

    Attributes:
        inputs: Bytes of each input.
        outputs: Bytes of each output, or None if there is no oracle.
        oracle: Which interpreter computed them, or why none did.
    """

    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...] | None
    oracle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSpec:
    """Everything that decides what a project's files say, but the size of the arena.

    Attributes:
        model: The model.
        usages: Its operators.
        entries: How they are registered.
        board: The board.
        engine: Engine that is linked.
        kernels: Kernel library.
        source: The TFLM the project is made for.
        golden: Golden vector for the start-up test.
        allow_fault_injection: For tests of the firmware itself.
        npu: The NPU that part of the model runs on, if any.
        cleaning: What was rewritten in the user's model; None if that was not wanted.
        check_warnings: What the check warned of, for the manifest and the summary.
        compiled: What the compiled engine makes of the model; None if that was not tried.
        tflm_obstacle: Why TFLM's application is not in the project; empty if it is.
        forecast: What the tables say of the arena; None if that is not computed yet.
    """

    model: Model
    usages: tuple[OpUsage, ...]
    entries: tuple[OpEntry, ...]
    board: Board
    engine: str
    kernels: str
    source: SourceFacts
    golden: GoldenVector
    allow_fault_injection: bool = False
    npu: NpuPlan | None = None
    cleaning: Cleaning | None = None
    check_warnings: tuple[str, ...] = ()
    compiled: CompiledPart | None = None
    tflm_obstacle: str = ""
    forecast: ArenaForecast | None = None

    @property
    def runtime_id(self) -> str:
        """What runs the model, for the boot banner."""
        return RUNTIME_ID if self.engine == ENGINE else self.source.runtime_id

    @property
    def compiled_arena(self) -> ArenaResult | None:
        """The arena if the compiled engine is linked: its plan is exact."""
        model = self.compiled.model if self.compiled else None
        return static_arena(model) if model is not None and self.engine == ENGINE else None

    @property
    def carried_engines(self) -> tuple[str, ...]:
        """Engines whose application is in the project, whichever is linked."""
        is_compiled = self.compiled is not None and self.compiled.model is not None
        return (*(() if self.tflm_obstacle else ("tflm",)), *((ENGINE,) if is_compiled else ()))

    @property
    def model_array_bytes(self) -> int:
        """Bytes of the .tflite image in flash; the compiled engine has the model as code."""
        return 0 if self.engine == ENGINE else len(self.model.flatbuffer)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareProject:
    """The files of a project, by path in it."""

    files: Mapping[PurePosixPath, bytes]


def plan_project(
    spec: ProjectSpec, *, arena_bytes: int, arena_basis: str, needed_bytes: int = 0
) -> FirmwareProject:
    """All files of the project but its manifest and what a build makes.

    Args:
        spec: Model, board and choices.
        arena_bytes: Size of the tensor arena.
        arena_basis: How it is known, in words for a comment.
        needed_bytes: What the model is known to need of it; 0 if that is not known.

    Raises:
        UnsupportedModelError: If an input or output has no fixed size.
    """
    files = dict(_static_files(spec))
    model = spec.model
    files[PurePosixPath(MODEL_FILE)] = model.flatbuffer
    if spec.cleaning is not None and spec.cleaning.is_changed:
        files[PurePosixPath(ORIGINAL_FILE)] = spec.cleaning.original.flatbuffer
    files[PurePosixPath("model/model_data.h")] = model_data_header(
        model_name=model.name,
        data=model.flatbuffer,
        sha256=model.sha256,
        schema_version=model.schema_version,
    )
    files[PurePosixPath("model/model_data.cc")] = model_data_source(
        model_name=model.name, data=model.flatbuffer
    )
    generated = PurePosixPath("generated")
    if not spec.tflm_obstacle:
        files[generated / "op_resolver.h"] = render("op_resolver.h.j2", _resolver_context(spec))
    if spec.compiled is not None:
        files.update(spec.compiled.files)
    files[generated / "app_config.h"] = render("app_config.h.j2", _config_context(spec))
    files.update(preprocess_files(spec))
    files[generated / "test_vector.h"] = render("test_vector.h.j2", _vector_context(spec))
    files[generated / "test_vector.cc"] = vector_source(spec)
    files[generated / "project.cmake"] = render("project.cmake.j2", _cmake_context(spec))
    files[PurePosixPath("README.md")] = render("README.md.j2", readme_context(spec))
    return with_arena(
        FirmwareProject(files=files),
        spec,
        arena_bytes=arena_bytes,
        arena_basis=arena_basis,
        needed_bytes=needed_bytes,
    )


def with_arena(
    project: FirmwareProject,
    spec: ProjectSpec,
    *,
    arena_bytes: int,
    arena_basis: str,
    needed_bytes: int = 0,
) -> FirmwareProject:
    """The same project with another arena, which one file says; the rest is not made again."""
    header = arena_config(
        arena_bytes, arena_basis, floor_bytes=search_floor_of(spec), needed_bytes=needed_bytes
    )
    files = {**project.files, ARENA_CONFIG: header}
    return FirmwareProject(files=dict(sorted(files.items())))


def vector_source(spec: ProjectSpec) -> bytes:
    """Text of the golden vector's file, which does not depend on the arena."""
    return render("test_vector.cc.j2", _vector_context(spec))


def sources_digest(project: FirmwareProject) -> str:
    """Hash over every file of a project; two projects with one digest build the same firmware."""
    digest = hashlib.sha256()
    for path, data in sorted(project.files.items()):
        digest.update(f"{path}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def io_bytes(tensor: TensorSpec) -> int:
    """Length of an input or output.

    Raises:
        UnsupportedModelError: If its type has no fixed size.
    """
    n_bytes = tensor_bytes(tensor)
    if n_bytes is None:
        raise UnsupportedModelError(
            f"tensor {tensor.index} ({tensor.name or 'no name'}) is an input or output of type "
            f"{tensor.dtype}, which has no fixed size",
            hint="Convert the model so that its inputs and outputs are numbers.",
        )
    return n_bytes


def _static_files(spec: ProjectSpec) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The firmware sources that the project carries, unchanged."""
    root = resources.firmware_templates_dir()
    family = spec.board.spec.family
    folders = [
        "cmake",
        "common",
        *(f"engine/{name}" for name in spec.carried_engines),
        f"tflm_api/{spec.source.id}",
        f"tflm_source/{spec.source.id}",
        *(f"port/{name}" for name in (family, *needed_ports(root, family))),
    ]
    singles = ["CMakeLists.txt", "CMakePresets.json", f"tflm_source/{spec.source.id}.cmake"]
    paths = [root / name for name in singles]
    for folder in folders:
        paths.extend((root / folder).rglob("*"))
    for path in paths:
        relative = path.relative_to(root)
        if path.is_file() and path.name not in _NOT_COPIED and "tests" not in relative.parts:
            yield PurePosixPath(relative.as_posix()), path.read_bytes()
    yield from _renode_files(spec)


def _renode_files(spec: ProjectSpec) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Platform, script and test suite for Renode, which look for the project's firmware."""
    described = spec.board.spec.emulator.renode
    if described is None:
        return
    for kind in ("repl", "resc", "robot"):
        path = (resources.renode_dir() / described.platform).with_suffix(f".{kind}")
        data = path.read_bytes().replace(b"out/tflm/", f"out/{spec.engine}/".encode())
        yield PurePosixPath("renode", path.name), data


def needed_ports(root: Path, family: str) -> list[str]:
    """Port folders that a port builds on, directly or not, by its ``needs.txt``."""
    found: list[str] = []
    waiting = [family]
    while waiting:
        needs = root / "port" / waiting.pop() / "needs.txt"
        for name in needs.read_text(encoding="utf-8").split() if needs.is_file() else ():
            if name not in found and name != family:
                found.append(name)
                waiting.append(name)
    return sorted(found)


def _resolver_context(spec: ProjectSpec) -> ctx.OpResolverContext:
    return ctx.OpResolverContext(
        model_name=spec.model.name,
        ops=tuple(
            ctx.OpRegistration(op=entry.op, add_method=entry.add_method) for entry in spec.entries
        ),
    )


def _config_context(spec: ProjectSpec) -> ctx.AppConfigContext:
    return ctx.AppConfigContext(
        firmware_version=__version__,
        board_id=spec.board.id,
        engine=spec.engine,
        kernels=spec.kernels,
        runtime_id=spec.runtime_id,
        model_name=spec.model.name,
        allow_fault_injection=spec.allow_fault_injection,
        max_ops=max(1, len(spec.model.main.operators)),  # A compiled step is one or more.
        stack_bytes=spec.board.spec.firmware.stack_bytes,
        input_bytes=sum(align_up(io_bytes(tensor), 16) for tensor in spec.model.inputs),
    )


def _vector_context(spec: ProjectSpec) -> ctx.TestVectorContext:
    golden = spec.golden
    # Without expected outputs the inputs' bytes are left out too: nothing could be compared.
    inputs = golden.inputs if golden.outputs else ()
    return ctx.TestVectorContext(
        oracle=golden.oracle,
        inputs=_vector_tensors(spec.model.inputs, inputs),
        outputs=_vector_tensors(spec.model.outputs, golden.outputs or ()),
    )


def _vector_tensors(
    tensors: Sequence[TensorSpec], data: Sequence[bytes]
) -> tuple[ctx.VectorTensor, ...]:
    """Tensors of the golden vector; the firmware needs the sizes also where no bytes are known."""
    if not data:
        return tuple(ctx.VectorTensor(n_bytes=io_bytes(tensor), lines=()) for tensor in tensors)
    return tuple(ctx.VectorTensor(n_bytes=len(piece), lines=array_lines(piece)) for piece in data)


def _cmake_context(spec: ProjectSpec) -> ctx.ProjectCmakeContext:
    board = spec.board.spec
    cpu, float_abi = _CORE_SWITCHES[board.cpu.core]
    settings = [
        ("ECG_PROJECT_NAME", f"{spec.model.name}-{spec.board.id}"),
        ("ECG_FAMILY", board.family),
        ("ECG_ENGINE", spec.engine),
        ("ECG_KERNELS", spec.kernels),
        ("ECG_TFLM_API", spec.source.id),
        ("ECG_TFLM_OPS", ";".join(entry.op for entry in spec.entries)),
        ("ECG_CPU", cpu),
        ("ECG_FLOAT_ABI", float_abi),
        ("ECG_OPTIMIZE", board.firmware.optimize),
        ("ECG_TWIN_FAMILY", (board.emulator.qemu and board.emulator.qemu.twin_family) or ""),
        ("ECG_PORT_DEFINES", ";".join(_port_defines(spec))),
    ]
    for prefix, holding in (("ECG_FLASH", "code"), ("ECG_RAM", "data")):
        region = board.region_for("code" if holding == "code" else "data")
        if region is not None:
            settings.append((f"{prefix}_ORIGIN", f"0x{region.origin:08x}"))
            settings.append((f"{prefix}_BYTES", str(region.size_bytes)))
    settings += npu_settings(spec.board, spec.npu)
    return ctx.ProjectCmakeContext(settings=tuple(settings))


def _port_defines(spec: ProjectSpec) -> Iterator[str]:
    """Preprocessor definitions of the port: pins of the console."""
    console = spec.board.spec.console
    if console.tx_pin is not None:
        yield f"ECG_CONSOLE_TX_PIN={console.tx_pin}"
    if console.rx_pin is not None:
        yield f"ECG_CONSOLE_RX_PIN={console.rx_pin}"
    yield from npu_defines(spec.npu)


def model_crc(model: Model) -> int:
    """CRC-32 of the model image."""
    return zlib.crc32(model.flatbuffer)
