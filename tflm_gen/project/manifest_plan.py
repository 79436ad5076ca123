"""plan_manifest(): the manifest of a project from everything that was decided and built."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen import __version__
from tflm_gen.project import manifest as m
from tflm_gen.project.cleaned import cleaned_model_info, cleaning_decisions
from tflm_gen.project.fallback import fallback_info
from tflm_gen.project.plan import ProjectSpec, model_crc
from tflm_gen.tflm.source_facts import Reasoned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tflm_gen.memory_plan import ArenaResult, MemoryPlan
    from tflm_gen.project.npu import NpuPlan
    from tflm_gen.toolchain.elf_size import FirmwareSizes


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestInputs:
    """What a manifest tells of.

    Attributes:
        spec: The project.
        kind: Kind of the project.
        reasons: Why this engine and these kernels.
        source_sha256: Hash of the TFLM that was linked, or None if nothing is linked.
        arena: The arena.
        plan: What lies where.
        files: Every file of the project but the manifest.
        sizes: Flash and RAM of the linked firmware, or None if nothing is linked.
        compiler: Version of the compiler, or None if nothing is linked.
        cmake: Version of CMake, or None if nothing is linked.
        warnings: What the user should know.
    """

    spec: ProjectSpec
    kind: str = "cmake"
    reasons: tuple[Reasoned, ...]
    source_sha256: str | None
    arena: ArenaResult
    plan: MemoryPlan
    files: Mapping[PurePosixPath, bytes]
    sizes: FirmwareSizes | None
    compiler: str | None
    cmake: str | None
    warnings: tuple[str, ...]


def plan_manifest(inputs: ManifestInputs) -> m.Manifest:
    """The manifest; equal inputs give equal manifests."""
    spec = inputs.spec
    board = spec.board
    return m.Manifest(
        schema_version=1,
        tool=m.ToolInfo(name="tflm-gen", version=__version__),
        model=_model(spec),
        cleaned_model=cleaned_model_info(spec),
        board=m.BoardInfo(
            id=board.id,
            name=board.spec.name,
            tier=board.spec.tier,
            file_sha256=hashlib.sha256(board.file_bytes).hexdigest(),
        ),
        project_kind=inputs.kind,
        engine=spec.engine,
        kernels=spec.kernels,
        tflm=_tflm(inputs),
        arena=_arena(inputs),
        memory=_memory(inputs),
        operators=_operators(spec),
        toolchain=_toolchain(inputs),
        linked=_linked(inputs),
        files=m.hash_files({str(path): data for path, data in inputs.files.items()}),
        npu=_npu(spec.npu) if spec.npu else None,
        fallback=fallback_info(spec),
        warnings=inputs.warnings,
        decisions=tuple(
            m.Decision(what=item.what, choice=item.choice, reason=item.reason)
            for item in (*inputs.reasons, *_own_decisions(inputs))
        ),
    )


def _model(spec: ProjectSpec) -> m.ModelInfo:
    """The user's model; for an NPU the compiled one, because its section tells of the other."""
    model, file = spec.model, m.MODEL_FILE
    if spec.cleaning is not None and spec.cleaning.is_changed and spec.npu is None:
        model, file = spec.cleaning.original, m.ORIGINAL_FILE
    return m.ModelInfo(
        name=model.name,
        file=file,
        sha256=model.sha256,
        bytes=len(model.flatbuffer),
        crc32=model_crc(model),
        schema_version=model.schema_version,
    )


def _tflm(inputs: ManifestInputs) -> m.TflmInfo:
    golden = inputs.spec.golden
    return m.TflmInfo(
        oracle=golden.oracle if golden.outputs is not None else None,
        target=inputs.spec.source.runtime_id,
        source=inputs.spec.source.id,
        source_sha256=inputs.source_sha256,
    )


def _arena(inputs: ManifestInputs) -> m.ArenaInfo:
    arena = inputs.arena
    return m.ArenaInfo.model_validate(
        {
            "bytes": arena.size_bytes,
            "basis": arena.basis,
            "ran_at": arena.ran_at,
            "failed_at": arena.failed_at,
            "margin_bytes": arena.margin_bytes,
            "rule": arena.modelled_from if arena.basis in ("modelled", "static") else None,
            "kernels": inputs.spec.kernels,
            "core": inputs.spec.board.spec.cpu.core,
            "tflm": inputs.spec.runtime_id,
        }
    )


def _memory(inputs: ManifestInputs) -> m.MemoryInfo:
    sizes = inputs.sizes
    has_image = sizes is not None and sizes.image_flash > 0
    return m.MemoryInfo(
        model_flash_bytes=inputs.spec.model_array_bytes,
        code_flash_bytes=sizes.code_flash if sizes else None,
        data_ram_bytes=sizes.data_ram if sizes else None,
        stack_ram_bytes=inputs.spec.board.spec.firmware.stack_bytes,
        arena_ram_bytes=inputs.arena.size_bytes,
        image_flash_bytes=sizes.image_flash if sizes and has_image else None,
        image_ram_bytes=sizes.image_ram if sizes and has_image else None,
        placements=tuple(
            m.PlacementInfo(
                what=item.what,
                region=item.region,
                bytes=item.size_bytes,
                free_bytes=item.free_bytes,
            )
            for item in inputs.plan.placements
        ),
    )


def _npu(plan: NpuPlan) -> m.NpuInfo:
    return m.NpuInfo(
        configuration=plan.configuration,
        memory_mode=plan.memory_mode,
        compiler=plan.compiler,
        original_name=plan.model_name,
        original_sha256=plan.model_sha256,
        operators=plan.n_operators,
        npu_operators=plan.n_npu_operators,
        npu_blocks=plan.n_npu_blocks,
        cpu_operators=plan.cpu_operators,
        verdict=plan.verdict,
        basis="vela_estimate",
        cycles_total=plan.cycles_total,
        clock_hz=plan.clock_hz,
        sram_bytes=plan.sram_bytes,
        off_sram_bytes=plan.off_sram_bytes,
        macs=plan.macs,
        fast_memory_bytes=plan.fast_memory_bytes,
    )


def _operators(spec: ProjectSpec) -> tuple[m.OperatorInfo, ...]:
    methods = {entry.op: entry.add_method for entry in spec.entries}
    return tuple(
        m.OperatorInfo(
            op=usage.op,
            count=usage.count,
            versions=usage.versions,
            dtypes=usage.dtypes,
            add_method=methods.get(usage.op, ""),
        )
        for usage in sorted(spec.usages, key=lambda usage: usage.op)
    )


def _toolchain(inputs: ManifestInputs) -> m.ToolchainInfo | None:
    if inputs.compiler is None or inputs.cmake is None:
        return None
    return m.ToolchainInfo(
        compiler=inputs.compiler,
        cmake=inputs.cmake,
        flags=inputs.spec.board.spec.firmware.optimize,
    )


def _linked(inputs: ManifestInputs) -> m.LinkedInfo | None:
    out = PurePosixPath("out") / inputs.spec.engine
    if out / "firmware.elf" not in inputs.files:
        return None

    def if_present(name: str) -> str | None:
        return str(out / name) if out / name in inputs.files else None

    return m.LinkedInfo(
        engine=inputs.spec.engine,
        elf=str(out / "firmware.elf"),
        hex=if_present("firmware.hex"),
        map=if_present("firmware.map"),
    )


def _applications(spec: ProjectSpec) -> Iterator[Reasoned]:
    """Which engines' applications are in the project, and why one is not."""
    why = spec.tflm_obstacle
    yield Reasoned(
        what="application tflm",
        choice="left out" if why else "in the project",
        reason=why or f"made for {spec.source.runtime_id}",
    )
    part = spec.compiled
    yield Reasoned(
        what="application compiled",
        choice="in the project" if part and part.model else "left out",
        reason=part.words if part else "the model is compiled for the NPU instead",
    )


def _own_decisions(inputs: ManifestInputs) -> tuple[Reasoned, ...]:
    """Choices that follow from the model and the board."""
    spec = inputs.spec
    return (
        *cleaning_decisions(spec),
        Reasoned(
            what="tflm",
            choice=spec.source.runtime_id,
            reason=f"{spec.board.id} links TFLM from {spec.source.id}",
        ),
        *_applications(spec),
        Reasoned(
            what="operators",
            choice=", ".join(usage.op for usage in sorted(spec.usages, key=lambda each: each.op)),
            reason="those of the model and no others",
        ),
        Reasoned(
            what="arena",
            choice=f"{inputs.arena.size_bytes} bytes",
            reason=inputs.arena.words,
        ),
        Reasoned(
            what="golden vector",
            choice="none" if spec.golden.outputs is None else "one input, all outputs",
            reason=spec.golden.oracle,
        ),
    )
