"""Firmware for an Ethos-U: linked, its tensors allocated in QEMU, and never said to have run."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.command_line import assert_refused, run_tool
from tests.support.model_builder import ModelBuilder
from tflm_gen import resources
from tflm_gen.model.reader import parse_model, read_model
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.toolchain.elf_file import ElfFile

pytestmark = [pytest.mark.cross, pytest.mark.qemu, pytest.mark.vela, pytest.mark.image]


def build(model, root, npu):
    return build_project(
        BuildRequest(model=model, board_id="corstone300", out=root, kernels="ethos-u", npu=npu)
    )


def ecg():
    return read_model(resources.examples_dir() / "ecg" / "ecg.tflite")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return build(ecg(), tmp_path_factory.mktemp("npu") / "project", "ethos-u65-256")


def test_the_manifest_tells_the_split_and_the_estimate(project):
    manifest = project.manifest
    assert manifest.npu is not None
    assert manifest.npu.original_sha256 != manifest.model.sha256
    assert manifest.npu.npu_operators == manifest.npu.operators > 1
    assert manifest.npu.basis == "vela_estimate"
    assert manifest.kernels == "ethos-u"
    assert [operator.add_method for operator in manifest.operators] == ["AddEthosU"]


def test_the_arena_is_modelled_and_never_proven(project):
    arena = project.manifest.arena
    assert arena.basis == "modelled"
    assert arena.margin_bytes >= 1024
    assert any("not run" in warning for warning in project.manifest.warnings)


def test_model_arena_and_fast_memory_are_aligned_and_where_the_mode_wants_them(project):
    linked = project.manifest.linked
    assert linked is not None
    elf = ElfFile((project.root / linked.elf).read_bytes())
    sections = {section.name: section for section in elf.sections}
    assert sections[".arena"].address == 0x7200_0000
    assert sections[".npu_fast_memory"].address == 0x3100_0000
    assert sections[".npu_fast_memory"].size_bytes >= 393_216
    assert all(sections[name].address % 16 == 0 for name in (".arena", ".model"))


@pytest.mark.parametrize("verb", ["emulate", "verify", "bench"])
def test_running_it_is_refused_with_what_to_do(project, verb):
    result = run_tool(verb, str(project.root))
    assert_refused(result, code="TG204")
    assert "compiled for an Ethos-U, which no emulator here has" in result.stderr
    assert "--kernels cmsis-nn" in result.stderr


def test_the_summary_gives_the_verdict_and_the_basis(project):
    from tflm_gen.report.build_report import build_document, build_text

    text = build_text(project, project="P")
    assert re.search(r"all \d+ operators run on the NPU", text)
    assert "vela_estimate" in text
    assert "linked, not run" in text
    assert json.loads(json.dumps(build_document(project, project="P")))["manifest"]["npu"]


@pytest.mark.debug_image
def test_the_smaller_npu_keeps_its_arena_in_sram_and_may_share_the_model_with_the_cpu(tmp_path):
    net = ModelBuilder(seed=2)
    x = net.fully_connected(net.input((1, 16)), 8, activation="RELU")
    y = net.binary("DIV", x, net.fully_connected(x, 8))
    model = parse_model(net.finish([net.fully_connected(y, 4)]), "mixed.tflite")
    result = build(model, tmp_path / "mixed", "ethos-u55-128")
    manifest = result.manifest
    assert manifest.npu is not None
    assert manifest.npu.cpu_operators == ("DIV",)
    assert {operator.op for operator in manifest.operators} == {"CUSTOM:ethos-u", "DIV"}
    assert manifest.arena.basis == "modelled"
    linked = manifest.linked
    assert linked is not None
    elf = ElfFile((result.root / linked.elf).read_bytes())
    (arena,) = (section for section in elf.sections if section.name == ".arena")
    assert 0x3100_0000 <= arena.address < 0x3120_0000
