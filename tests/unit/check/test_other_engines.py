"""The verdict where TFLM's interpreter runs nothing of a model, or only what an NPU leaves."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.command_line import assert_refused, run_tool
from tests.support.graph_builder import FB, pack
from tests.support.model_builder import ModelBuilder
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES
from tests.unit.check.test_check import choice
from tests.unit.check.test_index_types import CASES, padv2
from tflm_gen.board_loader import load_board
from tflm_gen.check import check_model
from tflm_gen.check.gate import require_runnable
from tflm_gen.check.other_engines import check_compiled, check_npu
from tflm_gen.compiled.generate import compile_model
from tflm_gen.compiled.ir import Target
from tflm_gen.errors import NotCompilableError, WillNotRunError
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.choice import EngineChoice, choose_engine
from tflm_gen.vela.project import plan_npu_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tflm_gen.check.records import CheckReport
    from tflm_gen.model.records import Model

COMPILED = dataclasses.replace(choice("wheel"), engine="compiled", kernels="tflm-gen")


def parse(data: bytes) -> Model:
    return parse_model(data, "model.tflite")


def compiled(model: Model, engine: EngineChoice = COMPILED) -> CheckReport:
    return check_compiled(model, engine, board_id="host")


def open_axis_beyond() -> Model:
    """EXPAND_DIMS by an axis that is not there, where the file leaves its dimensions open."""
    net = ModelBuilder(seed=1)
    data = net.input((1, 6), signature=(-1, 6))
    out = net.tensor((1, 1, 6), "int8", quant=data.quant, signature=(-1, 1, 6))
    net.operator("EXPAND_DIMS", [data, net.constant(4_784_129, "int32")], [out])
    return parse(net.finish([net.softmax(net.reshape(out, (1, 6)))]))


def bias_of_another_scale() -> Model:
    net = ModelBuilder(seed=1)
    model = net.to_object([net.fully_connected(net.input((1, 16)), 4)])
    bias = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[2]]
    bias.quantization.scale = [10 * scale for scale in bias.quantization.scale]
    return parse(pack(model))


FAULTS: dict[str, Callable[[], Model]] = {
    "unequal-scales": lambda: padv2("int32", is_alike=False),
    "bias-scale": bias_of_another_scale,
    "output-scale": lambda: parse(FEATURES["output_scale_softmax_int8_wrong_scale"]()),
    "may-crash": open_axis_beyond,
}


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_faults_of_the_file_concern_every_engine(code: str) -> None:
    model = FAULTS[code]()
    for report in (
        check_model(model, choice("wheel"), board_id="host"),
        compiled(model),
        check_npu(parse(ZOO["mlp"]()), choice("wheel"), board_id="host", before=model),
    ):
        assert [finding.code for finding in report.errors] == [code]
        assert report.errors[0].places


@pytest.mark.parametrize(
    "make",
    [
        lambda: parse(FEATURES["concatenation_3_12_int8"]()),
        lambda: parse(FEATURES["strided_slice_5_int8"]()),
        lambda: parse(FEATURES["transpose_6_int8"]()),
        lambda: CASES["transpose"]("int64"),
    ],
)
def test_limits_of_tflms_kernels_do_not_concern_the_compiled_engine(
    make: Callable[[], Model],
) -> None:
    model = make()
    assert not check_model(model, choice("wheel"), board_id="host").runs
    assert compile_model(model, Target.PORTABLE).files
    assert compiled(model).runs
    verdict = require_runnable(model, COMPILED, board_id="host")
    assert verdict.tflm_obstacle.startswith(
        check_model(model, COMPILED, board_id="host").errors[0].message
    )


def test_a_plain_model_leaves_nothing_out() -> None:
    verdict = require_runnable(parse(ZOO["mlp"]()), COMPILED, board_id="host")
    assert verdict.tflm_obstacle == ""


def test_operators_left_to_the_cpu_are_judged_by_tflms_kernels() -> None:
    good = parse(ZOO["mlp"]())
    left = parse(FEATURES["second_operand_slice_int8_runtime"]())
    with pytest.raises(WillNotRunError, match=r"operator 2 \(SLICE\)"):
        require_runnable(left, choice("wheel"), board_id="host", before=good)


def test_the_npus_own_operator_is_no_error_of_its_own_project() -> None:
    model = parse(FEATURES["custom_ethos-u"]())
    assert [e.code for e in check_model(model, choice("wheel"), board_id="host").errors] == [
        "no-npu"
    ]
    report = check_npu(model, choice("wheel"), board_id="host", before=parse(ZOO["mlp"]()))
    assert report.runs


@pytest.mark.vela
@pytest.mark.parametrize("name", ["mlp", "binary_logistic", "lead_split"])
def test_what_vela_writes_passes(name: str) -> None:
    model, board = parse(ZOO[name]()), load_board("corstone300")
    engine = choose_engine(board, engine="auto", kernels="ethos-u")
    project = plan_npu_project(model, board, engine, None)
    assert project is not None
    require_runnable(project.model, project.choice, board_id=board.id, before=model)


def test_a_verdict_for_an_npu_says_that_the_npu_was_not_judged() -> None:
    model, board = parse(ZOO["mlp"]()), load_board("corstone300")
    for kernels, is_npu in (("ethos-u", True), ("cmsis-nn", False)):
        engine = choose_engine(board, engine="tflm", kernels=kernels)
        basis = check_model(model, engine, board_id=board.id).basis
        assert ("what the NPU takes over is not judged" in basis) is is_npu


# --- what only an edited file holds -------------------------------------------------------------


def edited(net: ModelBuilder, out: Any, change: Callable[[Any], None]) -> Model:
    model = net.to_object([out])
    change(model)
    return parse(pack(model))


def dense(change: Callable[[Any], None]) -> Model:
    net = ModelBuilder(seed=1)
    return edited(net, net.fully_connected(net.input((1, 16)), 4), change)


def added(change: Callable[[Any], None]) -> Model:
    net = ModelBuilder(seed=1)
    data = net.input((1, 8))
    fixed = net.constant(np.arange(8).reshape(1, 8), "int8", quant=data.quant)
    return edited(net, net.binary("ADD", data, fixed), change)


def longer_bias(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[2]]
    buffer = model.buffers[tensor.buffer]
    buffer.data = bytes(buffer.data) + b"\1"


def constant_output(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.outputs = [*graph.outputs, graph.operators[0].inputs[1]]


def foreign_options(model: Any) -> None:
    options = FB.SubOptionsT()
    options.fusedActivationFunction = FB.ActivationFunctionType.RELU6
    operator = model.subgraphs[0].operators[0]
    operator.builtinOptionsType, operator.builtinOptions = FB.BuiltinOptions.SubOptions, options


def state(model: Any) -> None:
    graph = model.subgraphs[0]
    tensor = graph.tensors[graph.operators[0].inputs[1]]
    tensor.isVariable = True
    model.buffers[tensor.buffer].data = None


def huge_scale(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.operators[0].inputs[1]].quantization.scale = [1e30]
    bias = graph.tensors[graph.operators[0].inputs[2]]
    bias.quantization.scale = [1e30 * graph.tensors[graph.inputs[0]].quantization.scale[0]]


def tiny_scale() -> Model:
    net = ModelBuilder(seed=1)
    out = net.activation(net.input((1, 8)), "TANH")

    def change(model: Any) -> None:
        model.subgraphs[0].tensors[0].quantization.scale = [1e-30]

    return edited(net, out, change)


def compressed(model: Any) -> None:
    entry, buffer = FB.MetadataT(), FB.BufferT()
    buffer.data, entry.name, entry.buffer = b"\0" * 16, "COMPRESSION_METADATA", len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [entry]


def sparse(model: Any) -> None:
    graph = model.subgraphs[0]
    tensor = graph.tensors[graph.operators[0].inputs[1]]
    tensor.sparsity = FB.SparsityParametersT()
    model.buffers[tensor.buffer].data = b"\1\2"


def shrunk(**masks: int) -> Model:
    net = ModelBuilder(seed=1)
    data = net.input((4, 6))
    out = net.tensor((6,), "int8", quant=data.quant)
    options = FB.StridedSliceOptionsT()
    options.shrinkAxisMask, options.endMask = 1, 2
    options.beginMask = masks.get("begin", 2)
    numbers = ([2, 0], [3, 6], [1, masks.get("stride", 1)])
    net.operator(
        "STRIDED_SLICE", [data, *(net.constant(v, "int32") for v in numbers)], [out], options
    )
    return parse(net.finish([out]))


def huge_window() -> Model:
    net = ModelBuilder(seed=1)
    out = net.pool_2d(net.input((1, 6, 6, 2)), "MAX_POOL_2D", (2, 1), padding="SAME")
    return edited(net, out, lambda model: set_window(model, 2**31 - 1))


def set_window(model: Any, height: int) -> None:
    model.subgraphs[0].operators[0].builtinOptions.filterHeight = height


def resized() -> Model:
    return parse(FEATURES["second_operand_resize_nearest_neighbor_int8_runtime"]())


MISREAD: dict[str, tuple[Callable[[], Model], str]] = {
    "odd constant": (lambda: dense(longer_bias), "17 bytes of int32 data"),
    "constant output": (lambda: dense(constant_output), "output tensor 1 is a constant"),
    "foreign options": (lambda: added(foreign_options), "its options are SubOptions"),
    "state": (lambda: added(state), "state that lives between runs"),
    "sparse": (lambda: added(sparse), "is stored sparse"),
    "compressed": (lambda: added(compressed), "stored compressed"),
    "scales": (lambda: dense(huge_scale), "scale 1e+30"),
    "begin and shrink": (lambda: shrunk(begin=3), "begin_mask and shrink_axis_mask"),
    "stride": (lambda: shrunk(stride=2**30), "strides [1, 1073741824]"),
    "tiny scale": (tiny_scale, "scale 1e-30"),
    "window": (huge_window, "its filter_height is 2,147,483,647"),
    "size at run time": (resized, "its size is computed at run time"),
}


@pytest.mark.parametrize("name", sorted(MISREAD))
def test_what_the_lowerings_would_misread_is_refused(name: str) -> None:
    make, words = MISREAD[name]
    with pytest.raises(NotCompilableError) as caught:
        compile_model(make(), Target.PORTABLE)
    assert words in caught.value.message


def test_the_same_models_unedited_are_compiled() -> None:
    for model in (dense(lambda _: None), added(lambda _: None), shrunk()):
        assert compile_model(model, Target.PORTABLE).files


# --- the verbs ----------------------------------------------------------------------------------

BUILD = ("--board", "nrf52840", "--engine", "compiled", "--no-build")


@pytest.mark.parametrize("code", ["unequal-scales", "bias-scale", "may-crash"])
def test_build_with_the_compiled_engine_stops_at_them(code: str, tmp_path: Path) -> None:
    path, out = tmp_path / "model.tflite", tmp_path / "project"
    path.write_bytes(FAULTS[code]().flatbuffer)
    result = run_tool("build", str(path), *BUILD, "--out", str(out))
    assert_refused(result, code="TG107", exit_code=1)
    assert not out.exists()


def test_build_leaves_out_the_application_that_would_not_run(tmp_path: Path) -> None:
    path, out = tmp_path / "model.tflite", tmp_path / "project"
    path.write_bytes(FEATURES["concatenation_3_12_int8"]())
    result = run_tool("build", str(path), *BUILD, "--no-clean", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    (left_out,) = [d for d in manifest["decisions"] if d["what"] == "application tflm"]
    assert "12 inputs, and the kernel takes 10" in left_out["reason"]
    assert not (out / "engine" / "tflm").exists()


def test_check_for_the_compiled_engine_says_what_build_would(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    asked = ("--board", "corstone300", "--kernels", "tflm-gen", "--json")
    for data, codes in (
        (ZOO["mlp"](), []),
        (FEATURES["concatenation_3_12_int8"](), []),
        (padv2("int32", is_alike=False).flatbuffer, ["unequal-scales"]),
        (ZOO["mlp_float32"](), ["not-compilable"]),
    ):
        path.write_bytes(data)
        result = run_tool("check", str(path), *asked)
        document = json.loads(result.stdout)
        assert [f["code"] for f in document["findings"] if f["severity"] == "error"] == codes
        assert result.exit_code == (1 if codes else 0)
        assert (document["tflm"], document["kernels"]) == ("the compiled engine", "tflm-gen")
