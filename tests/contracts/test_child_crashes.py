"""Programs that see foreign models may crash: that is said, in one line, and nothing is left."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.support.zoo import ZOO
from tflm_gen.errors import OracleError
from tflm_gen.model.reader import parse_model
from tflm_gen.quantize.records import QuantizeRequest

CRASH = "import os\nos.kill(os.getpid(), 11)\n"


@pytest.fixture
def crashing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages that end the process which imports them; this process has found the real ones."""
    fakes = tmp_path / "fakes"
    for name in ("tensorflow", "tflite_micro", "ethosu/vela"):
        (fakes / name).mkdir(parents=True)
    (fakes / "tensorflow/__init__.py").write_text(CRASH)
    (fakes / "tflite_micro/__init__.py").write_text(CRASH)
    (fakes / "ethosu/__init__.py").touch()
    (fakes / "ethosu/vela/__init__.py").touch()
    (fakes / "ethosu/vela/__main__.py").write_text(CRASH)
    monkeypatch.setenv("PYTHONPATH", str(fakes), prepend=":")
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    # The check that a package is there is about another matter.
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    return work


def test_interpreter(crashing: Path) -> None:
    from tflm_gen.oracle.client import run_oracle
    from tflm_gen.vectors import make_vectors

    model = parse_model(ZOO["mlp"](), "mlp.tflite")
    with pytest.raises(OracleError, match="crashed with SIGSEGV"):
        run_oracle(model.flatbuffer, make_vectors(model.inputs, count=1))
    assert list(crashing.iterdir()) == []


def test_vela(crashing: Path) -> None:
    from tflm_gen.vela.compiler import compile_for_npu, npu_config

    model = parse_model(ZOO["cnn_1d"](), "cnn.tflite")
    with pytest.raises(OracleError, match="Vela was ended by signal 11 on cnn"):
        compile_for_npu(model, npu_config("ethos-u55-128"))
    assert list(crashing.iterdir()) == []


def test_quantizer(crashing: Path) -> None:
    from tflm_gen.quantize.client import quantize_model

    (crashing / "float.tflite").write_bytes(ZOO["mlp_float32"]())
    np.savez(crashing / "x.npz", x=np.zeros((20, 4), np.float32))
    request = QuantizeRequest(
        model_path=str(crashing / "float.tflite"),
        data_path=str(crashing / "x.npz"),
        scheme="int8",
        io="int8",
        per_channel=True,
        held_out=0.2,
        output_path=str(crashing / "out.tflite"),
    )
    with pytest.raises(OracleError, match="TensorFlow's process was ended by signal 11"):
        quantize_model(request, timeout_s=60)
    assert sorted(path.name for path in crashing.iterdir()) == ["float.tflite", "x.npz"]


def test_float_model_of_evaluate(crashing: Path) -> None:
    from tflm_gen.evaluate import runs

    path = crashing / "float.tflite"
    path.write_bytes(ZOO["mlp_float32"]())
    with pytest.raises(OracleError, match="TensorFlow's process was ended by signal 11"):
        runs.run_float(path, {"x": np.zeros((2, 4), np.float32)})
    assert list(crashing.iterdir()) == [path]
