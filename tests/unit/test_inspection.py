"""What ``inspect`` finds: precision, islands, findings, sizes and tiers."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.graph_builder import FB, Ref, pack, per_tensor
from tests.support.model_builder import ModelBuilder
from tests.support.zoo import ZOO
from tflm_gen.inspection import inspect_model
from tflm_gen.inspection.hardware_tiers import MEMORY_TIERS, RUNTIME_CLASSES
from tflm_gen.model.reader import parse_model, read_model
from tflm_gen.units import KB, MB

if TYPE_CHECKING:
    from tflm_gen.inspection.records import Inspection

ROOT = Path(__file__).parents[2]


def inspect(data: bytes) -> Inspection:
    return inspect_model(parse_model(data, "model.tflite"))


def codes(inspection: Inspection) -> set[str]:
    return {finding.code for finding in inspection.findings}


# --- precision ----------------------------------------------------------------------------------

EXPECTED_PRECISION = {
    "cnn_1d": "int8",
    "cnn_1d_float32": "float32",
    "cnn_1d_int16x8": "int16x8",
    "float_island": "mixed",
    "float_io": "int8",
    "two_leads_two_outputs": "int8",
}


@pytest.mark.parametrize(("name", "precision"), EXPECTED_PRECISION.items())
def test_precision_of_zoo_models(name: str, precision: str) -> None:
    assert inspect(ZOO[name]()).precision == precision


def test_int8_inputs_and_outputs_prove_nothing() -> None:
    inspection = inspect(ZOO["float_island"]())
    assert {t.tensor.dtype for t in (*inspection.inputs, *inspection.outputs)} == {"int8"}
    assert inspection.precision == "mixed"
    assert dict(inspection.precision_counts)["float32"] == 3


def dense_with_weights(dtype: str, *, unpack: bool = False) -> bytes:
    net = ModelBuilder(dtype="float32")
    x = net.input((1, 4))
    quant = per_tensor(0.1) if dtype == "int8" else None
    weights = net.constant([[1, 2, 3, 4]] * 2, dtype, quant=quant)
    if unpack:
        unpacked = net.tensor((2, 4), "float32")
        net.operator("DEQUANTIZE", [weights], [unpacked], FB.DequantizeOptionsT())
        weights = unpacked
    out = net.tensor((1, 2), "float32")
    net.operator("FULLY_CONNECTED", [x, weights, None], [out], FB.FullyConnectedOptionsT())
    return net.finish([out])


def test_float_activations_with_int8_weights_are_hybrid() -> None:
    inspection = inspect(dense_with_weights("int8"))
    assert inspection.precision == "hybrid"
    assert {fit.verdict for fit in inspection.tiers[:3]} == {"no"}
    assert "hybrid" in inspection.tiers[0].reason


def test_unpacked_float16_weights_are_float16() -> None:
    inspection = inspect(dense_with_weights("float16", unpack=True))
    assert inspection.precision == "float16"
    assert inspection.tiers[0].verdict == "no"


def test_uint8_is_uint8() -> None:
    net = ModelBuilder(dtype="uint8")
    x = net.input((1, 4))
    inspection = inspect(net.finish([net.reshape(x, (2, 2))]))
    assert inspection.precision == "uint8"


def test_shape_arithmetic_does_not_make_a_model_mixed() -> None:
    net = ModelBuilder()
    x = net.input((1, 8, 2))
    shape = net.shape_of(x)
    batch = net.strided_slice(shape, (0,), (1,), (1,), shrink_axis_mask=1)
    target = net.pack([batch, net.constant(16, "int32")], 0)
    out = net.like(x, (1, 16))
    net.operator("RESHAPE", [x, target], [out])
    inspection = inspect(net.finish([net.softmax(out)]))
    assert inspection.precision == "int8"
    assert [row.precision for row in inspection.rows] == ["", "", "", "int8", "int8"]
    assert "shape-chain" in codes(inspection)


def test_wider_state_inside_an_lstm_does_not_make_it_mixed() -> None:
    net = ModelBuilder()
    x = net.input((1, 3, 2))
    weights = [net.constant([[1] * 2] * 4, "int8", quant=per_tensor(0.1)) for _ in range(4)]
    recurrent = [net.constant([[1] * 4] * 4, "int8", quant=per_tensor(0.1)) for _ in range(4)]
    biases = [net.constant([0] * 4, "int32") for _ in range(4)]
    hidden = net.tensor((1, 4), "int8", quant=per_tensor(0.01), is_variable=True)
    cell = net.tensor((1, 4), "int16", quant=per_tensor(0.001), is_variable=True)
    out = net.tensor((1, 3, 4), "int8", quant=per_tensor(0.01))
    operands: list[Ref | None] = [x, *weights, *recurrent, None, None, None, *biases, None, None]
    operands += [hidden, cell, None, None, None, None]
    options = FB.UnidirectionalSequenceLSTMOptionsT()
    net.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [out], options)
    inspection = inspect(net.finish([out]))
    assert inspection.precision == "int8"
    assert "state" in codes(inspection)


# --- islands ------------------------------------------------------------------------------------


def test_float_island_is_listed_with_its_borders() -> None:
    (island,) = inspect(ZOO["float_island"]()).islands
    assert island.operators == (2, 3, 4)
    assert island.ops == ("MUL", "ADD", "RSQRT")
    assert (island.entries, island.exits) == ((1,), (5,))


def test_two_islands_are_two() -> None:
    net = ModelBuilder()
    x = net.input((1, 8))
    for _ in range(2):
        wide = net.dequantize(x)
        out = net.tensor((1, 8), "float32")
        net.operator("ABS", [wide], [out])
        x = net.fully_connected(net.quantize(out, "int8"), 8)
    inspection = inspect(net.finish([x]))
    assert [island.operators for island in inspection.islands] == [(1,), (5,)]


def test_float_models_and_float_borders_are_no_islands() -> None:
    assert inspect(ZOO["mlp_float32"]()).islands == ()
    inspection = inspect(ZOO["float_io"]())
    assert inspection.islands == ()
    assert "float-io" in codes(inspection)


# --- findings -----------------------------------------------------------------------------------


def test_clean_model_has_no_findings() -> None:
    assert codes(inspect(ZOO["cnn_1d"]())) == set()


def test_open_batch_and_expand_dims() -> None:
    inspection = inspect(ZOO["cnn_1d_open_batch"]())
    assert codes(inspection) == {"open-shape", "expand-dims"}
    (finding,) = [f for f in inspection.findings if f.code == "expand-dims"]
    assert finding.message.startswith("3 EXPAND_DIMS")
    assert finding.operators == ((0, 0), (0, 3), (0, 6))


def test_expand_dims_before_something_else_is_not_reported() -> None:
    net = ModelBuilder()
    x = net.expand_dims(net.input((1, 8)), 1)
    assert codes(inspect(net.finish([net.softmax(x)]))) == set()


@pytest.mark.parametrize(("true_batch", "code"), [(True, ""), (False, "-shape")])
def test_dilated_convolution_with_a_wrong_stored_batch_is_a_warning(
    true_batch: bool, code: str
) -> None:
    net = ModelBuilder()
    x = net.space_to_batch_nd(net.input((1, 1, 16, 1)), (1, 2), ((0, 0), (0, 0)))
    model = net.to_object([x])
    if not true_batch:
        model.subgraphs[0].tensors[x.index].shape = [1, 1, 8, 1]
    inspection = inspect(pack(model))
    assert codes(inspection) == {f"space-to-batch{code}"}
    assert inspection.findings[0].is_warning is not true_batch


def test_softmax_scale() -> None:
    net = ModelBuilder()
    out = net.softmax(net.input((1, 4)))
    model = net.to_object([out])
    assert codes(inspect(pack(model))) == set()
    model.subgraphs[0].tensors[out.index].quantization.scale = [1 / 255]
    (finding,) = inspect(pack(model)).findings
    assert (finding.code, finding.is_warning) == ("softmax-scale", True)


def test_dequantize_straight_into_quantize() -> None:
    net = ModelBuilder()
    x = net.quantize(net.dequantize(net.input((1, 4))), "int8")
    assert codes(inspect(net.finish([x]))) == {"dequantize-quantize"}


def test_identity_reshape_and_unused_data() -> None:
    net = ModelBuilder()
    x = net.input((1, 4))
    net.constant([1.0] * 100, "float32")
    inspection = inspect(net.finish([net.reshape(x, (1, 4))]))
    assert codes(inspection) == {"identity-reshape", "unused-data"}
    assert any("400 B" in finding.message for finding in inspection.findings)


def test_a_model_that_is_not_quantized_is_told_how() -> None:
    for code, data in (
        ("float32-model", ZOO["cnn_1d_float32"]()),
        ("hybrid-model", dense_with_weights("int8")),
        ("float16-model", dense_with_weights("float16", unpack=True)),
    ):
        (finding,) = (f for f in inspect(data).findings if f.code.endswith("-model"))
        assert finding.code == code
        assert "tflm-gen quantize" in finding.hint
    # Nothing is to be gained from int8 at the borders of a model of floats.
    assert "float-io" not in codes(inspect(dense_with_weights("float16", unpack=True)))
    assert not any(code.endswith("-model") for code in codes(inspect(ZOO["cnn_1d"]())))


def test_resource_variables_and_loops() -> None:
    net = ModelBuilder(dtype="float32")
    handle = net.tensor((1,), "resource")
    net.operator("VAR_HANDLE", [], [handle], FB.VarHandleOptionsT())
    out = net.tensor((1, 2), "float32")
    net.operator("READ_VARIABLE", [handle], [out], FB.ReadVariableOptionsT())
    inspection = inspect(net.finish([out]))
    assert "resource-variables" in codes(inspection)
    # What a Keras model leaves that was converted as a function, and not frozen.
    assert "unset-variables" in codes(inspection)
    net.operator("ASSIGN_VARIABLE", [handle, out], [], FB.AssignVariableOptionsT())
    assert "unset-variables" not in codes(inspect(net.finish([out])))


def test_long_names_are_reported() -> None:
    net = ModelBuilder()
    out = net.softmax(net.input((1, 4), name="n" * 3000))
    (finding,) = inspect(net.finish([out])).findings
    assert finding.code == "long-names"


def test_misaligned_constants_are_a_warning() -> None:
    net = ModelBuilder(dtype="float32")
    out = net.binary("ADD", net.input((1, 4)), net.constant([1.0, 2.0, 3.0, 4.0], "float32"))
    model = parse_model(net.finish([out]), "x")
    assert "misaligned-data" not in codes(inspect_model(model))
    # The same data at an odd place behind the flatbuffer.
    broken = net.to_object([out])
    buffer = FB.BufferT()
    buffer.offset, buffer.size = 10_001, 16
    broken.buffers[2] = buffer
    data = pack(broken).ljust(10_001, b"\0") + bytes(16)
    assert "misaligned-data" in codes(inspect(data))


# --- inputs, outputs, converter -----------------------------------------------------------------


def test_names_come_from_the_signature_by_tensor_index() -> None:
    inspection = inspect(ZOO["two_leads_two_outputs"]())
    # The signature lists lead_ii and rate first; the interpreter's order is the other way round.
    assert [entry.name for entry in inspection.inputs] == ["lead_i", "lead_ii"]
    assert [entry.name for entry in inspection.outputs] == ["rhythm", "rate"]
    assert all(entry.is_from_signature for entry in inspection.outputs)
    assert [entry.tensor.shape for entry in inspection.outputs] == [(1, 3), (1, 1)]


def test_names_without_a_signature_are_the_tensors() -> None:
    (entry,) = inspect(ZOO["cnn_1d"]()).inputs
    assert (entry.name, entry.is_from_signature) == ("ecg_mv", False)


def test_converter_versions() -> None:
    net = ModelBuilder(description="MLIR Converted.")
    net.metadata("min_runtime_version", b"1.14.0" + bytes(10))
    net.metadata("CONVERSION_METADATA", b"\x10\0\0\0CSVM\x062.21.0\x00\x01")
    converter = inspect(net.finish([net.softmax(net.input((1, 4)))])).converter
    assert converter.description == "MLIR Converted."
    assert converter.min_runtime_version == "1.14.0"
    assert converter.tensorflow_version == "2.21.0"


def test_example_model() -> None:
    inspection = inspect_model(read_model(ROOT / "examples/ecg/ecg.tflite"))
    assert inspection.precision == "int8"
    assert inspection.macs == sum(row.cost.macs or 0 for row in inspection.rows)
    assert inspection.macs > 0
    assert inspection.converter.tensorflow_version


# --- memory and tiers ---------------------------------------------------------------------------


def test_peak_of_a_chain_is_the_largest_neighbouring_pair() -> None:
    net = ModelBuilder()
    x = net.input((1, 10))
    x = net.fully_connected(x, 300)
    x = net.fully_connected(x, 200)
    out = net.fully_connected(x, 5)
    assert inspect(net.finish([out])).tensors_peak_bytes == 300 + 200


def test_peak_counts_a_skip_connection_and_reshapes_once() -> None:
    net = ModelBuilder()
    x = net.input((1, 1, 10, 4))
    branch = net.conv_2d(net.conv_2d(x, 8, (1, 3)), 4, (1, 3))
    out = net.binary("ADD", net.reshape(x, (1, 1, 10, 4)), branch)
    # x stays alive while the branch computes: 40 + 80 + 40.
    assert inspect(net.finish([out])).tensors_peak_bytes == 160


def test_peak_of_state_counts_always() -> None:
    net = ModelBuilder()
    net.tensor((100,), "int8", is_variable=True)
    assert inspect(net.finish([net.softmax(net.input((1, 4)))])).tensors_peak_bytes == 108


def test_six_tiers_cover_all_memory_without_gaps() -> None:
    assert len(MEMORY_TIERS) == 6
    assert MEMORY_TIERS[0].min_bytes == 0
    assert MEMORY_TIERS[-1].max_bytes is None
    edges = [
        (tier.max_bytes, following.min_bytes)
        for tier, following in itertools.pairwise(MEMORY_TIERS)
    ]
    assert [low for low, _ in edges] == [high for _, high in edges]
    assert [low for low, _ in edges] == [64 * KB, 256 * KB, MB, 64 * MB, 1024 * MB]
    assert {tier.hardware for tier in MEMORY_TIERS} == {c.hardware for c in RUNTIME_CLASSES}


@pytest.mark.parametrize(
    ("samples", "verdicts"),
    [
        (100, ["fits", "fits", "fits", "fits", "fits", "fits"]),
        (20_000, ["tight", "fits", "fits", "fits", "fits", "fits"]),
        (60_000, ["no", "tight", "fits", "fits", "fits", "fits"]),
        (300_000, ["no", "no", "tight", "fits", "fits", "fits"]),
        (1_000_000, ["no", "no", "no", "fits", "fits", "fits"]),
        (20_000_000, ["no", "no", "no", "tight", "fits", "fits"]),
    ],
)
def test_tier_verdicts_follow_the_tensors(samples: int, verdicts: list[str]) -> None:
    net = ModelBuilder()
    inspection = inspect(net.finish([net.activation(net.input((1, samples)), "TANH")]))
    assert inspection.tensors_peak_bytes == 2 * samples
    assert [fit.verdict for fit in inspection.tiers] == verdicts
