"""Whole models through the compiled engine: every output byte of 16 vectors equals TFLM's."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.n1.model import build_n1
from tests.kernels.batch import Case, make_vectors, wheel_outputs, write_batch
from tests.kernels.machines import MACHINES, run_batch
from tests.kernels.test_differential import need
from tests.support.zoo import ZOO
from tflm_gen.compiled.generate import compile_model
from tflm_gen.compiled.ir import Target
from tflm_gen.errors import NotCompilableError
from tflm_gen.model.reader import parse_model

ROOT = Path(__file__).resolve().parents[2]
ECG = {
    "example": ROOT / "examples" / "ecg" / "ecg.tflite",
    "synthetic": ROOT / "tests" / "fixtures" / "synthetic_ecg" / "ecg.tflite",
}
# What the compiled engine leaves to TFLM, by the operator or type it names.
REFUSED = {
    "attention": "BATCH_MATMUL",
    "cnn_1d_float32": "float32",
    "cnn_1d_int16x8": "int16",
    "float_island": "float32",
    "mlp_float32": "float32",
    "mlp_int16x8": "int16",
    "reductions": "SUM",
    "tcn_space_to_batch": "SPACE_TO_BATCH_ND",
    "elementwise": "MAXIMUM",
    "lead_split": "UNPACK",
}
N_VECTORS = 16


def models() -> dict[str, bytes]:
    built = {name: build() for name, build in ZOO.items() if name not in REFUSED}
    return {**built, "n1": build_n1(), **{name: path.read_bytes() for name, path in ECG.items()}}


def case_of(name: str, data: bytes) -> Case:
    model = parse_model(data, f"{name}.tflite")
    vectors = make_vectors(model, seed=3, n_vectors=N_VECTORS)
    outputs = wheel_outputs(data, vectors)
    assert outputs is not None, f"the wheel refuses {name}"
    inputs = tuple(tuple(array.tobytes() for array in vector) for vector in vectors)
    return Case(name=name, model=model, inputs=inputs, outputs=outputs)


@pytest.mark.parametrize(
    "machine",
    ["host", "host-dsp-fast", "cortex-m4f", "cortex-m4f-fast", "cortex-m33", "cortex-m55"],
)
def test_models_equal_the_wheel(machine: str, tmp_path: Path) -> None:
    need(machine)
    cases = [case_of(name, data) for name, data in models().items()]
    batch = write_batch(cases, MACHINES[machine].target, tmp_path, MACHINES[machine].tuning)
    assert batch.refused == ()
    n_run, differences = run_batch(MACHINES[machine], batch)
    assert differences == []
    assert n_run == len(cases) >= 15


@pytest.mark.parametrize(("name", "culprit"), REFUSED.items())
def test_what_is_not_carried_is_named(name: str, culprit: str) -> None:
    model = parse_model(ZOO[name](), f"{name}.tflite")
    with pytest.raises(NotCompilableError, match=r"operator \d+|tensor \d+") as caught:
        compile_model(model, Target.PORTABLE)
    assert culprit in caught.value.message
    assert "--engine tflm" in caught.value.hint
