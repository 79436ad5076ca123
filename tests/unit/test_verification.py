from __future__ import annotations

import math
import struct

import pytest

from tests.support.stateful_model import streaming_svdf
from tests.support.zoo import ZOO
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.client import run_oracle
from tflm_gen.vectors import Vector, make_vectors
from tflm_gen.verification import compare, has_state, verify_device


def test_equal_bytes_have_no_difference():
    assert compare("int8", b"\x01\x80", b"\x01\x80") is None
    assert compare("int8", b"", b"") is None


def test_a_difference_is_counted_and_placed():
    found = compare("int8", b"\x00\x80\x7f\x05", b"\x00\x7f\x7f\x03")
    assert (found.n_elements, found.n_different, found.element) == (4, 2, 1)
    assert (found.device_value, found.host_value) == (-128, 127)
    assert found.max_abs_difference == 255


def test_wider_elements():
    device, host = struct.pack("<3h", 0, -5, 300), struct.pack("<3h", 0, 5, 299)
    found = compare("int16", device, host)
    assert (found.n_different, found.element, found.max_abs_difference) == (2, 1, 10)


@pytest.mark.parametrize(
    ("device", "host", "n_different"),
    [
        ((0.0, 1.0), (-0.0, 1.0), 1),  # equal values, other bytes
        ((1.0, 2.5), (1.0, 2.0), 1),
        ((math.nan, 0.0), (1.0, 0.0), 1),
        ((math.nan, 0.0), (math.nan, 0.0), 0),  # the same bytes
    ],
)
def test_floats_are_compared_by_their_bytes(device, host, n_different):
    found = compare("float32", struct.pack("<2f", *device), struct.pack("<2f", *host))
    assert (0 if found is None else found.n_different) == n_different


def test_other_lengths_are_an_error():
    with pytest.raises(ValueError, match="2 bytes against 1"):
        compare("int8", b"ab", b"a")


def test_state_is_found_in_variable_tensors():
    assert has_state(parse_model(streaming_svdf(), "s.tflite"))
    assert not has_state(parse_model(ZOO["cnn_1d"](), "c.tflite"))


class EchoDevice:
    """Gives what the reference gives for the flashed model."""

    def __init__(self, model):
        self._model = model
        self._inputs = {}

    def reset(self):
        self._inputs = {}

    def write_input(self, index, data):
        self._inputs[index] = data

    def invoke(self):
        vector = Vector(name="now", inputs=tuple(self._inputs[i] for i in sorted(self._inputs)))
        self._outputs = run_oracle(self._model.flatbuffer, [vector]).outputs[0]

    def read_output(self, index):
        return self._outputs[index]


@pytest.mark.oracle
@pytest.mark.parametrize(("original", "n_different"), [("cnn_1d", 0), ("cnn_1d_open_batch", 2)])
def test_the_model_before_its_clean_up_is_compared_too(original, n_different):
    model = parse_model(ZOO["cnn_1d"](), "c.tflite")
    vectors = make_vectors(model.inputs, count=18)[-2:]
    result = verify_device(model, vectors, EchoDevice(model), original=ZOO[original]())
    assert result.mismatches == ()
    assert result.n_original_different == n_different
    assert result.is_equal == (n_different == 0)
