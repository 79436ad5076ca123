"""Sizes of the arena tables against the debug information of Arm's debug image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from tests.support.dwarf_layout import read_types
from tests.support.requirements import require
from tflm_gen.arena_model.tables import load_table
from tflm_gen.tflm.image import DEBUG_IMAGE, find_image

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = {
    "parameter_allocator": "MicroBuiltinDataAllocator",
    "scratch_request": "ScratchBufferRequest",
    "subgraph": "SubgraphAllocations",
    "eval_tensor": "TfLiteEvalTensor",
    "node": "NodeAndRegistration",
    "scratch_handle": "ScratchBufferHandle",
    "tensor": "TfLiteTensor",
    "affine": "TfLiteAffineQuantization",
    "allocation_info": "AllocationInfo",
}
CREATED = ("SingleArenaBufferAllocator", "GreedyMemoryPlanner", "MicroAllocator")
# For every buffer: what is wanted, its place in the list, and its size, number and offset.
PLANNER = ("BufferRequirements", "ListEntry")
UNITS = ("micro_allocator.cc", "greedy_memory_planner.cc", "single_arena_buffer_allocator.cc")


@pytest.fixture(scope="module")
def sizes() -> dict[str, int]:
    require("debug_image")
    path = find_image(DEBUG_IMAGE)
    assert path is not None
    found = read_types(path, {*SOURCES.values(), *CREATED}, UNITS)
    return {name: layout.size for name, layout in found.layouts.items()} | _nested(path)


def _nested(path: Path) -> dict[str, int]:
    """Sizes of the planner's own structures, which are declared inside its class."""
    with path.open("rb") as stream:
        for unit in ELFFile(stream).get_dwarf_info().iter_CUs():
            name = unit.get_top_DIE().attributes.get("DW_AT_name")
            if name is None or not name.value.endswith(b"greedy_memory_planner.cc"):
                continue
            return {
                die.attributes["DW_AT_name"].value.decode(): die.attributes["DW_AT_byte_size"].value
                for die in unit.iter_DIEs()
                if {"DW_AT_name", "DW_AT_byte_size"} <= die.attributes.keys()
                and die.attributes["DW_AT_name"].value.decode() in PLANNER
            }
    return {}


@pytest.mark.parametrize("table_id", ["corstone300_image", "arm_cmsis_dsp", "arm_reference"])
def test_structures_are_as_large_as_the_debug_image_says(
    table_id: str, sizes: dict[str, int]
) -> None:
    structures = load_table(table_id).structures
    in_table = {field: getattr(structures, field)[0] for field in SOURCES}
    assert in_table == {field: sizes[name] for field, name in SOURCES.items()}
    assert [size for size, _ in structures.create] == [sizes[name] for name in CREATED]
    assert structures.planner_buffer == sum(sizes[name] for name in PLANNER) + 3 * 4
