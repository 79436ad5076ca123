"""check_model(): each kind of finding from a model that has it, and none from one that has not."""

from __future__ import annotations

from functools import cache

import pytest

from tests.support.graph_builder import FB, pack, unpack
from tests.support.model_builder import ModelBuilder
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES
from tflm_gen.arena_model.offline import METADATA_NAME, pack_offline_plan
from tflm_gen.board_loader import load_board
from tflm_gen.check import check_model
from tflm_gen.check.gate import require_runnable
from tflm_gen.check.records import CheckReport
from tflm_gen.errors import WillNotRunError
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.choice import EngineChoice
from tflm_gen.tflm.source_facts import SOURCES


@cache
def choice(source: str, kernels: str = "") -> EngineChoice:
    facts = SOURCES[source]
    return EngineChoice(
        engine="tflm", kernels=kernels or facts.kernels[0], facts=facts, source=None, reasons=()
    )


BOARDS = {"wheel": "host", "corstone300_image": "corstone300", "upstream": "nrf52840"}


def check(flatbuffer: bytes, source: str = "wheel", kernels: str = "") -> CheckReport:
    board = BOARDS[source]
    assert source in load_board(board).spec.tflm.sources
    return check_model(
        parse_model(flatbuffer, "model.tflite"), choice(source, kernels), board_id=board
    )


def codes(report: CheckReport, severity: str = "error") -> set[str]:
    return {finding.code for finding in report.findings if finding.severity == severity}


def feature(name: str, source: str = "wheel") -> CheckReport:
    return check(FEATURES[name](), source)


def test_a_plain_network_runs_everywhere() -> None:
    for source in BOARDS:
        report = check(ZOO["mlp"](), source)
        assert report.runs
        assert report.errors == ()
        assert report.precision == "int8"


def test_missing_operator_says_where_and_what_instead() -> None:
    report = feature("missing_gelu")
    (finding,) = report.errors
    assert finding.code == "missing-operator"
    assert "no operator GELU" in finding.message
    assert finding.places[0].op == "GELU"
    assert finding.places[0].name
    assert "HARD_SWISH" in finding.remedy


def test_operator_that_another_source_has_names_it() -> None:
    net = ModelBuilder(seed=1, dtype="float32")
    x = net.input((1, 6))
    out = net.tensor((1, 6), "float32")
    net.operator("REVERSE_V2", [x, net.constant([1], "int32")], [out])
    data = net.finish([out])
    assert check(data).runs
    (finding,) = check(data, "corstone300_image").errors
    assert "the tflite-micro wheel" in finding.remedy


def test_misspelled_custom_operator_names_the_nearest() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 4))
    out = net.like(x, (1, 4))
    net.operator("CUSTOM", [x], [out], custom_name="SignalWindows")
    (finding,) = check(net.finish([out])).errors
    assert "Did you mean CUSTOM:SignalWindow" in finding.remedy


@pytest.mark.parametrize("op", ["conv_2d", "fully_connected", "depthwise_conv_2d"])
def test_hybrid_is_called_hybrid(op: str) -> None:
    report = feature(f"hybrid_{op}")
    assert codes(report) == {"hybrid"}
    assert report.precision == "hybrid"
    assert report.errors[0].message.startswith(f"hybrid: {op.upper()} with float32, int8")


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [
        ("dense_weights_from_float16", "wheel", "kernel-types"),
        ("elementwise_int8_sqrt", "wheel", "kernel-types"),
        ("dense_int16_true_true", "corstone300_image", "per-channel-dense"),
        ("output_scale_softmax_int8_wrong_scale", "wheel", "output-scale"),
        ("output_scale_logistic_int8_wrong_zero", "wheel", "output-scale"),
        ("int16_zero_point_mul_7", "wheel", "int16-zero-point"),
        ("int16_zero_point_add_7", "corstone300_image", "int16-zero-point"),
        ("quantize_per_channel_int8", "wheel", "per-channel-quantize"),
        ("concatenation_of_two_scales", "wheel", "unequal-scales"),
        ("concatenation_3_12_int8", "wheel", "too-many-inputs"),
        ("transpose_6_int8", "wheel", "rank"),
        ("strided_slice_5_int8", "wheel", "rank"),
        ("matmul_5_false_false_int8", "corstone300_image", "rank"),
        ("pad_2_int8", "corstone300_image", "rank"),
        ("broadcast_greater_int8_4", "corstone300_image", "broadcast-rank"),
        ("second_operand_pad_int8_runtime", "wheel", "constant-operand"),
        ("fill_runtime", "wheel", "constant-operand"),
        ("resource_variable", "corstone300_image", "resource-variables"),
        ("svdf_int8_float32", "wheel", "state-type"),
        ("empty_dimension", "wheel", "empty-tensor"),
        ("custom_ethos-u", "wheel", "no-npu"),
        ("custom_signalwindow", "wheel", "custom-options"),
        ("custom_circular_buffer", "wheel", "circular-buffer"),
    ],
)
def test_late_refusals(name: str, source: str, code: str) -> None:
    report = feature(name, source)
    assert code in codes(report)
    assert not report.runs
    finding = next(f for f in report.errors if f.code == code)
    assert finding.places
    assert finding.reason
    assert finding.remedy


@pytest.mark.parametrize(
    "name", ["dense_int16_true_true", "pad_2_int8", "resource_variable", "broadcast_greater_int8_4"]
)
def test_what_only_the_image_refuses_runs_on_the_wheel(name: str) -> None:
    assert feature(name).runs


def test_upstream_with_cmsis_nn_is_warned_of_what_the_library_refused_elsewhere() -> None:
    data = FEATURES["dense_int16_true_true"]()
    report = check(data, "upstream", "cmsis-nn")
    assert report.runs
    assert "per-channel-dense" in codes(report, "warning")
    assert "not measured on upstream" in report.basis
    assert "per-channel-dense" not in codes(check(data, "upstream", "reference"), "warning")


def test_islands_are_named_and_the_file_is_not_called_int8() -> None:
    report = check(ZOO["float_island"]())
    assert report.runs
    assert report.precision == "mixed"
    (finding,) = [f for f in report.warnings if f.code == "float-island"]
    assert "RSQRT" in finding.message
    assert {place.op for place in finding.places} >= {"RSQRT", "MUL", "ADD"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (ZOO["attention"], "attention"),
        (FEATURES["layer_norm_float32"], "layer-norm"),
        (FEATURES["missing_gelu"], "gelu"),
        (FEATURES["dynamic_reshape"], "dynamic-reshape"),
    ],
)
def test_patterns_are_named(data, code: str) -> None:
    report = check(data())
    assert code in codes(report, "note")
    assert code not in {f.code for f in check(ZOO["resnet_1d"]()).findings}


def test_gelu_as_tanh_approximation_is_named() -> None:
    net = ModelBuilder(seed=1, dtype="float32")
    x = net.input((1, 6))
    cubed = net.binary("MUL", net.binary("MUL", x, x), x)
    inner = net.binary("ADD", x, net.binary("MUL", cubed, cubed))
    tanh = net.activation(net.binary("MUL", inner, inner), "TANH")
    assert "gelu" in codes(check(net.finish([net.binary("MUL", x, tanh)])), "note")


def test_nms_is_named() -> None:
    net = ModelBuilder(seed=1, dtype="float32")
    boxes = net.input((1, 4))
    out = net.tensor((1, 4), "float32")
    net.operator("NON_MAX_SUPPRESSION_V4", [boxes], [out])
    report = check(net.finish([out]))
    assert "nms" in codes(report, "note")
    assert not report.runs


@pytest.mark.parametrize(
    ("version", "is_skew"), [(b"2.21.0", False), (b"2.99.0", True), (b"1.14.0", False)]
)
def test_newer_runtime_than_compared_is_a_warning(version: bytes, is_skew: bool) -> None:
    net = ModelBuilder(seed=1)
    net.metadata("min_runtime_version", version)
    report = check(net.finish([net.softmax(net.input((1, 4)))]))
    assert ("version-skew" in codes(report, "warning")) == is_skew
    assert report.runs


def test_gate_raises_the_first_error_with_its_place() -> None:
    model = parse_model(FEATURES["concatenation_3_12_int8"](), "many.tflite")
    with pytest.raises(WillNotRunError, match=r"many will not run on host at operator 0 \(CONC"):
        require_runnable(model, choice("wheel"), board_id="host")


def test_gate_returns_warnings() -> None:
    model = parse_model(FEATURES["conv_row_of_8_2_5_31"](), "row.tflite")
    verdict = require_runnable(model, choice("corstone300_image"), board_id="corstone300")
    (warning,) = verdict.warnings
    assert "trap:conv-row-right-padding" in warning
    assert require_runnable(model, choice("wheel"), board_id="host").warnings == ()


def test_what_the_interpreter_is_not_given_is_an_error_with_its_place() -> None:
    for source in BOARDS:
        (finding,) = feature("second_operand_slice_int8_runtime", source).errors
        assert finding.code == "may-crash"
        assert "operator 2 (SLICE) reads memory by tensor 3" in finding.message
        assert "fixed batch of 1" in finding.remedy
        assert [(place.operator_index, place.op) for place in finding.places] == [(2, "SLICE")]


def test_an_operator_with_another_error_is_not_named_twice() -> None:
    assert "may-crash" not in codes(feature("custom_signalwindow"))


def test_a_memory_plan_that_reaches_in_front_of_the_arena_is_an_error() -> None:
    model = unpack(ZOO["mlp"]())
    n_tensors = len(model.subgraphs[0].tensors)
    plan = pack_offline_plan([-2] * n_tensors)
    report = check(with_metadata(model, METADATA_NAME, plan))
    (finding,) = report.errors
    assert "offset -2" in finding.message


def with_metadata(model, name: str, data: bytes) -> bytes:
    buffer, entry = FB.BufferT(), FB.MetadataT()
    buffer.data, entry.name, entry.buffer = list(data), name, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return pack(model)
