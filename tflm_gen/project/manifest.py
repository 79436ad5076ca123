"""``manifest.json``: what a generated project was made of, every choice, and every file's hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tflm_gen.errors import NotAProjectError, ProjectModifiedError
from tflm_gen.project.read_file import MAX_MANIFEST_BYTES, read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST_NAME = "manifest.json"
MODEL_FILE = "model/model.tflite"
ORIGINAL_FILE = "model/original.tflite"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _inside(path: str) -> str:
    """A path that stays in the project, whatever system reads it."""
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    if ".." in windows.parts or posix.is_absolute() or windows.drive or windows.root:
        raise ValueError(f"{path[:80]!r} leads out of the project")
    return path


FilePath = Annotated[str, AfterValidator(_inside)]


class _Record(BaseModel):
    """Base: immutable, exact types, and no key that the record does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())


class ToolInfo(_Record):
    """The tool that wrote the project."""

    name: Literal["tflm-gen"]
    version: str


class ModelInfo(_Record):
    """The model as the user gave it."""

    name: str
    file: FilePath
    sha256: Sha256
    bytes: int
    crc32: int
    schema_version: int


class CleanStepInfo(_Record):
    """One rewrite; ``reason`` says why it was undone, and is empty if it was not."""

    name: str
    detail: str
    reason: str


class CleanProofInfo(_Record):
    """How the cleaned model is known to compute the same; see docs/cleanup.md."""

    basis: Literal["original on TFLM", "original on TFLite", "parts"]
    words: str
    n_vectors: int
    reference: str
    oracle: str


class CleanedModelInfo(_Record):
    """The model that is used instead of the user's.

    Attributes:
        file: Its path in the project; None if it was compiled further, for an NPU.
        sha256: Its hash.
        bytes: Its length.
        crc32: Of the file, which the firmware's banner names.
        original_file: Path of the user's model.
        steps: What was rewritten.
        undone: What was tried and could not be proven.
        proof: How it is known to compute the same.
        operators: Number of operators before and after.
        arena_bytes: Arena before and after, as this machine's allocator records it.
        note: What the original would have done on TFLM if it is no good there; may be empty.
    """

    file: FilePath | None
    sha256: Sha256
    bytes: int
    crc32: int
    original_file: FilePath
    steps: tuple[CleanStepInfo, ...]
    undone: tuple[CleanStepInfo, ...]
    proof: CleanProofInfo
    operators: tuple[int, int]
    arena_bytes: tuple[int, int] | None
    note: str


class BoardInfo(_Record):
    """The board and the exact file that described it."""

    id: str
    name: str
    tier: str
    file_sha256: Sha256


class TflmInfo(_Record):
    """Which TFLM computed the expected outputs, and which one the project is made for.

    Attributes:
        oracle: The reference interpreter, or None if none was at hand.
        target: The TFLM the project is made for; engine compiled links none.
        source: Id of the TFLM source.
        source_sha256: Hash of the linked library or image; None if nothing is linked.
    """

    oracle: str | None
    target: str
    source: str
    source_sha256: Sha256 | None


class ArenaInfo(_Record):
    """The tensor arena, and how its size is known.

    Attributes:
        bytes: Size reserved in the firmware.
        basis: "proven": ran at this size and failed 16 bytes below; "modelled": computed, plus margin;
            "static": the compiled engine's plan, exact; "unproven": as large as the board allows,
            for builds that measure.
        ran_at: Smallest size that ran; None unless proven.
        failed_at: Largest size that failed; None unless proven, or if nothing smaller exists.
        margin_bytes: Part of ``bytes`` that is headroom; of a proven arena, what keeps temporary
            data apart where TFLM would not notice (docs/arena.md).
        rule: What a modelled size was computed from, or how good a static plan is; else None.
        kernels: Kernel library of the run.
        core: Core of the run.
        tflm: TFLM of the run.
    """

    bytes: int
    basis: Literal["proven", "modelled", "static", "unproven"]
    ran_at: int | None
    failed_at: int | None
    margin_bytes: int
    rule: str | None = None
    kernels: str
    core: str
    tflm: str


class PlacementInfo(_Record):
    """One thing in one memory region."""

    what: str
    region: str
    bytes: int
    free_bytes: int


class MemoryInfo(_Record):
    """Flash and RAM of the firmware; the prebuilt image and our own code apart.

    Attributes:
        model_flash_bytes: The .tflite image; 0 where the model is code.
        code_flash_bytes: Our code and its constants; None if nothing is linked.
        data_ram_bytes: Our variables; None if nothing is linked.
        stack_ram_bytes: Stack.
        arena_ram_bytes: Tensor arena.
        image_flash_bytes: Arm's prebuilt image (every operator it has); None without one.
        image_ram_bytes: The same for RAM.
        placements: What lies where.
    """

    model_flash_bytes: int
    code_flash_bytes: int | None
    data_ram_bytes: int | None
    stack_ram_bytes: int
    arena_ram_bytes: int
    image_flash_bytes: int | None
    image_ram_bytes: int | None
    placements: tuple[PlacementInfo, ...]


class OperatorInfo(_Record):
    """One operator of the model and how TFLM registers it ("" if TFLM does not have it)."""

    op: str
    count: int
    versions: tuple[int, ...]
    dtypes: tuple[str, ...]
    add_method: str


class ToolchainInfo(_Record):
    """The programs that built the firmware."""

    compiler: str
    cmake: str
    flags: str


class LinkedInfo(_Record):
    """The firmware that was linked: paths in the project."""

    engine: str
    elf: FilePath
    hex: str | None
    map: str | None


class NpuInfo(_Record):
    """The NPU that part of the model runs on; cycles and bytes are estimates of its compiler.

    Attributes:
        configuration: Name of the NPU with its size.
        memory_mode: The compiler's name of the memory system it planned for.
        compiler: The compiler and its version.
        original_name: The model that was compiled; ``model`` is the compiled one.
        original_sha256: Its hash.
        operators: Its operators.
        npu_operators: Those of them that the NPU took over.
        npu_blocks: Calls of the NPU per inference.
        cpu_operators: Those left to the CPU.
        verdict: One line on that.
        basis: Where the figures below come from.
        cycles_total: NPU cycles per inference, memory stalls included.
        clock_hz: Clock that the estimate assumes.
        sram_bytes: SRAM in use.
        off_sram_bytes: What lies outside SRAM.
        macs: Multiply-accumulates on the NPU.
        fast_memory_bytes: SRAM that the NPU keeps for itself.
    """

    configuration: str
    memory_mode: str
    compiler: str
    original_name: str
    original_sha256: Sha256
    operators: int
    npu_operators: int
    npu_blocks: int
    cpu_operators: tuple[str, ...]
    verdict: str
    basis: Literal["vela_estimate"]
    cycles_total: int
    clock_hz: float
    sram_bytes: int
    off_sram_bytes: int
    macs: int
    fast_memory_bytes: int


class FallbackInfo(_Record):
    """The float model that the quantized one was made from: what to return to if it fails.

    Attributes:
        float_sha256: Hash of the float model as it was given to ``quantize``.
        preprocessing_sha256: Hash of what the specification says; None without one.
        trigger: How beats are found; None without a specification.
        calibration_records: How many records the ranges come from; None if that is not recorded.
    """

    float_sha256: Sha256
    preprocessing_sha256: Sha256 | None
    trigger: str | None
    calibration_records: int | None


class Decision(_Record):
    """One choice and why it was made."""

    what: str
    choice: str
    reason: str


class Manifest(_Record):
    """All of ``manifest.json``. ``files`` has every file of the project but this one."""

    schema_version: Literal[1]
    tool: ToolInfo
    model: ModelInfo
    cleaned_model: CleanedModelInfo | None
    board: BoardInfo
    project_kind: str = "cmake"
    engine: str
    kernels: str
    tflm: TflmInfo
    arena: ArenaInfo
    memory: MemoryInfo
    operators: tuple[OperatorInfo, ...]
    toolchain: ToolchainInfo | None
    linked: LinkedInfo | None
    files: dict[FilePath, Sha256]
    npu: NpuInfo | None = None
    fallback: FallbackInfo | None = None
    warnings: tuple[str, ...]
    decisions: tuple[Decision, ...]

    def to_bytes(self) -> bytes:
        """The file's text; the same manifest always gives the same bytes."""
        text = json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False)
        return (text + "\n").encode("utf-8")


def hash_files(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of every file, by path in the project, sorted."""
    return {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}


def parse_manifest(data: bytes, where: str) -> Manifest:
    """Check the text of a manifest.

    Raises:
        NotAProjectError: If it is not one of ours.
    """
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise NotAProjectError(
            f"{where} is not a manifest of this version of tflm-gen: {key}: {first['msg']}",
            hint="Build the project again: tflm-gen build MODEL --board ID --out DIR",
        ) from error


def read_manifest(project: Path) -> Manifest:
    """Read the manifest of a generated project.

    Raises:
        NotAProjectError: If the folder is no generated project.
    """
    path = project / MANIFEST_NAME
    try:
        data = read_regular(path, limit=MAX_MANIFEST_BYTES)
    except OSError as error:
        raise NotAProjectError(
            f"{project} is not a generated project: it has no readable {MANIFEST_NAME}",
            hint="Make one: tflm-gen build MODEL --board ID --out DIR",
        ) from error
    return parse_manifest(data, str(path))


def check_files(project: Path, manifest: Manifest) -> None:
    """Compare the project's files with their hashes in the manifest.

    Raises:
        ProjectModifiedError: Naming the first files that are missing or changed.
    """
    changed = []
    for name, expected in manifest.files.items():
        try:
            found = hashlib.sha256(read_regular(project / name)).hexdigest()
        except OSError:
            found = None
        if found != expected:
            changed.append(f"{name} ({'missing' if found is None else 'changed'})")
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise ProjectModifiedError(
            f"{len(changed)} of {len(manifest.files)} files of {project} differ from its "
            f"manifest: {', '.join(changed[:3])}{more}",
            hint="Build the project again, or undo the changes.",
        )
