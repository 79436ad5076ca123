"""plan_manifest(): the manifest of a project from everything that was decided and built."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen import __version__
from tflm_gen.project import manifest as m
from tflm_gen.project.plan import ProjectSpec, model_crc
from tflm_gen.tflm.source_facts import Reasoned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.memory_plan import ArenaResult, MemoryPlan
    from tflm_gen.toolchain.elf_size import FirmwareSizes


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestInputs:
    """What a manifest tells of.

    Attributes:
        spec: The project.
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
        model=m.ModelInfo(
            name=spec.model.name,
            file="model/model.tflite",
            sha256=spec.model.sha256,
            bytes=len(spec.model.flatbuffer),
            crc32=model_crc(spec.model),
            schema_version=spec.model.schema_version,
        ),
        cleaned_model=None,
        board=m.BoardInfo(
            id=board.id,
            name=board.spec.name,
            tier=board.spec.tier,
            file_sha256=hashlib.sha256(board.file_bytes).hexdigest(),
        ),
        engine=spec.engine,
        kernels=spec.kernels,
        tflm=_tflm(inputs),
        arena=_arena(inputs),
        memory=_memory(inputs),
        operators=_operators(spec),
        toolchain=_toolchain(inputs),
        linked=_linked(inputs),
        files=m.hash_files({str(path): data for path, data in inputs.files.items()}),
        warnings=inputs.warnings,
        decisions=tuple(
            m.Decision(what=item.what, choice=item.choice, reason=item.reason)
            for item in (*inputs.reasons, *_own_decisions(inputs))
        ),
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
            "kernels": inputs.spec.kernels,
            "core": inputs.spec.board.spec.cpu.core,
            "tflm": inputs.spec.source.runtime_id,
        }
    )


def _memory(inputs: ManifestInputs) -> m.MemoryInfo:
    sizes = inputs.sizes
    has_image = sizes is not None and sizes.image_flash > 0
    return m.MemoryInfo(
        model_flash_bytes=len(inputs.spec.model.flatbuffer),
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


def _operators(spec: ProjectSpec) -> tuple[m.OperatorInfo, ...]:
    methods = {entry.op: entry.add_method for entry in spec.entries}
    return tuple(
        m.OperatorInfo(
            op=usage.op,
            count=usage.count,
            versions=usage.versions,
            dtypes=usage.dtypes,
            add_method=methods[usage.op],
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


def _own_decisions(inputs: ManifestInputs) -> tuple[Reasoned, ...]:
    """Choices that follow from the model and the board."""
    spec = inputs.spec
    return (
        Reasoned(
            what="tflm",
            choice=spec.source.runtime_id,
            reason=f"{spec.board.id} links TFLM from {spec.source.id}",
        ),
        Reasoned(
            what="operators",
            choice=", ".join(entry.op for entry in spec.entries),
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
