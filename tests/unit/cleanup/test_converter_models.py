"""Every kind of clean-up on files that TensorFlow's own converter wrote."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.support.converter_files import MANIFEST, NAMES, converted
from tests.support.graph_builder import FB
from tflm_gen.cleanup.cleaner import clean_model
from tflm_gen.cleanup.records import Cleaning
from tflm_gen.model.graph import read_document, write_document
from tflm_gen.model.reader import parse_model
from tflm_gen.model.records import Model
from tflm_gen.oracle import tflite
from tflm_gen.oracle.client import run_oracle
from tflm_gen.vectors import make_vectors

pytestmark = pytest.mark.oracle

# What of each file the clean-up must do, and what must be left of its operators.
CASES = {
    "open_batch_conv1d": (
        {"static-shapes", "fold-shapes", "merge-reshapes"},
        {"RESHAPE": 1, "CONV_2D": 2, "FULLY_CONNECTED": 1, "SOFTMAX": 1},
    ),
    "static_batch_conv1d": (
        {"merge-reshapes"},
        {"RESHAPE": 1, "CONV_2D": 2, "FULLY_CONNECTED": 1, "SOFTMAX": 1},
    ),
    "dynamic_reshape": (
        {"static-shapes", "fold-shapes", "merge-reshapes"},
        {"FULLY_CONNECTED": 2, "RESHAPE": 1, "CONV_2D": 1},
    ),
    "autoencoder_open_batch": (
        {"static-shapes", "fold-shapes", "merge-reshapes"},
        {"RESHAPE": 2, "CONV_2D": 1, "TRANSPOSE_CONV": 1},
    ),
    "filled_from_a_shape": (
        {"static-shapes", "fold-shapes"},
        {"FILL": 1, "CONCATENATION": 1},
    ),
    "open_batch_causal_tcn": (
        {"static-shapes", "dilated-convolution", "move-reshapes"},
        {
            "RESHAPE": 2,
            "PAD": 2,
            "CONV_2D": 2,
            "RELU": 2,
            "MEAN": 1,
            "FULLY_CONNECTED": 1,
            "SOFTMAX": 1,
        },
    ),
    "open_batch_same_tcn": (
        {"static-shapes", "dilated-convolution", "move-reshapes"},
        {"RESHAPE": 2, "CONV_2D": 2, "RELU": 2, "MEAN": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1},
    ),
    "open_batch_separable": (
        {"static-shapes", "dilated-convolution", "merge-reshapes"},
        {"RESHAPE": 2, "DEPTHWISE_CONV_2D": 1, "CONV_2D": 1, "REDUCE_MAX": 1, "FULLY_CONNECTED": 1},
    ),
    "open_batch_pools": (
        {"static-shapes", "fold-shapes", "merge-reshapes"},
        {
            "RESHAPE": 1,
            "CONV_2D": 1,
            "AVERAGE_POOL_2D": 1,
            "MAX_POOL_2D": 1,
            "FULLY_CONNECTED": 1,
        },
    ),
    "static_batch_causal_tcn": (
        {"move-reshapes", "pad-images"},
        {"RESHAPE": 2, "PAD": 2, "CONV_2D": 2, "MEAN": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1},
    ),
    "upsampling_1d": (
        {"tile", "merge-reshapes"},
        {"RESHAPE": 2, "CONV_2D": 2, "RESIZE_NEAREST_NEIGHBOR": 1},
    ),
    "open_batch_upsampling_1d": (
        {"static-shapes", "fold-shapes", "tile", "merge-reshapes"},
        {"RESHAPE": 2, "CONV_2D": 2, "RESIZE_NEAREST_NEIGHBOR": 1},
    ),
    "upsampling_2d": (
        {"tile", "merge-reshapes"},
        {"CONV_2D": 2, "RESIZE_NEAREST_NEIGHBOR": 2},
    ),
    "float16_weights": (
        {"float16-constants", "merge-reshapes"},
        {"RESHAPE": 1, "CONV_2D": 2, "FULLY_CONNECTED": 1, "SOFTMAX": 1},
    ),
    "global_mean_float": (
        {"fast-reductions"},
        {"RESHAPE": 1, "CONV_2D": 1, "MEAN": 1, "FULLY_CONNECTED": 1},
    ),
    "global_mean_int8": (
        {"fast-reductions"},
        {"RESHAPE": 2, "CONV_2D": 1, "MEAN": 1, "FULLY_CONNECTED": 1},
    ),
    "clipped_input": (
        {"clipping"},
        {"QUANTIZE": 1, "MINIMUM": 1, "RESHAPE": 2, "CONV_2D": 1},
    ),
    "clipped_input_float": (
        {"clipping"},
        {"MAXIMUM": 1, "MINIMUM": 1, "RESHAPE": 2, "CONV_2D": 1},
    ),
    "selected": ({"select"}, {"GREATER": 1, "MUL": 1, "SELECT_V2": 1}),
    "two_named_outputs": (
        {"static-shapes", "merge-reshapes", "drop-unused"},
        {"CONCATENATION": 1, "RESHAPE": 2, "CONV_2D": 1, "MEAN": 1, "FULLY_CONNECTED": 2},
    ),
}
# TFLM does not run the original of these, or runs it without an error and wrongly.
REFUSED = {
    "upsampling_1d",
    "open_batch_upsampling_1d",
    "upsampling_2d",
    "float16_weights",
    "filled_from_a_shape",
    "clipped_input",
    "clipped_input_float",
    "selected",
}
WRONG = {"open_batch_causal_tcn", "open_batch_same_tcn", "open_batch_separable"}


@cache
def model(name: str) -> Model:
    return parse_model(converted(name), f"{name}.tflite")


@cache
def cleaned(name: str) -> Cleaning:
    return clean_model(model(name), use_cache=False)


def kinds(checked: Model) -> Counter[str]:
    return Counter(operator.op for operator in checked.main.operators)


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_those_that_were_converted(name: str) -> None:
    assert hashlib.sha256(converted(name)).hexdigest() == MANIFEST["sha256"][name]


@pytest.mark.parametrize("name", CASES)
def test_what_is_done_is_proven_and_complete(name: str) -> None:
    cleaning = cleaned(name)
    steps, left = CASES[name]
    assert {step.name for step in cleaning.steps} >= steps | {"drop-names"}
    assert cleaning.undone == ()
    assert kinds(cleaning.cleaned) == left
    assert cleaning.proof is not None
    assert cleaning.proof.n_vectors >= 32


@pytest.mark.parametrize("name", CASES)
def test_the_proof_has_the_right_judge(name: str) -> None:
    cleaning = cleaned(name)
    assert cleaning.proof is not None
    if name in REFUSED | WRONG:
        assert cleaning.proof.basis in ("original on TFLite", "parts")
    else:
        assert (cleaning.proof.basis, cleaning.note) == ("original on TFLM", "")
    if name in REFUSED:
        assert "TFLM does not run the original" in cleaning.note
    if name in WRONG:
        assert "TFLM runs the original without an error and gives other bytes" in cleaning.note
        assert "\n" not in cleaning.note


@pytest.mark.parametrize("name", sorted(set(CASES) - REFUSED - WRONG))
def test_other_vectors_give_the_bytes_of_the_original(name: str) -> None:
    vectors = make_vectors(model(name).inputs, count=16, seed=99)
    before = run_oracle(converted(name), vectors)
    assert run_oracle(cleaned(name).cleaned.flatbuffer, vectors).outputs == before.outputs


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", CASES)
def test_anyone_can_use_the_cleaned_file(name: str) -> None:
    """It loads in TFLite, and gives there what the original gives."""
    vectors = make_vectors(model(name).inputs, count=8, seed=98)
    before = tflite.run_tflite(converted(name), vectors)
    after = tflite.run_tflite(cleaned(name).cleaned.flatbuffer, vectors)
    assert before is not None
    assert after is not None
    if not name.endswith("_float"):
        assert after.outputs == before.outputs
        return
    for one, other in zip(after.outputs, before.outputs, strict=True):
        np.testing.assert_allclose(*(np.frombuffer(x[0], np.float32) for x in (one, other)), 1e-5)


@pytest.mark.parametrize("name", sorted(REFUSED | WRONG))
def test_without_tflite_the_parts_are_proven(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite, "_PACKAGES", ())
    cleaning = clean_model(model(name), use_cache=False)
    assert cleaning.proof is not None
    assert cleaning.proof.basis == "parts"
    assert cleaning.cleaned.flatbuffer == cleaned(name).cleaned.flatbuffer


@pytest.mark.parametrize("name", CASES)
def test_nothing_dead_is_left(name: str) -> None:
    data = cleaned(name).cleaned.flatbuffer
    parsed = FB.ModelT.InitFromObj(FB.Model.GetRootAs(data))
    graph = parsed.subgraphs[0]
    read = {int(i) for o in graph.operators for i in (*o.inputs, *o.outputs) if i >= 0}
    assert set(range(len(graph.tensors))) == read | {*graph.inputs, *graph.outputs}
    codes = {operator.opcodeIndex for operator in graph.operators}
    assert codes == set(range(len(parsed.operatorCodes)))
    # Buffer 0 stands for none.
    buffers = {tensor.buffer for tensor in graph.tensors}
    assert {0, *buffers} == set(range(len(parsed.buffers)))
    assert not parsed.metadata
    assert b"min_runtime_version" not in data
    ends = {*graph.inputs, *graph.outputs}
    assert all(not t.name for i, t in enumerate(graph.tensors) if i not in ends)


def test_signatures_lead_to_the_same_values() -> None:
    name = "two_named_outputs"
    before, after = model(name), cleaned(name).cleaned
    assert [s.key for s in after.signatures] == [s.key for s in before.signatures]
    vectors = make_vectors(before.inputs, count=4, seed=3)
    for one, other in zip(
        run_oracle(before.flatbuffer, vectors).outputs,
        run_oracle(after.flatbuffer, vectors).outputs,
        strict=True,
    ):
        assert by_signature(before, one) == by_signature(after, other)
    assert set(by_signature(after, (b"", b""))) == {"rhythm", "quality"}


def by_signature(checked: Model, outputs: tuple[bytes, ...]) -> dict[str, bytes]:
    """Outputs by their names in the signature."""
    graph, signature = checked.main, checked.signatures[0]
    return {name: outputs[graph.outputs.index(tensor)] for name, tensor in signature.outputs}


def test_own_metadata_stays_and_foreign_metadata_goes() -> None:
    document = read_document(model("static_batch_conv1d"))
    own = ((b"TFLM_GEN_classes", b"N,V,S"), *document.metadata)
    data = write_document(replace(document, metadata=own))
    cleaning = clean_model(parse_model(data, "m.tflite"), use_cache=False)
    kept = read_document(cleaning.cleaned).metadata
    assert [(name, bytes(value)) for name, value in kept] == [(b"TFLM_GEN_classes", b"N,V,S")]
