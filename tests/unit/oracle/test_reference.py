"""TFLite's reference kernels take the wheel's place only where the wheel has no answer."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from tests.support.converter_files import converted
from tflm_gen.cleanup.proof import Bench, _no_judge
from tflm_gen.errors import MissingToolError, OracleError, RefusedModelError
from tflm_gen.golden import make_golden_vector
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle import reference, tflite
from tflm_gen.oracle.client import run_oracle
from tflm_gen.oracle.reference import run_reference
from tflm_gen.vectors import make_vectors

pytestmark = pytest.mark.oracle


def vectors_for(data: bytes, count: int = 4):
    return make_vectors(parse_model(data, "m.tflite").inputs, count=count)


def test_the_wheel_comes_first() -> None:
    data = converted("static_batch_conv1d")
    vectors = vectors_for(data)
    assert run_reference(data, vectors) == run_oracle(data, vectors)


@pytest.mark.tensorflow
def test_what_the_wheel_refuses_is_computed_by_tflite_and_named() -> None:
    data = converted("gelu_exact")
    vectors = vectors_for(data)
    with pytest.raises(RefusedModelError, match="GELU"):
        run_oracle(data, vectors)
    found = run_reference(data, vectors)
    expected = tflite.run_tflite(data, vectors)
    assert expected is not None
    assert found.outputs == expected.outputs
    assert len({outputs[0] for outputs in found.outputs}) > 1
    assert found.runtime == f"{expected.runtime}; the tflite-micro wheel refuses the model"


@pytest.mark.tensorflow
def test_a_build_gets_its_golden_vector_there(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    golden = make_golden_vector(parse_model(converted("gelu_exact"), "m.tflite"))
    assert golden.outputs is not None
    assert "the tflite-micro wheel refuses the model" in golden.oracle


@pytest.mark.tensorflow
def test_without_the_wheel_tflite_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = converted("static_batch_conv1d")
    vectors = vectors_for(data)
    expected = run_oracle(data, vectors).outputs
    monkeypatch.setattr(reference, "run_oracle", failing(MissingToolError("no wheel", hint="-")))
    found = run_reference(data, vectors)
    assert found.outputs == expected
    assert "wheel is not installed" in found.runtime


@pytest.mark.tensorflow
def test_a_crash_of_the_wheel_is_not_covered_up(monkeypatch: pytest.MonkeyPatch) -> None:
    data = converted("static_batch_conv1d")
    monkeypatch.setattr(reference, "run_oracle", failing(OracleError("crashed", hint="-")))
    with pytest.raises(OracleError, match="crashed"):
        run_reference(data, vectors_for(data))


def test_without_tflite_the_wheel_s_words_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite, "_PACKAGES", ())
    data = converted("gelu_exact")
    with pytest.raises(RefusedModelError, match="refused the model"):
        run_reference(data, vectors_for(data))


@pytest.mark.tensorflow
def test_a_crash_of_tflite_is_called_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child ends itself by the signal that a crash is."""
    real = tflite.run
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(
        tflite, "run", lambda line: real(replace(line, argv=(sys.executable, "-c", dies)))
    )
    data = converted("gelu_exact")
    with pytest.raises(
        OracleError, match=r"refused the model.*TFLite.* crashed .* SIGSEGV"
    ) as info:
        run_reference(data, vectors_for(data))
    assert not isinstance(info.value, RefusedModelError)
    bench = Bench(parse_model(data, "m.tflite"), vectors_for(data), lambda _: None)
    assert bench.tflite(data) is None
    assert "crashed on the model with SIGSEGV" in _no_judge("", bench.tflite_crash, runs=False)


def failing(error: Exception):
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail
