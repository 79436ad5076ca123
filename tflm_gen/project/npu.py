"""What a project says beyond one for the CPU alone when part of its model runs on an NPU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tflm_gen.board_spec import MemoryRegion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.board_loader import Board

DRAM_REGION = "NPU_DDR"


@dataclass(frozen=True, slots=True, kw_only=True)
class NpuPlan:
    """The NPU of a project, and what its compiler made of the model.

    Attributes:
        configuration: Name of the NPU with its size: "ethos-u65-256".
        memory_mode: The compiler's name of the memory system it planned for.
        arena_region: Where the arena lies for it: "sram" or "dram".
        fast_memory_bytes: SRAM that the NPU keeps for itself; 0 if the arena is there.
        compiler: The compiler and its version.
        model_name: Name of the model that was compiled.
        model_sha256: Its hash.
        n_operators: Its operators.
        n_npu_operators: Those of them that the NPU took over.
        n_npu_blocks: Calls of the NPU per inference.
        cpu_operators: TFLite names of those left to the CPU, in order.
        cycles_total: The compiler's estimate of NPU cycles per inference, stalls included.
        clock_hz: The clock it assumes.
        sram_bytes: Its estimate of SRAM in use.
        off_sram_bytes: Its estimate of what lies outside SRAM.
        macs: Multiply-accumulates on the NPU.
        verdict: One line on what the NPU takes over.
    """

    configuration: str
    memory_mode: str
    arena_region: str
    fast_memory_bytes: int
    compiler: str
    model_name: str
    model_sha256: str
    n_operators: int
    n_npu_operators: int
    n_npu_blocks: int
    cpu_operators: tuple[str, ...]
    cycles_total: int
    clock_hz: float
    sram_bytes: int
    off_sram_bytes: int
    macs: int
    verdict: str


def npu_board(board: Board, plan: NpuPlan) -> Board:
    """The board with its memory as the NPU's memory mode wants it."""
    support = board.spec.npu
    if plan.arena_region == "sram" or support is None:
        return board
    memory = [
        region.model_copy(
            update={"holds": tuple(what for what in region.holds if what != "arena")}
            | (
                {"reserved_bytes": region.reserved_bytes + plan.fast_memory_bytes}
                if "arena" in region.holds
                else {}
            )
        )
        for region in board.spec.memory
    ]
    memory.append(
        MemoryRegion(
            name=DRAM_REGION,
            kind="ram",
            origin=support.dram_origin,
            size_bytes=support.dram_bytes,
            holds=("arena",),
        )
    )
    return replace(board, spec=board.spec.model_copy(update={"memory": tuple(memory)}))


def npu_settings(board: Board, plan: NpuPlan | None) -> Iterator[tuple[str, str]]:
    """What the CMake files are told of the NPU; nothing without one."""
    if plan is None:
        return
    yield "ECG_NPU", plan.configuration
    region = board.spec.region_for("arena")
    if region is not None:
        yield "ECG_ARENA_ORIGIN", f"0x{region.origin:08x}"
        yield "ECG_ARENA_REGION_BYTES", str(region.size_bytes)


def npu_defines(plan: NpuPlan | None) -> Iterator[str]:
    """What the port's sources are told of the NPU; nothing without one."""
    if plan is not None:
        yield f"ECG_NPU_FAST_BYTES={plan.fast_memory_bytes}"
