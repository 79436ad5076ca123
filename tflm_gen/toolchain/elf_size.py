"""Sizes of linked firmware from its sections: Arm's prebuilt image and our own code apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.toolchain.elf_file import ElfFile

# Sections that hold one thing alone; everything else is our code or our variables.
_IMAGE_PREFIX = ".image"
_IMAGE_RAM_COPY = ".image_bram"
_OWN_SECTIONS = {
    ".model": "model",
    ".stack": "stack",
    ".application_stack": "stack",
    ".arena": "arena",
    ".test_vector": "vector",  # A constant, that ports with little room for code keep elsewhere.
    ".npu_fast_memory": "npu",  # Not a variable of ours: the manifest's npu.fast_memory_bytes.
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareSizes:
    """Bytes of a linked firmware.

    Attributes:
        image_flash: Arm's prebuilt image: code and constants of every operator it has; 0
            without one.
        image_ram: Its variables, and what it copies to RAM at start.
        model_flash: The .tflite image.
        code_flash: Our code, its constants, and the start values of its variables.
        data_ram: Our variables, without stack and arena.
        stack_ram: Stack.
        arena_ram: Tensor arena.
        beside_model: Of code_flash, the constants that lie in the model's memory.
    """

    image_flash: int
    image_ram: int
    model_flash: int
    code_flash: int
    data_ram: int
    stack_ram: int
    arena_ram: int
    beside_model: int = 0

    @property
    def code_region(self) -> int:
        """What the memory of the code must hold."""
        return self.code_flash - self.beside_model


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSizes:
    """Sizes of what shares a section with other things where the link script does not part them."""

    model: int
    stack: int
    arena: int


def firmware_sizes(
    firmware: ElfFile, known: KnownSizes, image: ElfFile | None = None
) -> FirmwareSizes:
    """Add up the sections of a firmware.

    Args:
        firmware: The linked firmware.
        known: Sizes of model, stack and arena, for ports that keep them in common sections.
        image: The prebuilt image that is part of it.
    """
    own = {"model": 0, "stack": 0, "arena": 0, "npu": 0, "vector": 0}
    image_flash = image_ram = code = data = 0
    for section in firmware.sections:
        if not section.is_loaded:
            continue
        if section.name.startswith(_IMAGE_PREFIX):
            image_flash += section.size_bytes
            image_ram += section.size_bytes if section.name == _IMAGE_RAM_COPY else 0
        elif section.name in _OWN_SECTIONS:
            own[_OWN_SECTIONS[section.name]] += section.size_bytes
        else:
            data += section.size_bytes if section.is_writable else 0
            is_stored = section.has_file_bytes
            code += section.size_bytes if is_stored else 0
    if image is not None:
        image_ram += sum(s.size_bytes for s in image.sections if s.name == ".bss")
    code -= 0 if own["model"] else known.model
    data -= 0 if own["stack"] else min(data, known.stack)
    data -= 0 if own["arena"] else min(data, known.arena)
    return FirmwareSizes(
        image_flash=image_flash,
        image_ram=image_ram,
        model_flash=own["model"] or known.model,
        code_flash=max(0, code) + own["vector"],
        beside_model=own["vector"],
        data_ram=data,
        stack_ram=own["stack"] or known.stack,
        arena_ram=own["arena"] or known.arena,
    )
