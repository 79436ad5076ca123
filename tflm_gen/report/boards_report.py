"""Text and JSON of ``tflm-gen boards``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.report.table import Column, render_table
from tflm_gen.units import format_bytes, format_hertz

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.board_loader import Board
    from tflm_gen.board_spec import BoardSpec
    from tflm_gen.project.board_fit import BoardFit

LIST_SCHEMA = "tflm-gen/boards-list/1"
SHOW_SCHEMA = "tflm-gen/boards-show/1"
FIT_SCHEMA = "tflm-gen/boards-fit/1"


def boards_text(boards: Sequence[Board]) -> str:
    """A table of the boards."""
    columns = [
        Column(title="board"),
        Column(title="core"),
        Column(title="for the model", is_number=True),
        Column(title="for the arena", is_number=True),
        Column(title="tier"),
        Column(title="name"),
    ]
    rows = [
        [
            board.id,
            board.spec.cpu.core,
            _free_text(board.spec, "model"),
            _free_text(board.spec, "arena"),
            board.spec.tier,
            board.spec.name,
        ]
        for board in boards
    ]
    return "\n".join([*render_table(columns, rows), "", "All facts: tflm-gen boards show BOARD"])


def _free_text(spec: BoardSpec, holding: str) -> str:
    """Free bytes of the region for the model or the arena."""
    region = spec.region_for("model" if holding == "model" else "arena")
    return format_bytes(region.free_bytes) if region else "-"


def boards_document(boards: Sequence[Board]) -> dict[str, object]:
    """The versioned JSON document of the list."""
    return {
        "schema": LIST_SCHEMA,
        "boards": [
            {
                "id": board.id,
                "name": board.spec.name,
                "core": board.spec.cpu.core,
                "tier": board.spec.tier,
                "family": board.spec.family,
            }
            for board in boards
        ],
    }


def board_text(board: Board) -> str:
    """Every fact of a board."""
    spec = board.spec
    clock = f" at {format_hertz(spec.cpu.clock_hz)}" if spec.cpu.clock_hz else ""
    lines = [
        f"{board.id}: {spec.name}",
        f"  tier     {spec.tier}",
        f"  core     {spec.cpu.core}{clock}, cycle counter: {spec.cpu.cycle_counter}",
        f"  console  {spec.console.driver}"
        + (f", {spec.console.baud} baud" if spec.console.baud else ""),
        f"  TFLM     {', '.join(spec.tflm.sources)}",
        f"  runs in  {', '.join(_emulator_names(spec)) or 'no emulator'}",
    ]
    if spec.memory:
        columns = [
            Column(title="memory"),
            Column(title="kind"),
            Column(title="origin"),
            Column(title="bytes", is_number=True),
            Column(title="kept by others", is_number=True),
            Column(title="holds"),
        ]
        rows = [
            [
                region.name,
                region.kind,
                f"{region.origin:#010x}",
                f"{region.size_bytes:,}",
                f"{region.reserved_bytes:,}" if region.reserved_bytes else "",
                ", ".join(region.holds),
            ]
            for region in spec.memory
        ]
        lines += ["", *render_table(columns, rows)]
    lines += ["", "  sources", *(f"    {source}" for source in spec.source)]
    return "\n".join(lines)


def _emulator_names(spec: BoardSpec) -> list[str]:
    names = []
    if spec.emulator.qemu is not None:
        twin = " (twin)" if spec.emulator.qemu.twin_family else ""
        names.append(f"QEMU {spec.emulator.qemu.machine}{twin}")
    if spec.emulator.renode is not None:
        names.append(f"Renode {spec.emulator.renode.platform}")
    return names


def board_document(board: Board) -> dict[str, object]:
    """The versioned JSON document of one board."""
    return {
        "schema": SHOW_SCHEMA,
        "id": board.id,
        "board": board.spec.model_dump(mode="json"),
    }


def fit_text(fits: Sequence[BoardFit], *, model_bytes: int) -> str:
    """The answer for every board."""
    columns = [
        Column(title="board"),
        Column(title="fits"),
        Column(title="flash", is_number=True),
        Column(title="RAM", is_number=True),
        Column(title="arena", is_number=True),
        Column(title="tier"),
    ]
    rows = [
        [
            fit.board.id,
            "yes" if fit.fits else "no",
            format_bytes(fit.flash_bytes),
            "?" if fit.ram_bytes is None else format_bytes(fit.ram_bytes),
            "?" if fit.arena is None else f"{fit.arena.size_bytes:,} B",
            fit.board.spec.tier,
        ]
        for fit in fits
    ]
    why = [f"  {fit.reason}" for fit in fits if not fit.fits]
    how = sorted({f"  {fit.arena.words}" for fit in fits if fit.arena is not None})
    return "\n".join(
        [
            f"model {model_bytes:,} B; estimates before linking",
            *render_table(columns, rows),
            *(["", "why not", *why] if why else []),
            *(["", "arenas", *how] if how else []),
        ]
    )


def fit_document(fits: Sequence[BoardFit], *, model_bytes: int) -> dict[str, object]:
    """The versioned JSON document of a fit."""
    return {
        "schema": FIT_SCHEMA,
        "model_bytes": model_bytes,
        "boards": [
            {
                "id": fit.board.id,
                "fits": fit.fits,
                "reason": fit.reason or None,
                "tier": fit.board.spec.tier,
                "flash_bytes": fit.flash_bytes,
                "ram_bytes": fit.ram_bytes,
                "arena_bytes": fit.arena.size_bytes if fit.arena else None,
                "arena_basis": fit.arena.words if fit.arena else None,
            }
            for fit in fits
        ],
    }
