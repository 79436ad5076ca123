from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.records import Quantization, TensorSpec
from tflm_gen.vectors import make_vectors


def tensor(dtype: str, shape=(1, 360, 1), scale: float | None = 0.03, zero_point: int = -8):
    quantization = None
    if scale is not None:
        quantization = Quantization(scales=(scale,), zero_points=(zero_point,))
    return TensorSpec(
        index=0,
        name="x",
        shape=shape,
        shape_signature=None,
        dtype=dtype,
        buffer_index=1,
        data_bytes=0,
        is_variable=False,
        quantization=quantization,
    )


INPUTS = {
    "int8": tensor("int8"),
    "uint8": tensor("uint8", zero_point=128),
    "int16": tensor("int16", scale=0.001, zero_point=0),
    "float32": tensor("float32", scale=None),
}
NUMPY = {"int8": "<i1", "uint8": "<u1", "int16": "<i2", "float32": "<f4"}


def values(vector, dtype: str, index: int = 0) -> np.ndarray:
    return np.frombuffer(vector.inputs[index], NUMPY[dtype])


@pytest.mark.parametrize("dtype", INPUTS)
def test_there_are_32_different_vectors_of_the_right_size(dtype):
    vectors = make_vectors([INPUTS[dtype]])
    assert len(vectors) == 32
    assert len({vector.inputs for vector in vectors}) == 32
    assert len({vector.name for vector in vectors}) == 32
    assert {len(values(vector, dtype)) for vector in vectors} == {360}


def test_the_same_seed_gives_the_same_bytes_everywhere():
    vectors = make_vectors([INPUTS["int8"], INPUTS["int16"]], seed=3)
    assert vectors == make_vectors([INPUTS["int8"], INPUTS["int16"]], seed=3)
    other = make_vectors([INPUTS["int8"], INPUTS["int16"]], seed=4)
    assert [v.inputs for v in vectors if "random" in v.name] != [
        v.inputs for v in other if "random" in v.name
    ]


RANDOM_16 = [-21, -1, -11, -51, 45, 53, -90, 110]


def test_random_bytes_do_not_depend_on_the_version_of_numpy():
    drawn = {v.name: list(values(v, "int8")[:8]) for v in make_vectors([INPUTS["int8"]])}
    assert drawn["random 16"] == RANDOM_16


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_extremes_and_zero_point_are_among_them(dtype):
    by_name = {v.name: values(v, dtype) for v in make_vectors([INPUTS[dtype]])}
    limits = np.iinfo(NUMPY[dtype])
    assert set(by_name["all minimum"]) == {limits.min}
    assert set(by_name["all maximum"]) == {limits.max}
    assert list(by_name["alternating"][:4]) == [limits.min, limits.max, limits.min, limits.max]
    assert set(by_name["zero point"]) == {INPUTS[dtype].quantization.zero_points[0]}
    ramp = by_name["ramp up"]
    assert (ramp[0], ramp[-1]) == (limits.min, limits.max)
    assert (np.diff(ramp.astype(int)) >= 0).all()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_random_vectors_use_the_full_range(dtype):
    drawn = np.concatenate(
        [values(v, dtype) for v in make_vectors([INPUTS[dtype]]) if "random" in v.name]
    )
    limits = np.iinfo(NUMPY[dtype])
    span = limits.max - limits.min
    assert drawn.min() < limits.min + 0.01 * span
    assert drawn.max() > limits.max - 0.01 * span
    assert abs(drawn.mean() - (limits.max + limits.min) / 2) < 0.05 * span


def test_floats_are_finite_and_moderate():
    for vector in make_vectors([INPUTS["float32"]]):
        found = values(vector, "float32")
        assert np.isfinite(found).all()
        assert np.abs(found).max() <= 4.0


def test_an_ecg_is_quantized_with_the_inputs_scale():
    by_name = {v.name: values(v, "int8") for v in make_vectors([INPUTS["int8"]])}
    real_mv = (by_name["ecg 60 bpm"].astype(float) + 8) * 0.03
    assert 0.8 < real_mv.max() < 1.4  # the R wave
    assert -0.6 < real_mv.min() < 0.0
    peaks = np.flatnonzero(
        (real_mv[1:-1] > 0.6) & (real_mv[1:-1] >= real_mv[:-2]) & (real_mv[1:-1] > real_mv[2:])
    )
    assert 1 <= len(peaks) <= 3  # 1.4 s at 60 beats a minute


def test_leads_are_scaled_copies_along_the_time_axis():
    spec = tensor("int16", shape=(1, 2, 250), scale=0.001, zero_point=0)
    ecg = next(v for v in make_vectors([spec]) if v.name == "ecg 60 bpm")
    first, second = values(ecg, "int16").reshape(2, 250)
    assert np.abs(second - first / 1.3).max() <= 1


def test_several_inputs_of_several_types():
    vectors = make_vectors(list(INPUTS.values()))
    for vector in vectors:
        assert [len(data) for data in vector.inputs] == [360, 360, 720, 1440]


def test_fewer_and_more_than_the_patterns():
    assert [v.name for v in make_vectors([INPUTS["int8"]], count=1)] == ["ecg 60 bpm"]
    assert len(make_vectors([INPUTS["int8"]], count=100)) == 100


def test_a_scalar_input_has_vectors_too():
    assert len(make_vectors([tensor("int8", shape=())])[0].inputs[0]) == 1


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "int32", "bool"])
@pytest.mark.parametrize("shape", [(0,), (1, 0, 4), (), (1,)])
@pytest.mark.parametrize("scales", [None, (), (0.0,)])
def test_every_shape_and_quantization_has_vectors(dtype, shape, scales):
    quantization = (
        None if scales is None else Quantization(scales=scales, zero_points=(0,) * len(scales))
    )
    spec = replace(tensor(dtype, shape=shape), quantization=quantization)
    vectors = make_vectors([spec, tensor("int8")], count=20)
    n_bytes = spec.n_elements * {"int8": 1, "bool": 1, "int16": 2}.get(dtype, 4)
    assert {len(vector.inputs[0]) for vector in vectors} == {n_bytes}
    assert len({vector.inputs[1] for vector in vectors}) > 16


def test_an_input_without_a_meaning_is_refused():
    with pytest.raises(UnsupportedModelError, match="string"):
        make_vectors([replace(INPUTS["int8"], dtype="string")])
