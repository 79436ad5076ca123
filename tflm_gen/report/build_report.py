"""The summary of a build: what was linked, what was not and why, sizes, the next command."""

from __future__ import annotations

import shlex
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
        *clean_lines(manifest),
        *npu_lines(manifest),
        *(f"warning: {warning}" for warning in manifest.warnings),
        *linked_lines(result),
        *result.notes,
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
        "summary": [*linked_lines(result), *result.notes],
        "next": next_command(result, project),
        "manifest": result.manifest.model_dump(mode="json"),
    }


def linked_lines(result: BuildResult) -> list[str]:
    """What was linked, and what was not and why."""
    manifest, choice = result.manifest, result.choice
    tflm = f"engine tflm: TFLM ({manifest.tflm.target})"
    compiled = "engine compiled: the model as C"
    carried = {item.what: item for item in manifest.decisions}
    if choice.is_compiled:
        why_not = _why_no_tflm(result)
        linked, other = f"{compiled} with {manifest.kernels} kernels", f"{tflm}: {why_not}"
    else:
        part = carried["application compiled"]
        is_here = part.choice == "in the project"
        why_not = "use --engine compiled" if is_here else part.reason
        linked, other = f"{tflm} with {manifest.kernels} kernels", f"{compiled}: {why_not}"
    if manifest.linked is not None:
        again = "; unchanged since the last build" if result.is_from_cache else ""
        return [f"linked: {linked}{again}", f"not linked: {other}"]
    if manifest.project_kind == "esp-idf":
        why = "ESP-IDF builds it (this project is generated only)"
    elif not choice.can_link:
        why = f"{choice.facts.id} is not here (to get it: {choice.facts.how_to_get})"
    else:
        why = "asked for with --no-build"
    return [f"not linked: {linked}: {why}", f"not linked: {other}"]


def _why_no_tflm(result: BuildResult) -> str:
    """Why the compiled engine was linked in TFLM's place."""
    choice = result.choice
    carried = {item.what: item for item in result.manifest.decisions}["application tflm"]
    if carried.choice != "in the project":
        return carried.reason
    engine = next(item for item in choice.reasons if item.what == "engine")
    if engine.reason.startswith("asked for"):
        return "use --engine tflm"
    return f"{engine.reason} (to get it: {choice.facts.how_to_get})"


def clean_lines(manifest: Manifest) -> list[str]:
    """What was rewritten in the model, what that saved and how it is proven."""
    cleaned = manifest.cleaned_model
    undone = [d for d in manifest.decisions if d.what.startswith("clean-up step ")]
    lines = [f"not cleaned: {d.what.removeprefix('clean-up step ')}: {d.reason}" for d in undone]
    if cleaned is None:
        return lines
    before, after = cleaned.operators
    saved = [f"operators {before} -> {after}"]
    if manifest.npu is None:
        saved.append(f"file {manifest.model.bytes:,} -> {cleaned.bytes:,} B")
    if cleaned.arena_bytes is not None:
        first, last = cleaned.arena_bytes
        saved.append(f"arena {first:,} -> {last:,} B (as this machine's allocator records it)")
    return [
        f"cleaned: {', '.join(saved)}",
        *(f"  {step.name}: {step.detail}" for step in cleaned.steps),
        f"  proof: {cleaned.proof.words}",
        *([f"saved from: {cleaned.note}"] if cleaned.note else []),
        *lines,
        "",
    ]


def npu_lines(manifest: Manifest) -> list[str]:
    """What the NPU takes over, and its compiler's estimate; nothing without one."""
    npu = manifest.npu
    if npu is None:
        return []
    milliseconds = 1000 * npu.cycles_total / npu.clock_hz
    return [
        f"NPU: {npu.configuration}, {npu.memory_mode}: {npu.verdict}",
        f"NPU estimate (vela_estimate, {npu.compiler}): {npu.cycles_total:,} cycles "
        f"({milliseconds:.3f} ms at its assumed {npu.clock_hz / 1e6:,.0f} MHz), "
        f"{npu.macs:,} MACs, SRAM {npu.sram_bytes:,} B, outside SRAM {npu.off_sram_bytes:,} B",
        "NPU images are linked, not run: no emulator here has an Ethos-U",
        "",
    ]


def next_command(result: BuildResult, project: str) -> str:
    """What the user does next."""
    npu, board = result.manifest.npu, result.manifest.board.id
    if npu is not None and result.manifest.linked is not None:
        return f"tflm-gen build {npu.original_name}.tflite --board {board} --kernels cmsis-nn (CPU)"
    if result.manifest.linked is not None:
        return f"tflm-gen verify {shlex.quote(project)}"
    if result.manifest.project_kind == "esp-idf":
        return f"in {shlex.quote(project)}: idf.py set-target {board} && idf.py build"
    if not result.choice.can_link:
        return f"{result.choice.facts.how_to_get}, then repeat this build"
    return f"the two cmake lines of {project}/README.md"


def describe_arena_basis(arena: ArenaInfo) -> str:
    """How the arena's size is known, in words."""
    if arena.basis == "proven":
        failed = "" if not arena.failed_at else f", failed at {arena.failed_at:,} B"
        apart = f", {arena.margin_bytes:,} B keep data apart" if arena.margin_bytes else ""
        return f"proven: ran at {arena.ran_at:,} B{failed}{apart}"
    if arena.basis == "modelled":
        return f"modelled: {arena.rule or 'computed'} + {arena.margin_bytes:,} B margin"
    if arena.basis == "static":
        return f"static plan: exact, {arena.rule or 'not searched'}"
    return "not searched: all that the board has"


def _memory_lines(manifest: Manifest) -> list[str]:
    """Flash and RAM; Arm's image is labelled, ours stands apart."""
    memory, regions = manifest.memory, {p.what: p.region for p in manifest.memory.placements}
    placed = {p.what: p.bytes for p in memory.placements}
    rows = []
    if memory.model_flash_bytes:
        rows.append(("model", memory.model_flash_bytes, regions.get("model", ""), ""))
    if memory.code_flash_bytes is not None:
        here = placed.get("code", memory.code_flash_bytes)
        rows.append(("our code", here, regions.get("code", ""), ""))
        if here < memory.code_flash_bytes:
            golden = memory.code_flash_bytes - here
            rows.append(
                ("golden vector", golden, regions.get("model", ""), "what start-up compares")
            )
    if memory.data_ram_bytes is not None:
        rows.append(("our variables", memory.data_ram_bytes, regions.get("data", ""), ""))
    rows.append(("stack", memory.stack_ram_bytes, regions.get("stack", ""), ""))
    basis = describe_arena_basis(manifest.arena)
    if manifest.npu is not None:
        basis = basis.replace("this machine's minimum", "what TFLM allocated in QEMU")
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
