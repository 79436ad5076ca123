"""Our declarations of the Ethos-U driver against the debug information of Arm's image."""

from __future__ import annotations

import pytest
from elftools.elf.elffile import ELFFile

from tests.support.command_line import ROOT
from tests.support.dwarf_layout import read_types
from tests.support.programs import check
from tflm_gen.tflm.image import DEBUG_IMAGE, find_image

API = ROOT / "firmware_templates" / "tflm_api" / "corstone300_image"
UNITS = ("ethosu_driver.c", "ethosu_npu_init.c")
USE = """
#include "image_npu_driver.h"
static_assert(sizeof(ethosu_driver) == {size}, "size");
static_assert(alignof(ethosu_driver) >= 8, "alignment");
int Init(ethosu_driver* d) {{ return ethosu_init(d, nullptr, nullptr, 0, 1, 1); }}
"""


def functions(path, wanted):
    """Parameter names with their sizes in bytes, by function."""
    found = {}
    with path.open("rb") as stream:
        dwarf = ELFFile(stream).get_dwarf_info()
        for unit in dwarf.iter_CUs():
            top = unit.get_top_DIE()
            if not top.attributes["DW_AT_name"].value.decode().endswith(UNITS):
                continue
            for die in top.iter_children():
                name = die.attributes.get("DW_AT_name")
                if die.tag != "DW_TAG_subprogram" or name is None:
                    continue
                if name.value.decode() in wanted and "DW_AT_low_pc" in die.attributes:
                    found[name.value.decode()] = [
                        child.attributes["DW_AT_name"].value.decode()
                        for child in die.iter_children()
                        if child.tag == "DW_TAG_formal_parameter"
                    ]
    return found


@pytest.mark.cross
@pytest.mark.debug_image
def test_the_driver_is_declared_as_the_image_has_it(tmp_path):
    image = find_image(DEBUG_IMAGE)
    assert image is not None
    layout = read_types(image, {"ethosu_driver"}, UNITS).layouts["ethosu_driver"]
    assert functions(image, {"ethosu_init", "ethosu_irq_handler"}) == {
        "ethosu_init": [
            *("drv", "base_address", "fast_memory", "fast_memory_size"),
            *("secure_enable", "privilege_enable"),
        ],
        "ethosu_irq_handler": ["drv"],
    }
    source = tmp_path / "use.cc"
    source.write_text(USE.format(size=layout.size))
    compiler = ("arm-none-eabi-g++", "-mcpu=cortex-m55", "-mthumb", "-std=c++17")
    check(*compiler, f"-I{API}", "-fsyntax-only", source)


@pytest.mark.cross
def test_a_wrong_size_of_the_driver_is_noticed(tmp_path):
    source = tmp_path / "use.cc"
    source.write_text(USE.format(size=64))
    from tests.support.programs import run

    compiler = ("arm-none-eabi-g++", "-mcpu=cortex-m55", "-mthumb", "-std=c++17")
    assert run(*compiler, f"-I{API}", "-fsyntax-only", source).returncode != 0
