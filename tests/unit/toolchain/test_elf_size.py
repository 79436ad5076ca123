from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tflm_gen.toolchain.elf_file import ElfFile
from tflm_gen.toolchain.elf_size import KnownSizes, firmware_sizes

SOURCE = """
.section .image_itcm, "ax", %progbits
.space 1000
.section .image_bram, "ax", %progbits
.space 200
.section .model, "a", %progbits
.space 300
.text
.space 400
.data
.space 50
.bss
.space 60
.section .stack, "aw", %nobits
.space 512
.section .arena, "aw", %nobits
.space 4096
.section .comment2, "", %progbits
.space 999
"""


def assemble(folder: Path, text: str) -> ElfFile:
    (folder / "a.s").write_text(text)
    subprocess.run(["arm-none-eabi-as", "-o", "a.o", "a.s"], cwd=folder, check=True)
    return ElfFile((folder / "a.o").read_bytes())


@pytest.mark.cross
def test_sections_are_told_apart(tmp_path: Path) -> None:
    sizes = firmware_sizes(assemble(tmp_path, SOURCE), KnownSizes(model=1, stack=1, arena=1))
    assert sizes.image_flash == 1200
    assert sizes.image_ram == 200
    assert sizes.model_flash == 300
    assert sizes.code_flash == 450  # Code, and the start values of variables.
    assert sizes.data_ram == 110
    assert sizes.stack_ram == 512
    assert sizes.arena_ram == 4096


@pytest.mark.cross
def test_a_golden_vector_beside_the_model_is_ours_but_not_in_the_memory_of_code(
    tmp_path: Path,
) -> None:
    text = SOURCE + '.section .test_vector, "a", %progbits\n.space 70\n'
    sizes = firmware_sizes(assemble(tmp_path, text), KnownSizes(model=1, stack=1, arena=1))
    assert (sizes.model_flash, sizes.code_flash, sizes.code_region) == (300, 520, 450)


@pytest.mark.cross
def test_image_variables_come_from_the_image(tmp_path: Path) -> None:
    image = assemble(tmp_path, ".bss\n.space 77\n")
    firmware = assemble(tmp_path, SOURCE)
    sizes = firmware_sizes(firmware, KnownSizes(model=1, stack=1, arena=1), image)
    assert sizes.image_ram == 277


@pytest.mark.cross
def test_common_sections_are_split_by_the_known_sizes(tmp_path: Path) -> None:
    text = ".text\n.space 1000\n.bss\n.space 5000\n"
    sizes = firmware_sizes(assemble(tmp_path, text), KnownSizes(model=300, stack=512, arena=4096))
    assert (sizes.model_flash, sizes.code_flash) == (300, 700)
    assert (sizes.data_ram, sizes.stack_ram, sizes.arena_ram) == (5000 - 4608, 512, 4096)
