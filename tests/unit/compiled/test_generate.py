"""The generated files: deterministic, readable, self-contained, and within the memory goals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.n1.model import build_n1
from tests.support.model_builder import ModelBuilder
from tests.support.requirements import require
from tests.support.zoo import ZOO
from tflm_gen.compiled.emit import float_text, integer_text, wrapped
from tflm_gen.compiled.generate import compile_model, target_of_core
from tflm_gen.compiled.ir import Target
from tflm_gen.errors import NotCompilableError
from tflm_gen.model.reader import parse_model, read_model

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "tests" / "fixtures" / "synthetic_ecg" / "ecg.tflite"


@pytest.mark.parametrize("target", list(Target))
def test_output_is_deterministic(target: Target) -> None:
    first, second = (compile_model(read_model(EXAMPLE), target) for _ in range(2))
    assert first.files == second.files


def test_only_the_kernels_in_use_are_there() -> None:
    net = ModelBuilder(seed=1)
    data = net.finish([net.softmax(net.input((1, 5)))])
    compiled = compile_model(parse_model(data, "tiny.tflite"), Target.DSP)
    assert compiled.sources == ("model.c", "src/softmax.c")
    assert [path for path in compiled.files if path.startswith("src/")] == ["src/softmax.c"]


def test_every_include_is_shipped() -> None:
    for target in Target:
        compiled = compile_model(read_model(EXAMPLE), target)
        for path, data in compiled.files.items():
            for name in re.findall(r'#include "([^"]+)"', data.decode()):
                assert name == "model.h" or f"include/{name}" in compiled.files, path


def test_the_call_plan_names_tensors_shapes_and_places() -> None:
    source = compile_model(read_model(EXAMPLE), Target.DSP).files["model.c"].decode()
    assert re.search(r"// from \[\d+\] int8 1x1x360x1 at \d+: \S+", source)
    assert "// CONV_2D+MAX_POOL_2D, operator " in source
    assert "// scratch " in source


def test_generated_code_uses_no_heap_and_no_float_arithmetic() -> None:
    for target in Target:
        files = compile_model(read_model(EXAMPLE), target).files
        for path, data in files.items():
            text = re.sub(r"//.*", "", data.decode())
            assert not re.search(r"\b(malloc|calloc|realloc|free|printf)\b", text), path
            if path.startswith("src/"):
                assert not re.search(r"\b(float|double)\b", text), path


def test_shape_arithmetic_before_a_reshape_is_dropped() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 4, 8))
    shape = net.shape_of(x)
    out = net.like(x, (1, 32))
    net.operator("RESHAPE", [x, shape], [out])
    program = compile_model(
        parse_model(net.finish([net.activation(out, "RELU")]), "net.tflite"), Target.PORTABLE
    ).program
    assert [step.op for step in program.steps] == ["RELU"]


def test_refusals_name_operator_index_reason_and_the_other_engine() -> None:
    model = parse_model(ZOO["attention"](), "attention.tflite")
    with pytest.raises(NotCompilableError) as caught:
        compile_model(model, Target.PORTABLE)
    assert re.match(r"operator \d+ \(BATCH_MATMUL\): ", caught.value.message)
    assert "--engine tflm" in caught.value.hint


@pytest.mark.parametrize("name", ["cnn_2d", "resnet_1d", "unet_1d", "tcn", "mlp"])
def test_memory_stays_below_tflms(name: str) -> None:
    """A generous margin for the smaller structures of a 32-bit TFLM."""
    require("oracle")
    from tflm_gen.oracle.client import find_smallest_host_arena
    from tflm_gen.vectors import make_vectors

    data = ZOO[name]()
    model = parse_model(data, f"{name}.tflite")
    vector = make_vectors(model.inputs, count=1, seed=0)[0]
    tflm_bytes = find_smallest_host_arena(data, vector)
    for target in Target:
        assert compile_model(model, target).memory.arena_bytes <= 0.8 * tflm_bytes


def test_n1_keeps_one_activation_beside_the_next() -> None:
    model = parse_model(build_n1(), "n1.tflite")
    plan = compile_model(model, Target.PORTABLE).memory
    # 180 x 8 and 90 x 16 bytes; the un-pooled tensors never exist.
    assert plan.arena_bytes == 2 * 1440


@pytest.mark.parametrize(
    ("core", "target"),
    [
        ("cortex-m0plus", Target.PORTABLE),
        ("cortex-m3", Target.PORTABLE),
        ("cortex-m4f", Target.DSP),
        ("cortex-m33", Target.DSP),
        ("cortex-m55", Target.MVE),
        ("", Target.PORTABLE),
    ],
)
def test_cores_get_kernels_they_can_run(core: str, target: Target) -> None:
    assert target_of_core(core) is target


def test_numbers_in_c() -> None:
    assert integer_text(-(2**31)) == "INT32_MIN"
    assert integer_text(-5) == "-5"
    assert float.fromhex(float_text(0.1).removesuffix("F")) == 0.1
    assert wrapped(["1", "2"], "  ") == ("  1, 2,",)
    assert all(len(line) <= 80 for line in wrapped([str(n) for n in range(500)], "    "))
