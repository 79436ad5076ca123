"""check on files that TensorFlow's converter wrote: what, where, why and remedy of each finding."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.support.converter_files import NAMES, converted
from tests.support.wheel_bench import run_on_wheel
from tflm_gen.board_loader import load_board
from tflm_gen.check import check_model
from tflm_gen.check.records import CheckReport, Finding
from tflm_gen.inspection import inspect_model
from tflm_gen.model.graph import read_document, write_document
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.choice import choose_engine


@cache
def choice(board: str):
    return choose_engine(load_board(board), engine="auto", kernels="auto")


def check(data: bytes, board: str) -> CheckReport:
    return check_model(parse_model(data, "m.tflite"), choice(board), board_id=board)


def finding(report: CheckReport, code: str) -> Finding:
    found = [entry for entry in report.findings if entry.code == code]
    assert found, [entry.code for entry in report.findings]
    return found[0]


# File, boards that refuse it, code, operator and its index, a part of the message and the remedy.
ERRORS = [
    ("hybrid", "host corstone300", "hybrid", "FULLY_CONNECTED", 3, "float32, int8", "calibr|quant"),
    ("int16x8", "corstone300", "per-channel-dense", "FULLY_CONNECTED", 4, "int16", "per-tensor"),
    ("normalised_by_sqrt", "host corstone300", "kernel-types", "SQRT", 3, "int8", "float32"),
    ("float16_weights", "host corstone300", "kernel-types", "DEQUANTIZE", 0, "float16", "build"),
    ("filled_from_a_shape", "host corstone300", "constant-operand", "FILL", 3, "run", "batch"),
    (
        "resource_variable",
        "corstone300",
        "resource-variables",
        "VAR_HANDLE",
        1,
        "resource",
        "input",
    ),
    ("padded_in_three_dimensions", "corstone300", "rank", "PAD", 0, "3 dimensions", "4-D"),
    ("static_batch_causal_tcn", "corstone300", "rank", "PAD", 0, "3 dimensions", "4-D"),
    ("gelu_exact", "host corstone300", "missing-operator", "GELU", 1, "GELU", "HARD_SWISH"),
    ("top_k", "host corstone300", "missing-operator", "TOPK_V2", 0, "TOPK", "application"),
    ("upsampling_1d", "host corstone300", "missing-operator", "TILE", 3, "TILE", "rewrites it"),
    ("spectrum", "host corstone300", "missing-operator", "RFFT2D", 1, "RFFT2D", "firmware"),
    ("product", "host corstone300", "missing-operator", "REDUCE_PROD", 0, "PROD", "application"),
    ("clipped_input", "host corstone300", "missing-operator", "RELU_N1_TO_1", 0, "RELU", "build"),
    ("selected", "host corstone300", "missing-operator", "SELECT", 2, "SELECT", "build"),
    (
        "non_max_suppression",
        "host corstone300",
        "missing-operator",
        "NON_MAX_SUPPRESSION_V4",
        2,
        "NON_MAX",
        "layer|application",
    ),
]
PATTERNS = [
    ("attention", "attention", "SOFTMAX", "BATCH_MATMUL, SOFTMAX, BATCH_MATMUL"),
    ("transformer_block", "attention", "SOFTMAX", "BATCH_MATMUL"),
    ("transformer_block", "layer-norm", "RSQRT", "LayerNormalization"),
    ("layer_normalization", "layer-norm", "RSQRT", "LayerNormalization"),
    ("gelu_exact", "gelu", "GELU", "GELU"),
    ("gelu_as_tanh", "gelu", "TANH", "approximation"),
    ("dynamic_reshape", "dynamic-reshape", "RESHAPE", "computed at run time"),
    ("open_batch_conv1d", "dynamic-reshape", "RESHAPE", "computed at run time"),
    ("non_max_suppression", "nms", "NON_MAX_SUPPRESSION_V4", "non-maximum suppression"),
]


@pytest.mark.parametrize(("name", "boards", "code", "op", "index", "what", "remedy"), ERRORS)
def test_a_refusal_says_what_where_why_and_what_to_do(
    name: str, boards: str, code: str, op: str, index: int, what: str, remedy: str
) -> None:
    for board in ("host", "corstone300"):
        report = check(converted(name), board)
        assert report.runs == (board not in boards.split())
        if report.runs:
            continue
        error = finding(report, code)
        assert error.severity == "error"
        assert what in error.message
        assert error.reason
        assert re.search(remedy, error.remedy)
        assert "Did you mean" not in error.remedy
        place = error.places[0]
        assert (place.op, place.operator_index) == (op, index)
        assert place.name == report.model.main.tensors[_output(report, index)].name


def _output(report: CheckReport, index: int) -> int:
    outputs = report.model.main.operators[index].outputs
    return outputs[0]


@pytest.mark.parametrize(("name", "code", "op", "what"), PATTERNS)
def test_patterns_have_names(name: str, code: str, op: str, what: str) -> None:
    note = finding(check(converted(name), "host"), code)
    assert note.severity == "note"
    assert what in note.message
    assert op in {place.op for place in note.places}
    assert note.reason
    assert note.remedy


def test_a_plain_network_has_no_pattern() -> None:
    codes = {entry.code for entry in check(converted("static_batch_conv1d"), "host").findings}
    assert not codes & {code for _, code, _, _ in PATTERNS}


@pytest.mark.parametrize("name", ["int16x8_dense_per_tensor", "global_mean_int8", "attention"])
def test_what_runs_everywhere_is_not_refused(name: str) -> None:
    for board in ("host", "corstone300"):
        assert check(converted(name), board).runs


# --- scale, versions ----------------------------------------------------------------------------


def with_softmax_scale(scale: float) -> bytes:
    """The converter's file with another scale in the result of its SOFTMAX."""
    document = read_document(parse_model(converted("static_batch_conv1d"), "m.tflite"))
    graph = document.main
    output = graph.operators[-1].outputs[0]
    tensor = graph.tensors[output]
    assert tensor.quantization is not None
    edited = replace(tensor, quantization=tensor.quantization.with_fields(scale=(scale,)))
    tensors = (*graph.tensors[:output], edited, *graph.tensors[output + 1 :])
    return write_document(replace(document, graphs=(replace(graph, tensors=tensors),)))


@pytest.mark.oracle
@pytest.mark.parametrize(("scale", "runs"), [(1 / 256, True), (1 / 255, False)])
def test_softmax_has_one_scale(scale: float, runs: bool) -> None:
    data = with_softmax_scale(float(np.float32(scale)))
    for board in ("host", "corstone300"):
        report = check(data, board)
        assert report.runs == runs
        if not runs:
            assert "1/256" in finding(report, "output-scale").message
    assert run_on_wheel(parse_model(data, "m.tflite")).ran == runs


@pytest.mark.parametrize(
    ("version", "words"),
    [(b"2.21.0", ""), (b"2.99.0", "newer than any"), (b"1.15.0", "older than")],
)
def test_skew_between_converter_and_runtime_is_read_from_the_file(
    version: bytes, words: str
) -> None:
    data = converted("static_batch_conv1d")
    assert data.count(b"2.21.0") == 1, "the converter's own version is in the file"
    report = check(data.replace(b"2.21.0", version), "host")
    assert report.runs
    if not words:
        assert "version-skew" not in {entry.code for entry in report.findings}
        return
    skew = finding(report, "version-skew")
    assert words in skew.message
    assert version.decode() in skew.message
    assert skew.remedy


# --- what a file is called ----------------------------------------------------------------------

PRECISIONS = {
    "static_batch_conv1d": "int8",
    "uint8_in_and_out": "int8",
    "int16x8": "int16x8",
    "hybrid": "hybrid",
    "float16_weights": "float16",
    "global_mean_float": "float32",
    "elu_island": "mixed",
    "layer_normalization": "mixed",
    "transformer_block": "mixed",
}


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_file_is_called_what_its_operators_are(name: str) -> None:
    inspection = inspect_model(parse_model(converted(name), name))
    assert inspection.precision == PRECISIONS[name]
    assert check(converted(name), "host").precision == PRECISIONS[name]


@pytest.mark.parametrize(("name", "op"), [("elu_island", "ELU"), ("layer_normalization", "NEG")])
def test_islands_are_named(name: str, op: str) -> None:
    """Input and output are int8 and the converter said so; the file is not."""
    model = parse_model(converted(name), name)
    assert [t.dtype for t in (*model.inputs, *model.outputs)] == ["int8", "int8"]
    island = finding(check(converted(name), "host"), "float-island")
    assert op in island.message
    assert "not int8" in island.message
    assert op in {place.op for place in island.places}
    assert all(place.name for place in island.places)


@pytest.mark.oracle
@pytest.mark.parametrize("name", NAMES)
def test_int8_means_that_every_compute_operator_is(name: str) -> None:
    inspection = inspect_model(parse_model(converted(name), name))
    found = {precision for precision, _ in inspection.precision_counts}
    assert (inspection.precision == "int8") == (found == {"int8"})
