from __future__ import annotations

import struct

import numpy as np
import pytest

from tests.support.graph_builder import FB, pack, unpack
from tests.support.stateful_model import streaming_svdf
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES
from tflm_gen.errors import (
    MalformedModelError,
    OracleError,
    ProcessTimeoutError,
    RefusedModelError,
)
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle import client
from tflm_gen.oracle.client import (
    find_smallest_host_arena,
    make_tap_model,
    read_tensors,
    run_oracle,
)
from tflm_gen.vectors import Vector, make_vectors

pytestmark = pytest.mark.oracle


def parsed(name: str):
    return parse_model(ZOO[name](), f"{name}.tflite")


@pytest.mark.parametrize("name", ["cnn_1d", "cnn_1d_int16x8", "cnn_1d_float32"])
def test_outputs_are_those_of_an_interpreter_in_this_process(name):
    from tflite_micro.python.tflite_micro import runtime

    model = parsed(name)
    vectors = make_vectors(model.inputs, count=8)
    run = run_oracle(model.flatbuffer, vectors)
    interpreter = runtime.Interpreter.from_bytes(model.flatbuffer, arena_size=1 << 20)
    details = interpreter.get_input_details(0)
    for vector, outputs in zip(vectors, run.outputs, strict=True):
        values = np.frombuffer(vector.inputs[0], details["dtype"]).reshape(details["shape"])
        interpreter.set_input(values, 0)
        interpreter.invoke()
        assert outputs == (interpreter.get_output(0).tobytes(),)
    assert run.runtime.startswith("tflite-micro 0.dev")
    assert run.arena_used_bytes > 0


def test_several_inputs_and_outputs():
    model = parsed("two_leads_two_outputs")
    run = run_oracle(model.flatbuffer, make_vectors(model.inputs, count=3))
    assert [len(outputs) for outputs in run.outputs] == [len(model.outputs)] * 3
    assert len(model.outputs) == 2


def test_each_vector_starts_from_the_same_state():
    from tflite_micro.python.tflite_micro import runtime

    model = parse_model(streaming_svdf(), "svdf.tflite")
    first, second = make_vectors(model.inputs, count=18)[-2:]
    run = run_oracle(model.flatbuffer, [first, second, first, first])
    assert run.outputs[0] == run.outputs[2] == run.outputs[3]
    # Without the reset, the same input gives something else the second time.
    interpreter = runtime.Interpreter.from_bytes(model.flatbuffer, arena_size=1 << 16)
    for expect_equal in (True, False):
        interpreter.set_input(np.frombuffer(first.inputs[0], np.int8).reshape(1, -1), 0)
        interpreter.invoke()
        assert (interpreter.get_output(0).tobytes() == run.outputs[0][0]) == expect_equal


def test_the_smallest_host_arena_runs_and_16_bytes_less_do_not():
    from tflite_micro.python.tflite_micro import runtime

    model = parsed("cnn_1d")
    vector = make_vectors(model.inputs, count=1)[0]
    smallest = find_smallest_host_arena(model.flatbuffer, vector)
    assert smallest % 16 == 0
    runtime.Interpreter.from_bytes(model.flatbuffer, arena_size=smallest).invoke()
    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_bytes(model.flatbuffer, arena_size=smallest - 16)


def test_the_tap_model_gives_every_operators_results():
    model = parsed("cnn_1d")
    vector = make_vectors(model.inputs, count=1)[0]
    tap = make_tap_model(model)
    assert tap.tensors == tuple(t for op in model.main.operators for t in op.outputs)
    assert [op.op for op in tap.model.main.operators] == [op.op for op in model.main.operators]
    assert tap.model.main.outputs == tap.tensors
    through_tap = run_oracle(tap.model.flatbuffer, [vector]).outputs[0]
    preserved = read_tensors(model.flatbuffer, vector, tap.tensors)
    assert through_tap == preserved
    assert preserved[-1] == run_oracle(model.flatbuffer, [vector]).outputs[0][0]
    assert [len(data) for data in preserved] == [
        model.main.tensors[t].n_elements for t in tap.tensors
    ]


def test_constant_data_stays_aligned_in_the_tap_model():
    tap = make_tap_model(parsed("cnn_1d"))
    root = FB.Model.GetRootAsModel(tap.model.flatbuffer, 0)
    buffers = [root.Buffers(index) for index in range(root.BuffersLength())]
    data = [buffer.DataAsNumpy() for buffer in buffers if buffer.DataLength() > 0]
    whole = np.frombuffer(tap.model.flatbuffer, np.uint8)
    # numpy made a copy of the bytes; find each array's place by its first occurrence.
    base = whole.__array_interface__["data"][0]
    offsets = [array.__array_interface__["data"][0] for array in data]
    assert len({(offset - offsets[0]) % 16 for offset in offsets}) == 1
    assert base > 0


def test_a_wrong_input_is_refused_with_its_number():
    model = parsed("cnn_1d")
    with pytest.raises(OracleError, match="input 0"):
        run_oracle(model.flatbuffer, [Vector(name="short", inputs=(b"\0",))])


def test_a_time_limit_holds():
    model = parsed("cnn_1d")
    with pytest.raises(ProcessTimeoutError, match="reference interpreter"):
        run_oracle(model.flatbuffer, make_vectors(model.inputs, count=1), timeout_s=0.01)


def with_wild_buffer(flatbuffer: bytes) -> bytes:
    """The model with one tensor's constant data said to lie far outside the file."""
    model = FB.Model.GetRootAsModel(flatbuffer, 0)
    graph = model.Subgraphs(0)
    weights = graph.Operators(1).Inputs(1)
    tensor = graph.Tensors(weights)
    table = tensor._tab
    place = table.Pos + table.Offset(8)  # the field "buffer"
    damaged = bytearray(flatbuffer)
    damaged[place : place + 4] = (0x7FFF_FFF0 // 4).to_bytes(4, "little")
    return bytes(damaged)


def test_the_interpreter_never_sees_a_file_that_is_not_valid():
    model = parsed("cnn_1d")
    with pytest.raises(MalformedModelError, match="buffer"):
        run_oracle(with_wild_buffer(model.flatbuffer), make_vectors(model.inputs, count=1))


def test_the_interpreter_never_sees_a_model_that_may_crash_it():
    model = parse_model(FEATURES["custom_signalwindow"](), "window.tflite")
    with pytest.raises(RefusedModelError, match=r"is not given this model.*SignalWindow"):
        run_oracle(model.flatbuffer, make_vectors(model.inputs, count=1))


def test_a_crash_is_an_error_that_names_the_signal_and_the_stage(monkeypatch):
    monkeypatch.setattr(client, "reason_not_to_run", lambda _: "")
    model = parse_model(FEATURES["custom_signalwindow"](), "window.tflite")
    with pytest.raises(OracleError) as caught:
        run_oracle(model.flatbuffer, make_vectors(model.inputs, count=1))
    assert "SIGSEGV" in caught.value.message
    assert "while allocating tensors" in caught.value.message
    assert caught.value.exit_code == 4


def with_plan(*words: int) -> bytes:
    model = unpack(ZOO["mlp"]())
    buffer, entry = FB.BufferT(), FB.MetadataT()
    buffer.data = list(struct.pack(f"<{len(words)}i", *words))
    model.buffers.append(buffer)
    entry.name, entry.buffer = "OfflineMemoryAllocation", len(model.buffers) - 1
    model.metadata = [entry]
    return pack(model)


def test_a_plan_that_leads_out_of_the_arena_is_not_given():
    n_tensors = len(parsed("mlp").main.tensors)
    vectors = make_vectors(parsed("mlp").inputs, count=1)
    free = [-1] * n_tensors
    assert run_oracle(with_plan(1, 0, n_tensors, *free), vectors).outputs
    with pytest.raises(RefusedModelError, match="offline memory plan has offset -16"):
        run_oracle(with_plan(1, 0, n_tensors, -16, *free[1:]), vectors)
    with pytest.raises(RefusedModelError, match="plan is for 9 tensors"):
        run_oracle(with_plan(1, 0, 9), vectors)
