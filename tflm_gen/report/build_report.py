"""The summary of a build: what was linked, what was not and why, sizes, the next command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.report.table import Column, render_table

if TYPE_CHECKING:
    from tflm_gen.pipeline import BuildResult
    from tflm_gen.project.manifest import ArenaInfo, Manifest

SCHEMA = "tflm-gen/build/1"


def build_text(result: BuildResult, *, project: str) -> str:
    """The summary as text.

    Args:
        result: The finished build.
        project: The project's folder as the user would type it.
    """
    manifest = result.manifest
    n_operators = sum(operator.count for operator in manifest.operators)
    lines = [
        f"{manifest.model.name} ({manifest.model.bytes:,} B) on {manifest.board.name}",
        f"operators: {n_operators} of {len(manifest.operators)} kinds: "
        + ", ".join(operator.op for operator in manifest.operators),
        "",
        *_memory_lines(manifest),
        "",
        *(f"warning: {warning}" for warning in manifest.warnings),
        *linked_lines(result),
        *_artifact_lines(manifest, project),
        f"next: {next_command(result, project)}",
    ]
    return "\n".join(lines)


def build_document(result: BuildResult, *, project: str) -> dict[str, object]:
    """The summary as the versioned JSON document."""
    return {
        "schema": SCHEMA,
        "project": project,
        "is_from_cache": result.is_from_cache,
        "is_linked": result.manifest.linked is not None,
        "summary": linked_lines(result),
        "next": next_command(result, project),
        "manifest": result.manifest.model_dump(mode="json"),
    }


def linked_lines(result: BuildResult) -> list[str]:
    """What was linked, and what was not and why."""
    manifest, choice = result.manifest, result.choice
    runtime = f"TFLM ({manifest.tflm.target}) with {manifest.kernels} kernels"
    if manifest.linked is not None:
        again = "; unchanged since the last build" if result.is_from_cache else ""
        return [
            f"linked: engine {manifest.engine}: {runtime}{again}",
            "not linked: engine compiled: it is not in this version of tflm-gen",
        ]
    if choice.source is None:
        why = f"{choice.facts.id} is not here (to get it: {choice.facts.how_to_get})"
    else:
        why = "asked for with --no-build"
    return [
        f"not linked: engine {manifest.engine}: {runtime}: {why}",
        "not linked: engine compiled: it is not in this version of tflm-gen",
    ]


def next_command(result: BuildResult, project: str) -> str:
    """What the user does next."""
    if result.manifest.linked is not None:
        return f"tflm-gen verify {project}"
    if result.choice.source is None:
        return f"{result.choice.facts.how_to_get}, then repeat this build"
    return f"the two cmake lines of {project}/README.md"


def describe_arena_basis(arena: ArenaInfo) -> str:
    """How the arena's size is known, in words."""
    if arena.basis == "proven":
        failed = "" if not arena.failed_at else f", failed at {arena.failed_at:,} B"
        return f"proven: ran at {arena.ran_at:,} B{failed}"
    if arena.basis == "modelled":
        return f"modelled: this machine's minimum + {arena.margin_bytes:,} B margin"
    return "not searched: all that the board has"


def _memory_lines(manifest: Manifest) -> list[str]:
    """Flash and RAM; Arm's image is labelled, ours stands apart."""
    memory, regions = manifest.memory, {p.what: p.region for p in manifest.memory.placements}
    rows = [("model", memory.model_flash_bytes, regions.get("model", ""), "")]
    if memory.code_flash_bytes is not None:
        rows.append(("our code", memory.code_flash_bytes, regions.get("code", ""), ""))
    if memory.data_ram_bytes is not None:
        rows.append(("our variables", memory.data_ram_bytes, regions.get("data", ""), ""))
    rows.append(("stack", memory.stack_ram_bytes, regions.get("stack", ""), ""))
    basis = describe_arena_basis(manifest.arena)
    rows.append(("tensor arena", memory.arena_ram_bytes, regions.get("arena", ""), basis))
    if memory.image_flash_bytes is not None and memory.image_ram_bytes is not None:
        note = "Arm's prebuilt image: every operator it has"
        rows.append(("TFLM, code", memory.image_flash_bytes, "", note))
        rows.append(("TFLM, RAM", memory.image_ram_bytes, "", note))
    table = [[what, f"{size:,}", region, note] for what, size, region, note in rows]
    columns = [
        Column(title="memory"),
        Column(title="bytes", is_number=True),
        Column(title="region"),
        Column(title="basis"),
    ]
    return render_table(columns, table)


def _artifact_lines(manifest: Manifest, project: str) -> list[str]:
    """Where the firmware is."""
    if manifest.linked is None:
        return [f"project: {project}"]
    names = [name for name in (manifest.linked.elf, manifest.linked.hex) if name]
    return ["firmware: " + ", ".join(f"{project}/{name}" for name in names)]
